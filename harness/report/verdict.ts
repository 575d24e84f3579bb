/** What it all comes to: one word, and one sentence that needs no other knowledge. */
import type { Outcome } from '../runner/outcome.ts';
import type { Sometimes } from './report.ts';
import type { ReportedRule } from './reported-rule.ts';

export interface Verdict {
  /** `inconclusive`: nothing was wrong, but not enough was seen. `broken`: backlot itself failed. */
  readonly outcome: 'pass' | 'fail' | 'inconclusive' | 'broken';
  readonly sentence: string;
  /** Rules of the level `should` that were violated. They do not fail a verdict. */
  readonly warnings: number;
}

export interface Judged {
  readonly summary: Readonly<Record<Outcome, number>>;
  readonly rules: readonly ReportedRule[];
  readonly sometimes: readonly Sometimes[];
}

export function concludeVerdict(judged: Judged): Verdict {
  const { summary, rules } = judged;
  const violated = (level: ReportedRule['level']): number =>
    rules.filter((rule) => rule.level === level && rule.outcome === 'violated').length;
  const warnings = violated('should');
  const musts = violated('must');
  const played = summary.passed + summary.failed + summary.inconclusive + summary.broken;
  if (summary.broken > 0)
    return {
      outcome: 'broken',
      sentence: `No verdict: backlot itself failed in ${count(summary.broken, 'scenario run')}.`,
      warnings,
    };
  if (summary.failed > 0 || musts > 0)
    return { outcome: 'fail', sentence: failure(summary.failed, played, musts), warnings };
  const doubt = doubtOf(judged);
  if (doubt !== undefined)
    return { outcome: 'inconclusive', sentence: `Nothing proved: ${doubt}.`, warnings };
  return { outcome: 'pass', sentence: success(summary.passed, rules, warnings), warnings };
}

function failure(failed: number, played: number, musts: number): string {
  const scenarios =
    failed === 0 ? [] : [`${failed} of ${count(played, 'scenario run')} ended with a wrong result`];
  const rules =
    musts === 0 ? [] : [`${count(musts, 'rule')} of the platform ${musts === 1 ? 'was' : 'were'} broken`];
  return `The engine does not conform: ${[...scenarios, ...rules].join(', and ')}.`;
}

function doubtOf({ summary, sometimes }: Judged): string | undefined {
  const silent = sometimes.filter(({ happened }) => happened === 0);
  if (summary.inconclusive > 0)
    return `${count(summary.inconclusive, 'scenario run')} did not show what it is for`;
  if (summary.passed === 0) return 'no scenario was played';
  if (silent.length > 0) return `${silent[0]?.title ?? ''} never happened`;
  return undefined;
}

function success(passed: number, rules: readonly ReportedRule[], warnings: number): string {
  const kept = rules.filter(({ outcome }) => outcome === 'passed').length;
  const seen = kept === 0 ? '' : ` and kept all ${count(kept, 'rule')} that it met`;
  const warned = warnings === 0 ? '' : `, with ${count(warnings, 'warning')}`;
  return `The engine conforms: it passed ${passed === 1 ? 'the one scenario run' : `all ${passed} scenario runs`}${seen}${warned}.`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
