/** Rules over what was seen of one world, and the verdicts of several runs as one. */
import type { Capability } from '../driver/capabilities.ts';
import { describeEntry } from './describe-entry.ts';
import type { Observation } from './observation.ts';
import type { Rule, RuleFinding, RuleId, RuleVerdict, Violation } from './rule-api.ts';

export interface JudgeRulesOptions {
  readonly rules: readonly Rule[];
  readonly scenario: string;
  readonly engine: string;
  /** What the engine declares. Default: everything. */
  readonly capabilities?: ReadonlySet<Capability>;
  /** Rules for whose violation somebody has signed. */
  readonly waived?: ReadonlySet<RuleId>;
}

type Outcome = RuleVerdict['outcome'];

/** More of one rule in one run say nothing new, and reports have to stay readable. */
const MOST_FINDINGS = 3;

/** One verdict per rule, in the order of the rules. */
export function judgeRules(seen: Observation, options: JudgeRulesOptions): readonly RuleVerdict[] {
  return options.rules.map((rule) => judgeRule(rule, seen, options));
}

function judgeRule(rule: Rule, seen: Observation, options: JudgeRulesOptions): RuleVerdict {
  const { id, level, needs = [] } = rule;
  const { capabilities, waived } = options;
  if (capabilities !== undefined && needs.some((need) => !capabilities.has(need)))
    return { rule: id, level, outcome: 'not-applicable', exercised: 0, violations: [] };
  const { exercised, violations } = rule.judge(seen);
  const findings = violations.slice(0, MOST_FINDINGS).map((violation) => findingOf(violation, seen, options));
  const hidden = violations.length - findings.length;
  return {
    rule: id,
    level,
    outcome: outcomeOf(exercised, violations.length, waived?.has(id) === true),
    exercised,
    violations: findings,
    ...(hidden > 0 ? { hidden } : {}),
  };
}

/** A violation counts also where a rule forgot to count what it judged. */
function outcomeOf(exercised: number, violations: number, isWaived: boolean): Outcome {
  if (violations > 0) return isWaived ? 'waived' : 'violated';
  return exercised > 0 ? 'passed' : 'not-exercised';
}

function findingOf(
  violation: Violation,
  seen: Observation,
  { scenario, engine }: JudgeRulesOptions,
): RuleFinding {
  const positions = [...new Set([violation.at, ...violation.evidence])];
  return { ...violation, scenario, engine, lines: positions.map((n) => lineAt(seen, n)) };
}

function lineAt({ entries }: Observation, n: number): string {
  // A journal that was cut at its beginning starts at a higher position.
  const entry = entries[n - (entries[0]?.n ?? 0)];
  return entry === undefined ? `${n} (not kept)` : describeEntry(entry);
}

/** From best to worst is from the right to the left. */
const GRAVITY: readonly Outcome[] = ['violated', 'waived', 'passed', 'not-exercised', 'not-applicable'];

/** Verdicts of several runs, rule by rule: a rule is violated when it was in one run. Order: first seen, first named. */
export function mergeVerdicts(runs: readonly (readonly RuleVerdict[])[]): readonly RuleVerdict[] {
  const merged = new Map<RuleId, RuleVerdict>();
  for (const verdict of runs.flat()) {
    const known = merged.get(verdict.rule);
    merged.set(verdict.rule, known === undefined ? verdict : mergeTwo(known, verdict));
  }
  return [...merged.values()];
}

function mergeTwo(one: RuleVerdict, other: RuleVerdict): RuleVerdict {
  const hidden = (one.hidden ?? 0) + (other.hidden ?? 0);
  const outcome = GRAVITY.find((candidate) => candidate === one.outcome || candidate === other.outcome);
  return {
    rule: one.rule,
    level: one.level,
    outcome: outcome ?? one.outcome,
    exercised: one.exercised + other.exercised,
    violations: [...one.violations, ...other.violations],
    ...(hidden > 0 ? { hidden } : {}),
  };
}
