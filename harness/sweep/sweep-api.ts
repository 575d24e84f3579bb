/**
 * Every fault at every step: what a sweep is made of. A point is a step of a run at which something may go wrong; an
 * attack is what goes wrong there; a cell is one run of the scenario under one attack, and its verdict.
 *
 * An attack is written in the language of scenario files (`attack:`), so that every cell can be had as a plain file.
 */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Happenings } from '../musts/must.ts';
import type { Finding } from '../runner/outcome.ts';
import type { AttackNode, EngineName } from '../runner/scenario-schema.ts';

export type PointKind =
  | 'rest.request'
  | 'rest.reply'
  /** A task changes its status or its step. */
  | 'task.step'
  /** A renewal of a backup resource: the instant at which the old term would go on running out. */
  | 'lease.tick'
  | 'nbd.request'
  | 'nbd.reply'
  /** A device of a proxy's guest appears or vanishes, or a request to it. */
  | 'guest.device'
  | 'guest.io'
  | 'storage.write'
  | 'storage.sync'
  | 'storage.rename'
  | 'storage.remove'
  /** The engine says that it begins a step. */
  | 'checkpoint';

export interface Point {
  /** `rest.request:snapshots.create#1`. Stable for one scenario, engine and seed. */
  readonly id: string;
  readonly kind: PointKind;
  /** Operation, task action and status, NBD command, kind of file, engine step. */
  readonly name: string;
  /** The how-manieth of its kind and name in the run, from 1. */
  readonly nth: number;
  /** In the clean run, ms after all was prepared. */
  readonly atMs: number;
  /** The how-manieth of its kind in the run, whatever its name, from 1. */
  readonly ordinal: number;
  /** The how-manieth of its kind and name while a backup resource is running; absent while none is. */
  readonly nthLocked?: number;
  /** From one of these numbers to the next something has changed, on the platform or in the repository. */
  readonly era?: number;
  /** Operations of the repository: the era that their end begins. */
  readonly eraAfter?: number;
  /** No data connection is open. */
  readonly isOffline?: true;
  /** Whose storage or step it is, where it is not the first engine's. */
  readonly engine?: EngineName;
  /** Steps of tasks: the how-manieth entry of its action and status, where a journal repeats it. */
  readonly entry?: number;
  /** Replies over NBD: the how-manieth connection of the run that opened a disk, from 1, and bytes of replies before. */
  readonly connection?: number;
  readonly offsetBytes?: number;
  /** Queries of changed areas: the part of the disk that the answer is about, in bytes. */
  readonly page?: { readonly start: number; readonly length: number };
  /** Reads in a guest: bytes read of the device with this one, and the how-manieth read that reaches as many. */
  readonly reached?: { readonly bytes: number; readonly nth: number };
}

/** `once`: at this point only. `sticky`: here and ever after, until the faults stop. */
export type Persistence = 'once' | 'sticky';

export interface PlannedCell {
  /** `rest.request:snapshots.create#1/lose-reply/once`; two attacks of a pair are joined by ` + `. */
  readonly id: string;
  readonly points: readonly Point[];
  /** Name of the fault kind for the matrix: `lose-reply`, `kill`, ... */
  readonly fault: string;
  readonly persistence: Persistence;
  readonly attack: readonly AttackNode[];
  /** A hiccup that a product must get over: the jobs that it strikes must succeed all the same. */
  readonly isBearable?: true;
}

/**
 * `survived`: safe under the attack, live after it. `violation`: safety or liveness broken. `missed`: the attack never
 * struck. `undetectable`: the bytes are wrong and no engine could know without verification (`detectedBy` names the
 * option that does). `broken`: our own fault.
 */
export type CellOutcome = 'survived' | 'violation' | 'missed' | 'undetectable' | 'broken';

export interface CellResult {
  readonly cell: PlannedCell;
  readonly outcome: CellOutcome;
  readonly reason: string;
  readonly findings: readonly Finding[];
  readonly journalHash: string;
  readonly virtualMs: number;
  /** What of that which must sometimes happen did; absent in results of earlier versions. */
  readonly happened?: Happenings;
  readonly detectedBy?: string;
  /** An attack that comes once, and its place was not reached again: from there on it would be the same run. */
  readonly isSpent?: true;
}

export interface SweepResult {
  readonly version: 1;
  readonly scenario: string;
  readonly engine: Transport;
  /** Id of the mutant that was swept, if it was one. */
  readonly mutant?: string;
  readonly seed: string;
  readonly points: readonly Point[];
  readonly cells: readonly CellResult[];
  /** Cells that were not played because they are the same run as another. */
  readonly leftOut?: number;
  readonly durationMs: number;
}
