/** The way to somebody else's engine: an executable or an HTTP endpoint. The harness is given one. */
import type { DriverJob } from './protocol.ts';

export interface EngineDoor {
  /** How the engine is named in findings: `./my-engine`, `http://127.0.0.1:8080/job`. */
  readonly place: string;
  /** Whether `kill` ends the engine as a power failure would, in the midst of whatever it does. */
  readonly canKill: boolean;
  /** Begins a job. `onOutput` gets what the engine writes, in pieces of any size. */
  start(job: DriverJob, onOutput: (chunk: Uint8Array) => void): StartedJob;
}

export interface StartedJob {
  /** Never rejects. */
  readonly ended: Promise<JobEnd>;
  /** Ends it and all that it started, at once. */
  kill(): void;
}

export type JobEnd =
  | { readonly kind: 'exited'; readonly code: number; readonly errorText: string }
  /** A signal that nobody of us sent. */
  | { readonly kind: 'died'; readonly signal: string; readonly errorText: string }
  /** HTTP: the whole answer is there. */
  | { readonly kind: 'answered' }
  /** It could not be begun, or the answer broke off. */
  | { readonly kind: 'unreachable'; readonly why: string };
