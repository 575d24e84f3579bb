/** A rule's verdict with what a reader needs who has never seen the rule: a report is read without the catalogue. */
import { type Rule, RULE_AREAS, type RuleArea, type RuleVerdict } from '../rules/rule-api.ts';

export interface ReportedRule extends RuleVerdict {
  readonly area: RuleArea;
  readonly title: string;
  readonly clause: string;
  readonly source: string;
  readonly fidelity: Rule['fidelity'];
  readonly breaks: string;
  readonly remedy: string;
}

/** Verdicts in the order of the catalogue. Rules without a verdict are left out. */
export function reportRules(
  catalogue: readonly Rule[],
  verdicts: readonly RuleVerdict[],
): readonly ReportedRule[] {
  const byId = new Map(verdicts.map((verdict) => [verdict.rule, verdict]));
  return catalogue.flatMap((rule) => {
    const verdict = byId.get(rule.id);
    if (verdict === undefined) return [];
    const { title, clause, source, fidelity, breaks, remedy } = rule;
    return [{ ...verdict, area: areaOf(rule.id), title, clause, source, fidelity, breaks, remedy }];
  });
}

function areaOf(id: Rule['id']): RuleArea {
  const area = RULE_AREAS.find((name) => id.startsWith(`${name}-`));
  if (area === undefined) throw new Error(`rule ${id} has no area`);
  return area;
}
