/** A product broken on purpose. A scenario that can't tell it from a sound one proves nothing. */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Seams } from '../runner/seams.ts';

export interface Mutant {
  readonly id: string;
  readonly breaks: 'engine' | 'simulator';
  /** What the broken thing does. */
  readonly title: string;
  /** Ids of scenarios that must find it out; the first one is enough. */
  readonly killers: readonly [string, ...string[]];
  /** The engine that plays the killers; the first of the scenario when absent. */
  readonly engine?: Transport;
  /** The breakage itself, fresh for every run. */
  readonly seams: () => Seams;
}
