/**
 * Under attack an engine may fail, and still keeps what others rely on: it reads again what was not answered, touches
 * nothing of others, repeats no call in a storm. The rules of these areas have been held against thousands of attacks
 * on a sound engine without a false accusation; those that speak of what a job is to bring about are left out.
 */
import { RULES } from '../rules/catalogue.ts';
import { judgeRules } from '../rules/judge-rules.ts';
import { observe } from '../rules/observe.ts';
import type { RuleArea } from '../rules/rule-api.ts';
import type { Finding } from './outcome.ts';
import type { Story } from './story.ts';

const AREAS: readonly RuleArea[] = ['NBD', 'HOTADD', 'RESTORE', 'CLEAN', 'LIMIT', 'DATA'];
const KEPT = RULES.filter(
  ({ id, level }) => level === 'must' && AREAS.some((area) => id.startsWith(`${area}-`)),
);

export function judgeKeptRules({ world, scenario, transport }: Story): readonly Finding[] {
  const verdicts = judgeRules(observe(world.journal.entries), {
    rules: KEPT,
    scenario: scenario.id,
    engine: transport,
  });
  return verdicts.flatMap(({ rule, violations }) =>
    violations.slice(0, 1).map(({ expected, actual, lines }) => ({
      where: `rule ${rule}`,
      expected,
      actual,
      evidence: lines,
    })),
  );
}
