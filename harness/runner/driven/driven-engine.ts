/** Somebody else's engine as the harness drives it, and the stage on which a story of it is played. */
import type { Clock } from '../../../src/kernel/clock.ts';
import type { HostedWorld } from '../../../simulator/app/simulator-api.ts';
import type { Capability } from '../../driver/capabilities.ts';
import type { EngineDoor } from '../../driver/engine-door.ts';
import type { DriverJob } from '../../driver/protocol.ts';
import type { StoryClock } from '../story-clock.ts';

export interface DrivenEngine {
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly door: EngineDoor;
  /** Seconds of the platform per second of the wall. */
  readonly timeScale: number;
  /** Time stands still while a job is at work, but for tasks, which come to their end at once. */
  readonly isStanding?: boolean;
  /** The machine's own time. */
  readonly wall: Clock;
  /** Milliseconds of the wall that one job may take. */
  readonly jobLimitMs: number;
  /** A clock for a new world. It begins at the wall's time, because engines sign with theirs. */
  createClock(): StoryClock;
  /** Puts a world on sockets. */
  openStage(hosted: HostedWorld): Promise<DrivenStage>;
  /** What the vendor offers for looking into a point without a restore. */
  readonly readBack?: ReadBack;
}

export interface DrivenStage extends AsyncDisposable {
  readonly platform: Omit<DriverJob['platform'], 'credentials'>;
  readonly guestDir: string;
  /** An empty folder, the engine's own for one story. */
  readonly repository: string;
}

/** Reads one disk of a point as raw bytes. */
export type ReadBack = (question: {
  readonly repository: string;
  readonly point: string;
  readonly device: string;
}) => Promise<Uint8Array>;
