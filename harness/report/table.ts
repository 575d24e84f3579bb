/** The result of a run for a terminal. */
import type { Outcome, ScenarioResult } from '../runner/outcome.ts';
import { describeFinding } from './describe-finding.ts';
import { engineLabel } from './engine-label.ts';
import { countRules } from './judgement.ts';
import type { Report } from './report.ts';
import type { ReportedRule } from './reported-rule.ts';

const MARKS: Readonly<Record<Outcome, string>> = {
  passed: 'ok',
  failed: 'FAILED',
  skipped: 'skipped',
  inconclusive: 'INCONCLUSIVE',
  broken: 'BROKEN',
};
const COLOURS: Readonly<Record<Outcome, number>> = {
  passed: 32,
  failed: 31,
  skipped: 90,
  inconclusive: 33,
  broken: 35,
};

/** One row per scenario, one column per engine; below it, why something did not pass. */
export function renderTable(report: Report, hasColour: boolean): string {
  const engines = [...new Set(report.results.map(engineLabel))];
  const scenarios = [...new Set(report.results.map(({ scenario }) => scenario))];
  const nameWidth = Math.max(8, ...scenarios.map((id) => id.length));
  const cell = (result: ScenarioResult | undefined): string => {
    if (result === undefined) return ''.padEnd(12);
    const text = MARKS[result.outcome].padEnd(12);
    return hasColour ? `\u001b[${COLOURS[result.outcome]}m${text}\u001b[0m` : text;
  };
  const rows = scenarios.map((scenario) => {
    const cells = engines.map((engine) =>
      cell(report.results.find((r) => r.scenario === scenario && engineLabel(r) === engine)),
    );
    return `${scenario.padEnd(nameWidth)}  ${cells.join('  ')}`.trimEnd();
  });
  const head =
    `${'scenario'.padEnd(nameWidth)}  ${engines.map((engine) => engine.padEnd(12)).join('  ')}`.trimEnd();
  const trouble = report.results.flatMap(renderTrouble);
  return [head, ...rows, '', ...trouble, ...renderRules(report.rules), renderTotals(report)].join('\n');
}

function renderTrouble(result: ScenarioResult): string[] {
  if (result.outcome === 'passed' || result.outcome === 'skipped') return [];
  const head = `${MARKS[result.outcome]} ${result.scenario} ${engineLabel(result)}: ${result.reason}`;
  return [head, ...result.findings.map((finding) => indent(describeFinding(finding))), ''];
}

/** A line for each rule that was violated, and how many of each area were kept. */
function renderRules(rules: readonly ReportedRule[]): readonly string[] {
  if (rules.length === 0) return [];
  const violated = rules.filter(({ outcome }) => outcome === 'violated').map(renderViolated);
  return [...violated, countRules(rules)];
}

function renderViolated({ rule, level, title, violations, hidden = 0 }: ReportedRule): string {
  const [first] = violations;
  const where = first === undefined ? '' : ` (${first.scenario} ${first.engine}: ${first.actual})`;
  const others = violations.length - 1 + hidden;
  const more = others > 0 ? `, and ${others} more` : '';
  const word = level === 'must' ? 'VIOLATED' : 'warning';
  return `${word} ${rule}: ${title}${where}${more}; "backlot explain ${rule}"`;
}

function renderTotals({ summary, durationMs, seed, results }: Report): string {
  const isOnce = results.some(({ runs, outcome }) => runs === 1 && outcome !== 'skipped');
  const once = isOnce ? '\nEach played once: programs outside make no two journals alike.' : '';
  const parts = Object.entries(summary)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`);
  return `${parts.join(', ') || 'nothing was run'}; ${(durationMs / 1000).toFixed(1)} s; seed ${seed}${once}`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
