import { describe, expect, it } from 'vitest';
import { FileInvalid, parseDeclaration } from '../../../harness/driver/declaration.ts';
import { judgeWaivers, parseWaivers, waivedRules } from '../../../harness/verdict/waivers.ts';
import type { RuleVerdict } from '../../../harness/rules/rule-api.ts';

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof FileInvalid) return error.problems;
    throw error;
  }
  return [];
}

const GOOD = 'name: mine\ncapabilities:\n  - nbd\n  - access-key\n';

describe('a declaration', () => {
  it('may be YAML or JSON', () => {
    expect(parseDeclaration(GOOD, 'x.yaml')).toEqual({ name: 'mine', capabilities: ['nbd', 'access-key'] });
    expect(parseDeclaration('{"name":"a","capabilities":["nbdssl","password-login"]}', 'x.json').name).toBe(
      'a',
    );
  });

  it.each([
    ['a misspelt capability', GOOD.replace('- nbd', '- ndb'), /^x\.yaml:3:5 capabilities\.0: must be one of/],
    ['an unknown field', `${GOOD}colour: red\n`, /^x\.yaml:5:1 colour: is not a word of this place$/],
    ['a speed that is none', `${GOOD}time: fast\n`, /^x\.yaml:5:1 time: must match pattern/],
    [
      'no data path',
      GOOD.replace('  - nbd\n', ''),
      /^x\.yaml:2:1 capabilities: needs one of nbd, nbdssl, hotadd/,
    ],
    ['no login', GOOD.replace('  - access-key\n', ''), /needs one of access-key, password-login/],
    ['no YAML', 'name: [', /^x\.yaml:1:\d+ /],
  ])('is refused with file, line and field: %s', (_, text, problem) => {
    expect(problemsOf(() => parseDeclaration(text, 'x.yaml'))[0]).toMatch(problem);
  });
});

const RULES = new Set(['LOCK-1', 'NBD-2']);
const waiver = (rule: string, expires = '2026-11-30'): string =>
  `  - { rule: ${rule}, reason: mended in release 2, owner: jane, expires: "${expires}" }\n`;
const file = (...waivers: string[]): string => `waivers:\n${waivers.join('')}`;
const verdict = (rule: RuleVerdict['rule'], outcome: RuleVerdict['outcome']): RuleVerdict => ({
  rule,
  level: 'must',
  outcome,
  exercised: 1,
  violations: [],
});

describe('waivers', () => {
  it.each([
    ['an unknown rule', file(waiver('LOCK-99')), /^w\.yaml:2:7 waivers\.0\.rule: there is no rule LOCK-99/],
    ['a rule twice', file(waiver('LOCK-1'), waiver('LOCK-1')), /^w\.yaml:3:7 .* LOCK-1 is waived already$/],
    [
      'a day that does not exist',
      file(waiver('LOCK-1', '2027-02-29')),
      /2027-02-29 is no day of the calendar$/,
    ],
    ['no owner', file(waiver('LOCK-1').replace('owner: jane, ', '')), /lacks \["owner"\]$/],
  ])('are refused with file, line and field: %s', (_, text, problem) => {
    expect(problemsOf(() => parseWaivers(text, 'w.yaml', RULES))[0]).toMatch(problem);
  });

  it('count up to their last day and not on the day after', () => {
    const waivers = parseWaivers(file(waiver('LOCK-1')), 'w.yaml', RULES);
    expect([...waivedRules(waivers, '2026-11-30')]).toEqual(['LOCK-1']);
    expect([...waivedRules(waivers, '2026-12-01')]).toEqual([]);
    expect(judgeWaivers(waivers, [verdict('LOCK-1', 'violated')], '2026-12-01')[0]).toMatchObject({
      state: 'expired',
      sentence: 'the waiver of LOCK-1 by jane expired on 2026-11-30: mend the engine or sign anew',
    });
  });

  it('are needless where the rule is kept, and unseen where nothing exercised it', () => {
    const waivers = parseWaivers(file(waiver('LOCK-1'), waiver('NBD-2')), 'w.yaml', RULES);
    const verdicts = [verdict('LOCK-1', 'passed'), verdict('NBD-2', 'not-exercised')];
    expect(judgeWaivers(waivers, verdicts, '2026-11-23').map(({ state }) => state)).toEqual([
      'needless',
      'unseen',
    ]);
  });
});
