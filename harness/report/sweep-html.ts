/** The heat map of a sweep: one page that stands alone, opens from a mail, and shows every run that there was. */
import type { CellResult, SweepResult } from '../sweep/sweep-api.ts';
import { totalsOf } from '../sweep/totals.ts';
import { escapeMarkup } from './escape-markup.ts';
import {
  besidesGrid,
  gridsOf,
  type GridRow,
  OUTCOME_LETTERS,
  OUTCOMES,
  resultsOf,
  shortPointName,
  type SweepGrid,
} from './sweep-grid.ts';
import { type PageCell, pageCellOf, type PageOptions, scriptSafeJson } from './sweep-page-data.ts';
import { SWEEP_DATA_ID, SWEEP_SCRIPT } from './sweep-page-script.ts';
import { SWEEP_STYLE } from './sweep-page-style.ts';

export function renderSweepHtml(results: readonly SweepResult[], options: PageOptions): string {
  const cells = new PageCells(options);
  const sections = results.map((result) => renderSweep(result, cells)).join('\n');
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>backlot sweep</title><style>${SWEEP_STYLE}</style></head>
<body>
<h1>backlot sweep</h1>
<p>${describeTotals(results)}</p>
<p class="key">${OUTCOMES.map(renderKey).join(' · ')}; first struck once, then from there on.</p>
${renderContents(results)}
${renderForm(cells.all)}
<noscript><p>The runs behind the cells open with scripts only.</p></noscript>
<main>
${sections}
</main>
<dialog aria-label="A run"><button class="close" autofocus onclick="this.closest('dialog').close()">Close</button><div class="run"></div></dialog>
<script type="application/json" id="${SWEEP_DATA_ID}">${scriptSafeJson(cells.all)}</script>
<script>${SWEEP_SCRIPT}</script>
</body>
</html>
`;
}

/** Cells by the numbers under which the page knows them. */
class PageCells {
  readonly all: PageCell[] = [];
  readonly #options: PageOptions;

  constructor(options: PageOptions) {
    this.#options = options;
  }

  add(sweep: SweepResult, result: CellResult): number {
    return this.all.push(pageCellOf(sweep, result, this.#options)) - 1;
  }
}

function describeTotals(results: readonly SweepResult[]): string {
  const { points, runs, leftOut, ...outcomes } = totalsOf(results);
  const counts = Object.entries(outcomes).filter(([, number]) => number > 0);
  const alike = leftOut === 0 ? '' : ` (${leftOut} look-alikes left out)`;
  return [
    `${points} points`,
    `${runs} runs${alike}`,
    ...counts.map(([word, number]) => `${number} ${word}`),
  ].join(' · ');
}

function renderKey(outcome: CellResult['outcome']): string {
  return `<b class="${outcome}">${OUTCOME_LETTERS[outcome]}</b> ${outcome}`;
}

function titleOf({ scenario, engine, mutant }: SweepResult): string {
  return [scenario, engine, ...(mutant === undefined ? [] : [`mutant ${mutant}`])].join(', ');
}

function anchorOf(result: SweepResult): string {
  return escapeMarkup(titleOf(result).replaceAll(/[^A-Za-z0-9-]+/g, '-'));
}

function renderContents(results: readonly SweepResult[]): string {
  if (results.length < 2) return '';
  const lines = results.map(
    (result) =>
      `<li><a href="#${anchorOf(result)}">${escapeMarkup(titleOf(result))}</a> ${describeTotals([result])}</li>`,
  );
  return `<nav aria-label="Scenarios"><ul>${lines.join('')}</ul></nav>`;
}

/** Shown by the script, without which it does nothing. */
function renderForm(cells: readonly PageCell[]): string {
  const boxes = OUTCOMES.filter((outcome) => cells.some((cell) => cell.outcome === outcome)).map(
    (outcome) => `<label><input type="checkbox" value="${outcome}" checked> ${outcome}</label>`,
  );
  return `<form hidden>
<fieldset><legend>Show</legend>${boxes.join('')}</fieldset>
${renderChoice('kind', 'Points', new Set(cells.map(({ kind }) => kind)))}
${renderChoice('fault', 'Fault', new Set(cells.filter(({ fault }) => !fault.includes(' + ')).map(({ fault }) => fault)))}
<button type="reset">All</button> <output></output>
</form>`;
}

function renderChoice(name: string, title: string, values: ReadonlySet<string>): string {
  const choices = [...values]
    .filter((value) => value !== '')
    .sort()
    .map((value) => `<option>${escapeMarkup(value)}</option>`);
  return `<label>${title} <select name="${name}"><option value="">all</option>${choices.join('')}</select></label>`;
}

function renderSweep(result: SweepResult, cells: PageCells): string {
  const { seed } = result;
  const grids = gridsOf(result).map((grid) => renderGrid(result, grid, cells));
  return `<section id="${anchorOf(result)}">
<h2>${escapeMarkup(titleOf(result))}</h2>
<p>${describeTotals([result])} · seed <code>${escapeMarkup(seed)}</code></p>
<div class="grids">${grids.join('\n')}</div>
${renderBesides(result, cells)}
</section>`;
}

function renderGrid(result: SweepResult, { kind, faults, rows }: SweepGrid, cells: PageCells): string {
  const heads = faults.map((fault) => `<th scope="col"><span>${escapeMarkup(fault)}</span></th>`);
  const title = `${result.scenario} ${result.engine}, ${kind}`;
  return `<div class="grid"><h3>${escapeMarkup(kind)}</h3>
<div class="scroll"><table aria-label="${escapeMarkup(title)}">
<thead><tr><th scope="col">point</th><th scope="col">seconds</th>${heads.join('')}</tr></thead>
<tbody>
${rows.map((row) => renderRow(result, row, cells)).join('\n')}
</tbody></table></div></div>`;
}

function renderRow(result: SweepResult, { point, cells: across }: GridRow, cells: PageCells): string {
  const name = escapeMarkup(shortPointName(point));
  const seconds = (point.atMs / 1000).toFixed(3);
  const fields = across.map((cell) => {
    const buttons = resultsOf(cell).map((one) => renderButton(one.outcome, cells.add(result, one)));
    return `<td>${buttons.join('')}</td>`;
  });
  return `<tr><th scope="row" title="${name}">${name}</th><td class="time">${seconds}</td>${fields.join('')}</tr>`;
}

function renderButton(outcome: CellResult['outcome'], index: number): string {
  return `<button type="button" tabindex="-1" class="${outcome}" data-cell="${index}">${OUTCOME_LETTERS[outcome]}</button>`;
}

/** Pairs of attacks and the like: only what was not survived, as a list. */
function renderBesides(result: SweepResult, cells: PageCells): string {
  const besides = besidesGrid(result);
  if (besides.length === 0) return '';
  const troubles = besides
    .filter(({ outcome }) => outcome !== 'survived' && outcome !== 'missed')
    .map((one) => {
      const open = `<button type="button" data-cell="${cells.add(result, one)}">${escapeMarkup(one.cell.id)}</button>`;
      return `<li>${one.outcome} ${open}<br>${escapeMarkup(one.reason)}</li>`;
    });
  const count = `${besides.length} runs under two attacks or none, ${troubles.length} with trouble`;
  return `<h3>${count}</h3><ul class="troubles">${troubles.join('')}</ul>`;
}
