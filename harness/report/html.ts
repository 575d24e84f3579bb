/** One page that stands alone: no script, no network, opens from a mail. */
import type { ScenarioResult } from '../runner/outcome.ts';
import { describeFinding } from './describe-finding.ts';
import { engineLabel } from './engine-label.ts';
import { escapeMarkup } from './escape-markup.ts';
import type { Report } from './report.ts';

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.outcome { font-weight: 600; }
.passed { color: #18794e; } .failed, .broken { color: #cd2b31; } .inconclusive { color: #ad5700; } .skipped { color: #8b8d98; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8881; padding: .6rem; border-radius: .3rem; }
code { font-size: .85em; }
`;

export function renderHtml(report: Report): string {
  const { summary, results } = report;
  const totals = Object.entries(summary)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `<span class="outcome ${outcome}">${count} ${outcome}</span>`)
    .join(' · ');
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>backlot report</title><style>${STYLE}</style></head>
<body>
<h1>backlot report</h1>
<p>${totals || 'nothing was run'} · seed <code>${escapeMarkup(report.seed)}</code></p>
<table>
<thead><tr><th>scenario</th><th>engine</th><th>outcome</th><th>compared</th><th>virtual time</th><th>real time</th></tr></thead>
<tbody>
${results.map(renderRow).join('\n')}
</tbody>
</table>
</body>
</html>
`;
}

function renderRow(result: ScenarioResult): string {
  return `<tr>
<td><details${result.outcome === 'failed' ? ' open' : ''}><summary><code>${result.scenario}</code><br>${escapeMarkup(result.title)}</summary>${renderDetails(result)}</details></td>
<td>${escapeMarkup(engineLabel(result))}</td>
<td class="outcome ${result.outcome}">${result.outcome}</td>
<td class="number">${(result.comparedBytes / 2 ** 20).toFixed(1)} MiB</td>
<td class="number">${(result.virtualMs / 1000).toFixed(1)} s</td>
<td class="number">${result.durationMs} ms</td>
</tr>`;
}

function renderDetails(result: ScenarioResult): string {
  const faults = result.faults.map(({ id, kind, fired }) => `${id} (${kind}) fired ${fired} times`);
  const facts = [
    result.rule,
    ...(result.stories.length > 0 ? [`Failure stories: ${result.stories.join(', ')}`] : []),
    ...(faults.length > 0 ? [`Faults: ${faults.join(', ')}`] : []),
    `Journal: ${result.journalEntries} entries, SHA-256 ${result.journalHash || 'none'}`,
    ...(result.runs === 1 && result.outcome !== 'skipped'
      ? ['Played once: programs outside make no two journals alike.']
      : []),
    ...(result.reason === '' ? [] : [result.reason]),
  ];
  const findings = result.findings.map((finding) => `<pre>${escapeMarkup(describeFinding(finding))}</pre>`);
  return [...facts.map((fact) => `<p>${escapeMarkup(fact)}</p>`), ...findings].join('\n');
}
