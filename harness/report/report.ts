/** The report as data: `report.json` is this, and every other form is made from it. */
import type { Outcome, ScenarioResult } from '../runner/outcome.ts';

export const REPORT_VERSION = 1;

export interface Report {
  readonly version: number;
  readonly seed: string;
  /** Real time of the whole suite; less than the sum of its parts when several threads played. */
  readonly durationMs: number;
  readonly summary: Readonly<Record<Outcome, number>>;
  readonly results: readonly ScenarioResult[];
}

export function buildReport(seed: string, results: readonly ScenarioResult[], durationMs: number): Report {
  const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length;
  return {
    version: REPORT_VERSION,
    seed,
    durationMs,
    summary: {
      passed: count('passed'),
      failed: count('failed'),
      skipped: count('skipped'),
      inconclusive: count('inconclusive'),
      broken: count('broken'),
    },
    results,
  };
}

/** 0: all passed. 1: findings. 70: our own fault. A scenario that is not meant for an engine counts for nothing. */
export function exitCodeOf({ summary, results }: Report): 0 | 1 | 70 {
  if (summary.broken > 0) return 70;
  const isAllPassed = summary.passed > 0 && summary.passed + summary.skipped === results.length;
  return isAllPassed ? 0 : 1;
}
