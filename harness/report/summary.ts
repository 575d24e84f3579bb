/** The report as Markdown for the summary of a CI job: the verdict, what is wrong, and how to repeat it. */
import { engineLabel } from './engine-label.ts';
import type { Change } from './baseline.ts';
import type { Report, ReportedResult } from './report.ts';

const SIGNS = { pass: '✅', fail: '❌', inconclusive: '⚠️', broken: '💥' } as const;
/** CI systems cut long summaries off. */
const MOST_LINES = 50;

export function renderSummary(report: Report): string {
  const { verdict, environment, seed, durationMs } = report;
  const parts = [
    `## ${SIGNS[verdict.outcome]} backlot: ${verdict.outcome}`,
    verdict.sentence,
    renderCounts(report),
    ...renderComparison(report),
    ...renderRules(report),
    ...renderTroubles(report),
    `<sub>${text(environment.engine)} · time ${text(environment.time)} · seed ${text(seed)} · backlot ${text(environment.backlot)} · ${(durationMs / 1000).toFixed(1)} s</sub>`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function renderCounts({ summary, rules }: Report): string {
  const counts: Record<string, number> = {};
  for (const { outcome } of rules) counts[outcome] = (counts[outcome] ?? 0) + 1;
  const list = (all: Readonly<Record<string, number>>): string =>
    Object.entries(all)
      .filter(([, count]) => count > 0)
      .map(([outcome, count]) => `${count} ${outcome.replace('-', ' ')}`)
      .join(', ') || 'none';
  return ['| | |', '|---|---|', `| scenarios | ${list(summary)} |`, `| rules | ${list(counts)} |`].join('\n');
}

function renderRules({ rules }: Report): readonly string[] {
  const violated = rules.filter(({ outcome }) => outcome === 'violated');
  if (violated.length === 0) return [];
  const rows = violated.map(
    ({ rule, level, title, violations }) =>
      `| ${rule} | ${level} | ${text(title)} | ${violations.length}x, ${text(violations[0]?.scenario ?? '')} |`,
  );
  return [
    '### Rules violated',
    ['| rule | level | the engine | where |', '|---|---|---|---|', ...cut(rows)].join('\n'),
  ];
}

function renderTroubles({ results }: Report): readonly string[] {
  const troubles = results.filter(({ outcome }) => outcome !== 'passed' && outcome !== 'skipped');
  if (troubles.length === 0) return [];
  return ['### Scenarios that did not pass', cut(troubles.map(renderTrouble)).join('\n')];
}

function renderTrouble(result: ReportedResult): string {
  const { scenario, outcome, reason, command } = result;
  return `- **${text(scenario)}**, ${text(engineLabel(result))}: ${outcome}. ${text(reason)}<br>${code(command)}`;
}

function renderComparison({ comparison }: Report): readonly string[] {
  if (comparison === undefined) return [];
  const list = (title: string, changes: readonly Change[]): readonly string[] =>
    changes.length === 0
      ? []
      : [
          [
            `### ${title}`,
            ...cut(
              changes.map(
                ({ what, before, now }) => `- ${text(what)}: ${before ?? 'new'} → ${now ?? 'not seen'}`,
              ),
            ),
          ].join('\n'),
        ];
  const { regressions, improvements, added } = comparison;
  if (regressions.length + improvements.length + added.length === 0) return ['As in the baseline.'];
  return [
    ...list('Worse than the baseline', regressions),
    ...list('Better than the baseline', improvements),
    ...list('New', added),
  ];
}

function cut(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES), `\nand ${lines.length - MOST_LINES} more, in report.html`];
}

/** Names come from outside: nothing in them may become markup, a link or the end of a table cell. */
function text(words: string): string {
  return words
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_{}[\]<>()#|!~@&]/g, (char) => `&#${char.charCodeAt(0)};`);
}

function code(words: string): string {
  return `<code>${words.replaceAll(/[&<>|`*_@]/g, (char) => `&#${char.charCodeAt(0)};`)}</code>`;
}
