/** A sweep for a terminal: what every kind of fault came to at every point, in at most 120 columns. */
import { totalsOf } from '../sweep/totals.ts';
import type { SweepResult } from '../sweep/sweep-api.ts';
import {
  besidesGrid,
  type GridCell,
  gridsOf,
  type GridRow,
  OUTCOME_LETTERS,
  OUTCOMES,
  resultsOf,
  shortPointName,
  type SweepGrid,
} from './sweep-grid.ts';

export interface MatrixOptions {
  /** Also points at which everything was survived. */
  readonly isWhole: boolean;
}

const COLUMNS = 120;
const LONGEST_NAME = 46;
const SECONDS_WIDTH = 10;
/** Two letters and a space before them. */
const CELL_WIDTH = 3;
const FAULT_LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

export function renderMatrix(result: SweepResult, { isWhole }: MatrixOptions): string {
  const { scenario, engine, seed, mutant } = result;
  const { runs, violations } = totalsOf([result]);
  const broken = mutant === undefined ? '' : `, mutant ${mutant}`;
  const grids = gridsOf(result);
  const shown = grids.map((grid) => (isWhole ? grid : onlyTrouble(grid)));
  const left = count(grids) - count(shown);
  return [
    `${scenario}, ${engine}, seed ${seed}${broken}: ${runs} runs, ${violations} violations`,
    `a letter for once, one for from there on: ${LEGEND}`,
    ...shown.filter(({ rows }) => rows.length > 0).flatMap(renderGrid),
    ...(left === 0
      ? []
      : ['', `${left} points where everything was survived are left out; --matrix shows them`]),
    ...renderBesides(result),
    '',
  ].join('\n');
}

const LEGEND = OUTCOMES.map((outcome) => `${OUTCOME_LETTERS[outcome]} ${outcome}`).join('  ');

function count(grids: readonly SweepGrid[]): number {
  return grids.reduce((sum, { rows }) => sum + rows.length, 0);
}

function onlyTrouble(grid: SweepGrid): SweepGrid {
  const rows = grid.rows.filter(({ cells }) =>
    cells.flatMap(resultsOf).some(({ outcome }) => outcome !== 'survived'),
  );
  return { ...grid, rows };
}

function renderGrid(grid: SweepGrid): readonly string[] {
  const lines = alike(grid.rows).map((rows) => ({ name: nameOf(rows), rows }));
  const nameWidth = Math.min(
    LONGEST_NAME,
    Math.max(grid.kind.length, ...lines.map(({ name }) => name.length)),
  );
  const atOnce = Math.floor((COLUMNS - nameWidth - SECONDS_WIDTH) / CELL_WIDTH);
  const starts = Array.from({ length: Math.ceil(grid.faults.length / atOnce) }, (_, at) => at * atOnce);
  return starts.flatMap((start) => {
    const faults = grid.faults.slice(start, start + atOnce);
    const letters = faults.map((_, at) => ` ${letterOf(start + at)} `).join('');
    return [
      '',
      `${grid.kind.padEnd(nameWidth)}${'seconds'.padStart(SECONDS_WIDTH)}${letters}`.trimEnd(),
      ...lines.map(({ name, rows }) => renderLine(cut(name, nameWidth), rows[0], start, start + atOnce)),
      ...wrapWords(faults.map((fault, at) => `${letterOf(start + at)} ${fault}`)),
    ];
  });
}

function renderLine(name: string, row: GridRow | undefined, from: number, to: number): string {
  if (row === undefined) return name;
  const seconds = (row.point.atMs / 1000).toFixed(3).padStart(SECONDS_WIDTH);
  const cells = row.cells.slice(from, to).map((cell) => ` ${lettersOf(cell)}`);
  return `${name}${seconds}${cells.join('')}`.trimEnd();
}

/** Points of one name that follow each other and came to the same, together: polls of a task differ in nothing. */
function alike(rows: readonly GridRow[]): readonly (readonly GridRow[])[] {
  const groups: GridRow[][] = [];
  for (const row of rows) {
    const last = groups.at(-1)?.at(-1);
    if (last !== undefined && isNext(last, row)) groups.at(-1)?.push(row);
    else groups.push([row]);
  }
  return groups;
}

function isNext(last: GridRow, row: GridRow): boolean {
  const { point } = row;
  const isSameName = point.name === last.point.name && point.engine === last.point.engine;
  return isSameName && point.nth === last.point.nth + 1 && signatureOf(row) === signatureOf(last);
}

function signatureOf({ cells }: GridRow): string {
  return cells.map(lettersOf).join(',');
}

function nameOf(rows: readonly GridRow[]): string {
  const [first] = rows;
  const last = rows.at(-1);
  if (first === undefined || last === undefined) return '';
  const name = shortPointName(first.point);
  return first === last ? name : `${name}..${last.point.nth}`;
}

function lettersOf({ once, sticky }: GridCell): string {
  const letter = (result: GridCell['once']): string =>
    result === undefined ? ' ' : OUTCOME_LETTERS[result.outcome];
  return `${letter(once)}${letter(sticky)}`;
}

/** After 52 kinds the letters come again. */
function letterOf(at: number): string {
  return FAULT_LETTERS[at % FAULT_LETTERS.length] ?? '?';
}

/** The number of the point is at the end, and it is what tells points apart. */
function cut(name: string, width: number): string {
  if (name.length <= width) return name.padEnd(width);
  const end = name.slice(name.lastIndexOf('#')).slice(-width / 2);
  return `${name.slice(0, width - end.length - 1)}…${end}`;
}

function wrapWords(words: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 3 + word.length <= COLUMNS)
      lines[lines.length - 1] = `${last}   ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines;
}

function renderBesides(result: SweepResult): readonly string[] {
  const besides = besidesGrid(result);
  if (besides.length === 0) return [];
  const parts = OUTCOMES.map((outcome) => ({
    outcome,
    number: besides.filter((one) => one.outcome === outcome).length,
  })).filter(({ number }) => number > 0);
  const text = parts.map(({ outcome, number }) => `${number} ${outcome}`).join(', ');
  return ['', `runs under two attacks or none: ${text}`];
}
