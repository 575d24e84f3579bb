/** Results of a live run, in the shape of those of the simulator. */
import type { Clock } from '../../src/kernel/clock.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import { describeChain } from '../runner/error-chain.ts';
import { type Finding, type ScenarioResult, unplayedResult } from '../runner/outcome.ts';

/** What a scenario was able to show. */
export interface Shown {
  readonly comparedBytes?: number;
  readonly findings?: readonly Omit<Finding, 'evidence'>[];
  /** Nothing is wrong, and nothing is proven either. */
  readonly inconclusive?: string;
}

interface Named {
  readonly id: string;
  readonly title: string;
  readonly engine: string;
}

export async function playOne(
  { journal, clock }: { readonly journal: Journal; readonly clock: Clock },
  named: Named,
  work: () => Promise<Shown>,
): Promise<ScenarioResult> {
  const begunMs = clock.now();
  const begunAt = journal.length;
  const shown = await work().catch(
    (error: unknown): Shown => ({
      findings: [{ where: 'the job', expected: 'that it succeeds', actual: describeChain(error) }],
    }),
  );
  const durationMs = clock.now() - begunMs;
  const findings = (shown.findings ?? []).map((finding) => ({ ...finding, evidence: [] }));
  const [first] = findings;
  return {
    ...blank(named),
    outcome: first !== undefined ? 'failed' : shown.inconclusive === undefined ? 'passed' : 'inconclusive',
    reason:
      first === undefined
        ? (shown.inconclusive ?? '')
        : `${first.where}: expected ${first.expected}; got ${first.actual}`,
    findings,
    durationMs,
    virtualMs: durationMs,
    journalEntries: journal.length - begunAt,
    comparedBytes: shown.comparedBytes ?? 0,
  };
}

function blank({ id, title, engine }: Named): ScenarioResult {
  return unplayedResult({ scenario: id, title, engine });
}

/** Stands in every report of a live run, so that nobody reads more into it than there is. */
export function unprovable(engine: string): ScenarioResult {
  return {
    ...blank({
      id: 'LIVE-0-what-the-guest-wrote',
      title: 'the points hold what the guests had written',
      engine,
    }),
    reason:
      'cannot be proven live: what a guest wrote is known to it alone; faults, expiry and races are for the simulator',
  };
}
