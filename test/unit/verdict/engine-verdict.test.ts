import { describe, expect, it } from 'vitest';
import { CAPABILITIES, type Capability } from '../../../harness/driver/capabilities.ts';
import type { Rule, RuleVerdict } from '../../../harness/rules/rule-api.ts';
import type { CapabilityEvidence, Evidence } from '../../../harness/verdict/capability-evidence.ts';
import {
  type EngineQuestion,
  judgeEngine,
  renderEngineVerdict,
} from '../../../harness/verdict/engine-verdict.ts';

const RULE: Rule = {
  id: 'LOCK-1',
  title: 'renews in time',
  level: 'must',
  clause: '',
  source: '',
  fidelity: 'assumed',
  breaks: '',
  evidence: '',
  remedy: '',
  scenarios: ['S008-lease-shorter-than-one-read'],
  mutants: ['any'],
  judge: () => ({ exercised: 0, violations: [] }),
};

function evidence(some: Partial<Record<Capability, Evidence>>): CapabilityEvidence {
  const all = Object.keys(CAPABILITIES).map((name) => [name, { asked: 0, seen: 0 }]);
  return { ...Object.fromEntries(all), ...some } as CapabilityEvidence;
}

function verdict(outcome: RuleVerdict['outcome']): RuleVerdict {
  return { rule: 'LOCK-1', level: 'must', outcome, exercised: 0, violations: [] };
}

const both = { nbd: { asked: 3, seen: 9 }, 'access-key': { asked: 1, seen: 1 } } as const;

function judge(change: Partial<EngineQuestion> = {}): ReturnType<typeof judgeEngine> {
  return judgeEngine({
    declaration: { name: 'mine', version: '2.0', capabilities: ['nbd', 'access-key'] },
    evidence: evidence(both),
    rules: [RULE],
    verdicts: [verdict('passed')],
    waivers: [],
    unplayed: new Set(),
    failed: 0,
    inconclusive: 0,
    passed: 4,
    ...change,
  });
}

describe('the verdict on an engine', () => {
  it('is a pass when nothing is wrong and nothing is missing', () => {
    expect(judge()).toMatchObject({ outcome: 'pass', reasons: [] });
    expect(renderEngineVerdict(judge())).toBe('Verdict on mine 2.0: pass');
  });

  it.each<[string, Partial<EngineQuestion>, RegExp]>([
    ['a scenario failed', { failed: 1 }, /^1 scenario ended with a wrong result$/],
    ['a rule is broken', { verdicts: [verdict('violated')] }, /^breaks LOCK-1: renews in time$/],
    [
      'a declared capability was asked for and never seen',
      { evidence: evidence({ ...both, nbd: { asked: 3, seen: 0 } }) },
      /^declares nbd \(.*\), was asked for it 3 times, and it was never seen$/,
    ],
    [
      'something is seen that is not declared',
      { evidence: evidence({ ...both, nbdssl: { asked: 0, seen: 2 } }) },
      /^does not declare nbdssl, and was seen 2 times/,
    ],
    [
      'a waiver has expired',
      {
        waivers: [
          {
            rule: 'LOCK-1',
            reason: 'r',
            owner: 'o',
            expires: '2026-01-01',
            state: 'expired',
            sentence: 'it expired',
          },
        ],
      },
      /^it expired$/,
    ],
  ])('is a failure when %s', (_, change, reason) => {
    const { outcome, reasons } = judge(change);
    expect(outcome).toBe('fail');
    expect(reasons[0]).toMatch(reason);
  });

  it('is incomplete when a scenario that was not played would exercise a must-rule', () => {
    const verdicts = [verdict('not-exercised')];
    expect(judge({ verdicts, unplayed: new Set(RULE.scenarios) })).toMatchObject({
      outcome: 'incomplete',
      reasons: ['nothing exercised LOCK-1 (S008): renews in time'],
    });
    expect(judge({ verdicts }).outcome).toBe('pass');
  });

  it('is incomplete when no scenario passed', () => {
    expect(judge({ passed: 0 })).toMatchObject({ outcome: 'incomplete', reasons: ['no scenario passed'] });
  });

  it('is not a failure for a rule that is waived', () => {
    expect(judge({ verdicts: [verdict('waived')] }).outcome).toBe('pass');
  });
});
