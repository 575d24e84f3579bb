import { describe, expect, it } from 'vitest';
import { RULES } from '../../../harness/rules/catalogue.ts';
import { judgeRules, mergeVerdicts } from '../../../harness/rules/judge-rules.ts';
import { observe } from '../../../harness/rules/observe.ts';
import type { Judgement, Rule, RuleId, Violation } from '../../../harness/rules/rule-api.ts';
import { journalOf, takeSnapshot } from './rule-journal.ts';

const [template] = RULES;
const seen = observe(journalOf([1, takeSnapshot(1)]));
const run = { scenario: 'S001', engine: 'nbd' };
const broken: Violation = { at: 0, expected: 'a', actual: 'b', evidence: [0, 5] };

function rule(id: RuleId, judgement: Judgement, more: Partial<Rule> = {}): Rule {
  if (template === undefined) throw new Error('there are no rules');
  return { ...template, id, needs: [], ...more, judge: () => judgement };
}

describe('a verdict on a rule', () => {
  it('is passed only when there was something to judge', () => {
    const rules = [
      rule('NBD-1', { exercised: 2, violations: [] }),
      rule('NBD-2', { exercised: 0, violations: [] }),
    ];
    expect(judgeRules(seen, { ...run, rules }).map(({ outcome }) => outcome)).toEqual([
      'passed',
      'not-exercised',
    ]);
  });

  it('is not-applicable for an engine that does not declare what the rule needs, and then nothing is judged', () => {
    const judge = (): Judgement => {
      throw new Error('judged all the same');
    };
    const rules = [{ ...rule('NBD-1', { exercised: 1, violations: [] }, { needs: ['hotadd'] }), judge }];
    const capabilities = new Set(['nbd'] as const);
    expect(judgeRules(seen, { ...run, rules, capabilities })).toMatchObject([{ outcome: 'not-applicable' }]);
  });

  it('is violated, or waived when somebody has signed, and shows the entries that prove it', () => {
    const rules = [rule('NBD-1', { exercised: 1, violations: [broken] })];
    const [verdict] = judgeRules(seen, { ...run, rules });
    expect(verdict?.outcome).toBe('violated');
    expect(verdict?.violations[0]?.lines).toEqual([
      '0 00:00:01.000 AK1 asks POST /janus/20190725/servers/server-1/snapshots {"name":"backup-1"}',
      '5 (not kept)',
    ]);
    expect(judgeRules(seen, { ...run, rules, waived: new Set(['NBD-1'] as const) })[0]?.outcome).toBe(
      'waived',
    );
  });

  it('lists three violations of a run and counts the others', () => {
    const rules = [rule('NBD-1', { exercised: 9, violations: Array.from({ length: 5 }, () => broken) })];
    expect(judgeRules(seen, { ...run, rules })[0]).toMatchObject({ violations: { length: 3 }, hidden: 2 });
  });
});

describe('verdicts of several runs', () => {
  const verdicts = (exercised: number, violations: readonly Violation[], needs: Rule['needs'] = []) =>
    judgeRules(seen, {
      ...run,
      rules: [rule('NBD-1', { exercised, violations }, { needs })],
      capabilities: new Set(['nbd'] as const),
    });

  it('are one per rule: violated before passed before not exercised before not applicable', () => {
    const merge = (...runs: Parameters<typeof mergeVerdicts>[0]) => mergeVerdicts(runs)[0]?.outcome;
    expect(merge(verdicts(1, []), verdicts(1, [broken]), verdicts(0, []))).toBe('violated');
    expect(merge(verdicts(0, []), verdicts(1, []))).toBe('passed');
    expect(merge(verdicts(0, [], ['hotadd']), verdicts(0, []))).toBe('not-exercised');
  });

  it('add up what was exercised and what was found', () => {
    const four = Array.from({ length: 4 }, () => broken);
    expect(mergeVerdicts([verdicts(2, []), verdicts(7, four)])).toMatchObject([
      { exercised: 9, violations: { length: 3 }, hidden: 1 },
    ]);
  });
});
