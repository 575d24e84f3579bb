/** What the rules say of one journal, for a terminal. */
import { RULE_AREAS } from '../rules/rule-api.ts';
import type { ReportedRule } from './reported-rule.ts';

export interface Judged {
  readonly file: string;
  readonly entries: number;
  readonly actors: readonly string[];
}

export function renderJudgement(rules: readonly ReportedRule[], judged: Judged): string {
  const { file, entries, actors } = judged;
  const who = actors.length === 0 ? 'nobody calls in it' : `calls of ${actors.join(', ')}`;
  const violated = rules.filter(({ outcome }) => outcome === 'violated');
  return [
    `${file}: ${entries} entries, ${who}`,
    '',
    ...violated.flatMap(renderFindings),
    countRules(rules),
    ...silentRules(rules),
    conclusion(rules, violated),
  ].join('\n');
}

function renderFindings(rule: ReportedRule): readonly string[] {
  const { violations, hidden = 0 } = rule;
  const more = hidden > 0 ? [`  and ${hidden} more`] : [];
  const word = rule.level === 'must' ? 'VIOLATED' : 'warning';
  const found = violations.flatMap(({ expected, actual, lines }) => [
    `  expected ${expected}; got ${actual}`,
    ...lines.map((line) => `    ${line}`),
  ]);
  return [`${word} ${rule.rule}: ${rule.title}`, ...found, ...more, `  remedy: ${rule.remedy}`, ''];
}

/** How many rules of each area were kept, of those that the engine declares to need. */
export function countRules(rules: readonly ReportedRule[]): string {
  const areas = RULE_AREAS.flatMap((area) => {
    const own = rules.filter((rule) => rule.area === area && rule.outcome !== 'not-applicable');
    const kept = own.filter(({ outcome }) => outcome === 'passed').length;
    return own.length === 0 ? [] : [`${area} ${kept}/${own.length}`];
  });
  return `Rules kept: ${areas.join(', ')}`;
}

function silentRules(rules: readonly ReportedRule[]): readonly string[] {
  const silent = rules.filter(({ outcome }) => outcome === 'not-exercised').map(({ rule }) => rule);
  return silent.length === 0 ? [] : [`Not exercised, so neither kept nor broken: ${silent.join(', ')}`];
}

function conclusion(rules: readonly ReportedRule[], violated: readonly ReportedRule[]): string {
  const musts = violated.filter(({ level }) => level === 'must').length;
  const warnings = violated.length - musts;
  if (musts > 0) return `Verdict: fail, ${musts} of ${rules.length} rules violated`;
  if (rules.every(({ exercised }) => exercised === 0))
    return 'Verdict: none, nothing was there to judge. Is --actor the name under which the product logs in?';
  return `Verdict: pass${warnings === 0 ? '' : `, with ${warnings} warnings`}`;
}
