/** What must sometimes happen, over all runs of a suite. */
import { renderTally, type Tally, tallyMusts } from '../../harness/musts/tally-musts.ts';
import type { HappeningsResult } from '../../harness/musts/witness-musts.ts';
import type { ScenarioResult } from '../../harness/runner/outcome.ts';

export interface SuiteTally {
  /** As reports have them. */
  readonly results: readonly ScenarioResult[];
  readonly sometimes: readonly Tally[];
  /** For people; empty where nothing was tallied. */
  readonly text: string;
}

/** `isWhole`: of a few scenarios nobody can ask that everything happens in them. */
export function tallySuite(results: readonly HappeningsResult[], seed: string, isWhole: boolean): SuiteTally {
  const plain = results.map(withoutHappenings);
  if (!isWhole) return { results: plain, sometimes: [], text: '' };
  const runs = results.map(({ scenario, engine, happened = {} }) => ({ scenario, engine, seed, happened }));
  const sometimes = tallyMusts(runs);
  return { results: plain, sometimes, text: renderTally(sometimes) };
}

function withoutHappenings(result: HappeningsResult): ScenarioResult {
  const { happened: _, ...plain } = result;
  return plain;
}
