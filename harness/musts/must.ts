/**
 * Things that must sometimes happen. A suite in which no lock ever ran out under a read has proved nothing about locks,
 * however many of its scenarios pass; so what is rare and matters is counted over all runs, and must not be missing.
 */
import type { Observation } from '../rules/observation.ts';
import type { EngineMoment } from './engine-moments.ts';

/** One run, as a property looks at it. */
export interface Seen extends Observation {
  /** What the journal does not tell: steps and accidents of the engines. */
  readonly moments: readonly EngineMoment[];
}

export interface Must {
  readonly id: string;
  /** As the end of a sentence that begins with: at least once. */
  readonly title: string;
  /** Positions in the journal at which it happened; a pure function. */
  readonly find: (seen: Seen) => readonly number[];
}

/** Where a thing happened, in one run. */
export interface Happening {
  readonly count: number;
  /** Position in the journal of the first one. */
  readonly at: number;
}

/** By the id of the property; those that did not happen are left out. */
export type Happenings = Readonly<Record<string, Happening>>;
