/**
 * Under attack an engine may fail, and still keeps what others rely on: it reads again what was not answered, touches
 * nothing of others, repeats no call in a storm. The must-rules have been held against thousands of attacks on a sound
 * engine without a false accusation.
 */
import { RULES } from '../rules/catalogue.ts';
import { judgeRules } from '../rules/judge-rules.ts';
import { observe } from '../rules/observe.ts';
import type { RuleId } from '../rules/rule-api.ts';
import type { Finding } from './outcome.ts';
import type { Story } from './story.ts';

/**
 * How soon a renewal comes is a matter of answers that an attack delays; and of a point that was committed by a job
 * which then failed or died, the journal does not surely tell whose base it is.
 */
const LEFT_OUT: ReadonlySet<RuleId> = new Set(['CBT-6', 'CBT-7', 'LOCK-1']);
const KEPT = RULES.filter(({ id, level }) => level === 'must' && !LEFT_OUT.has(id));

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
