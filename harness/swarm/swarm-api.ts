/**
 * Swarm: worlds in which much happens at once, and much goes wrong. A seed draws the world, what happens in it and the
 * attack, all of it before the run; the run itself then has nothing left to chance, and is a plain scenario file.
 *
 * Which families of faults there are at all is drawn first: a run with every kind of fault in it seldom gets far enough
 * to show anything.
 */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Happenings } from '../musts/must.ts';
import type { Finding } from '../runner/outcome.ts';
import type { Scenario } from '../runner/scenario-schema.ts';

/** `busy-day`: 8 servers, 24 hours. `busy-hours`: up to 2 servers, up to 2 hours, so that there can be many of them. */
export type WorldSize = 'busy-day' | 'busy-hours';

/** What is played for one seed: a world drawn from it, or a scenario under an attack that is drawn from it. */
export type SwarmGround =
  | { readonly size: WorldSize }
  | { readonly scenario: Scenario; readonly transport: Transport };

/** One seed; plain data, so that it can be sent to another thread. */
export interface SwarmTask {
  readonly ground: SwarmGround;
  readonly seed: string;
  /** Id of a mutant. */
  readonly mutant?: string;
  /** How often it is played; all journals must have the same hash. */
  readonly times: number;
}

/** A script: the scenario with its attack, and with what it is played. */
export interface SwarmScript {
  readonly scenario: Scenario;
  readonly transport: Transport;
  readonly families: readonly string[];
}

/**
 * `survived`: safe under the attack, live after it. `idle`: nothing of the attack struck. `violation`: safety or
 * liveness broken, or two runs of the seed differ. `broken`: our own fault.
 */
export type SeedOutcome = 'survived' | 'idle' | 'violation' | 'broken';

export interface SeedResult {
  readonly scenario: string;
  readonly seed: string;
  readonly engine: Transport;
  readonly outcome: SeedOutcome;
  readonly reason: string;
  readonly findings: readonly Finding[];
  readonly families: readonly string[];
  /** Entries of the attack: how many there were, how many struck. */
  readonly planned: number;
  readonly struck: number;
  readonly journalHash: string;
  readonly journalEntries: number;
  readonly virtualMs: number;
  /** What of that which must sometimes happen did. */
  readonly happened: Happenings;
  /** Real time of one run. */
  readonly durationMs: number;
  /** The scenario file, where the seed was not survived. */
  readonly file?: { readonly name: string; readonly text: string };
}
