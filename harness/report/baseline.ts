/** What has changed since an earlier report: what got worse, what got better, what is new and what was not seen. */
import { engineLabel } from './engine-label.ts';
import type { Report } from './report.ts';

/** A scenario with an engine (`S001-first, nbd`) or a rule (`LOCK-2`), and its outcomes then and now. */
export interface Change {
  readonly what: string;
  /** Absent when it was not there then ... */
  readonly before?: string;
  /** ... or is not there now. */
  readonly now?: string;
}

export interface Comparison {
  /** Passed before, and now does not. */
  readonly regressions: readonly Change[];
  /** Did not pass before, and now does. */
  readonly improvements: readonly Change[];
  /** Not in the baseline, whatever it came to. */
  readonly added: readonly Change[];
  /** In the baseline, and not looked at now. */
  readonly missing: readonly Change[];
}

/**
 * A scenario that was left out is missing, not worse. A rule that passed and that nothing exercised now is worse only
 * when every scenario of the baseline was played: else it may be that its scenario was left out.
 */
export function compareReports(baseline: Report, report: Report): Comparison {
  const scenarios = changes(scenarioOutcomes(baseline), scenarioOutcomes(report));
  const isWhole = scenarios.every(({ now }) => now !== undefined && now !== 'skipped');
  const rules = changes(ruleOutcomes(baseline), ruleOutcomes(report, isWhole));
  const all = [...scenarios, ...rules];
  return {
    regressions: all.filter(({ before, now }) => before === 'passed' && now !== undefined && !FINE.has(now)),
    improvements: all.filter(
      ({ before, now }) => before !== undefined && before !== 'passed' && now === 'passed',
    ),
    added: all.filter(({ before }) => before === undefined),
    missing: all.filter(({ now }) => now === undefined),
  };
}

/** Somebody has signed for a waived rule, and has taken back the promise behind one that does not apply. */
const FINE: ReadonlySet<string> = new Set(['passed', 'waived', 'not-applicable']);

function scenarioOutcomes({ results }: Report): ReadonlyMap<string, string> {
  return new Map(results.map((result) => [`${result.scenario}, ${engineLabel(result)}`, result.outcome]));
}

function ruleOutcomes({ rules }: Report, isWhole = true): ReadonlyMap<string, string> {
  const seen = isWhole ? rules : rules.filter(({ outcome }) => outcome !== 'not-exercised');
  return new Map(seen.map(({ rule, outcome }) => [rule, outcome]));
}

function changes(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly Change[] {
  return [...new Set([...before.keys(), ...now.keys()])].map((what) => {
    const then = before.get(what);
    const today = now.get(what);
    return {
      what,
      ...(then === undefined ? {} : { before: then }),
      ...(today === undefined ? {} : { now: today }),
    };
  });
}
