/**
 * Makes a failing scenario smaller as long as it still fails in the same way.
 *
 * Greedy: of all ways to make it smaller by one step, the boldest first, the first one that keeps the failure is taken,
 * and it begins anew. It ends when no single step keeps the failure, or when the budget of runs is spent. Runs are
 * deterministic, so "still fails" is asked once.
 */
import type { RunRecord } from '../runner/run-once.ts';
import type { Scenario } from '../runner/scenario-schema.ts';
import { scenarioProblems } from '../runner/parse-scenario.ts';
import { failureKind } from './failure-kind.ts';
import { smallerScenarios } from './smaller-scenarios.ts';

export interface ShrinkOptions {
  readonly scenario: Scenario;
  /** One run; the same scenario gives the same record. */
  readonly play: (scenario: Scenario) => Promise<RunRecord>;
  readonly maxRuns: number;
  /** Called after every run that kept the failure. */
  readonly onSmaller?: (scenario: Scenario, runs: number) => void;
}

export interface Shrunk {
  readonly scenario: Scenario;
  readonly record: RunRecord;
  readonly runs: number;
  /** Nothing smaller fails in the same way; else the budget was spent. */
  readonly isMinimal: boolean;
}

/** The scenario does not fail, so there is nothing to shrink. */
export class NothingToShrink extends Error {
  override readonly name = 'NothingToShrink';
}

/** @throws NothingToShrink */
export async function shrink({ scenario, play, maxRuns, onSmaller }: ShrinkOptions): Promise<Shrunk> {
  let record = await play(scenario);
  let smallest = scenario;
  let runs = 1;
  const wanted = failureKind(record);
  if (wanted === undefined)
    throw new NothingToShrink(`${scenario.id} is ${record.outcome}, it does not fail`);
  const tried = new Set<string>();
  const isLeft = (): boolean => runs < maxRuns;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smallerScenarios(smallest)) {
      const key = JSON.stringify(candidate);
      if (!isLeft()) return { scenario: smallest, record, runs, isMinimal: false };
      if (tried.has(key) || scenarioProblems(candidate).length > 0) continue;
      tried.add(key);
      const again = await play(candidate);
      runs++;
      if (failureKind(again) !== wanted) continue;
      smallest = candidate;
      record = again;
      isSmaller = true;
      onSmaller?.(smallest, runs);
      break;
    }
  }
  return { scenario: smallest, record, runs, isMinimal: true };
}
