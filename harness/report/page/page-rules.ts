/** Rules by area. Each opens to what it asks, why, and the evidence, which leads on to the moment in the run. */
import { RULE_AREAS, type RuleFinding } from '../../rules/rule-api.ts';
import { escapeMarkup } from '../escape-markup.ts';
import type { Report, ReportedResult } from '../report.ts';
import { AREA_TITLES } from '../../rules/area-titles.ts';
import { type ReportedRule } from '../reported-rule.ts';
import { countText, ruleAnchor, runAnchor } from './page-words.ts';

export function renderRules({ rules, results }: Report): string {
  const areas = RULE_AREAS.map((area) => ({ area, own: rules.filter((rule) => rule.area === area) }))
    .filter(({ own }) => own.length > 0)
    .map(({ area, own }) => renderArea(area, own, results));
  const none = '<p>No rules were judged in this run.</p>';
  return `<section aria-labelledby="rules"><h2 id="rules">Rules</h2>${areas.join('\n') || none}</section>`;
}

function renderArea(
  area: ReportedRule['area'],
  rules: readonly ReportedRule[],
  results: readonly ReportedResult[],
): string {
  const isViolated = rules.some(({ outcome }) => outcome === 'violated');
  return `<details class="area"${isViolated ? ' open' : ''}><summary><b>${area}</b> <span class="name">${AREA_TITLES[area]}</span> <span class="counts">${countOutcomes(rules)}</span></summary>
${rules.map((rule) => renderRule(rule, results)).join('\n')}
</details>`;
}

function countOutcomes(rules: readonly ReportedRule[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of rules) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts]
    .map(([outcome, count]) => `<span class="chip ${outcome}">${count} ${WORDS[outcome] ?? outcome}</span>`)
    .join(' ');
}

const WORDS: Readonly<Record<string, string>> = {
  passed: 'kept',
  'not-exercised': 'not exercised',
  'not-applicable': 'not applicable',
};

function renderRule(rule: ReportedRule, results: readonly ReportedResult[]): string {
  const { outcome, level, title, exercised } = rule;
  const word = WORDS[outcome] ?? outcome;
  const facts = [
    ['In the field', rule.breaks],
    ['What to do', rule.remedy],
    ['Rests on', `${rule.clause} (${rule.source}; ${rule.fidelity})`],
  ].map(([name = '', text = '']) => `<div><dt>${name}</dt><dd>${withCode(text)}</dd></div>`);
  const seen = exercised === 0 ? 'nothing to judge' : `judged ${countText(exercised, 'time')}`;
  return `<details class="rule ${outcome}" id="${ruleAnchor(rule.rule)}"><summary><span class="chip ${outcome}">${word}</span> <code>${escapeMarkup(rule.rule)}</code> <span class="name">${escapeMarkup(title)}</span> <span class="counts">${level}, ${seen}</span></summary>
<dl>${facts.join('')}</dl>
${renderViolations(rule, results)}${renderHidden(rule)}
</details>`;
}

/** Texts of rules set names of fields between backticks. */
function withCode(text: string): string {
  return escapeMarkup(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

/** An engine that breaks a rule breaks it in every scenario; the first ones say enough. */
const SHOWN_VIOLATIONS = 5;

function renderViolations({ violations }: ReportedRule, results: readonly ReportedResult[]): string {
  const all = violations.map((finding) => renderViolation(finding, results));
  const rest = all.slice(SHOWN_VIOLATIONS);
  if (rest.length === 0) return all.join('\n');
  return `${all.slice(0, SHOWN_VIOLATIONS).join('\n')}
<details class="more"><summary>and ${rest.length} more</summary>${rest.join('\n')}</details>`;
}

function renderViolation(finding: RuleFinding, results: readonly ReportedResult[]): string {
  const { scenario, engine, at, expected, actual, lines } = finding;
  const index = results.findIndex((result) => result.scenario === scenario && result.engine === engine);
  const where = `${escapeMarkup(scenario)}, ${escapeMarkup(engine)}, entry ${at}`;
  const link = index < 0 ? where : `<a class="jump" href="#${runAnchor(index)}-n${at}">${where}</a>`;
  return `<div class="finding"><p>${link}</p>
<dl><div><dt>Expected</dt><dd>${escapeMarkup(expected)}</dd></div><div><dt>Got</dt><dd>${escapeMarkup(actual)}</dd></div></dl>
<pre tabindex="0" aria-label="Evidence">${escapeMarkup(lines.join('\n'))}</pre></div>`;
}

function renderHidden({ hidden = 0 }: ReportedRule): string {
  return hidden === 0 ? '' : `<p>and ${countText(hidden, 'further violation')} like these</p>`;
}
