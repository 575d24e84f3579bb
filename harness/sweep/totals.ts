/** What a sweep came to, in numbers and in lines of text. */
import type { CellResult, SweepResult } from './sweep-api.ts';

export interface SweepTotals {
  readonly points: number;
  readonly runs: number;
  readonly survived: number;
  readonly violations: number;
  readonly missed: number;
  readonly undetectable: number;
  readonly broken: number;
}

export function totalsOf(results: readonly SweepResult[]): SweepTotals {
  const cells = results.flatMap((result) => result.cells);
  const count = (outcome: CellResult['outcome']): number =>
    cells.filter((cell) => cell.outcome === outcome).length;
  return {
    points: results.reduce((sum, { points }) => sum + points.length, 0),
    runs: cells.length,
    survived: count('survived'),
    violations: count('violation'),
    missed: count('missed'),
    undetectable: count('undetectable'),
    broken: count('broken'),
  };
}

export function renderTotals(name: string, totals: SweepTotals, durationMs?: number): string {
  const { points, runs, violations, missed, undetectable, broken } = totals;
  const rest = Object.entries({ missed, undetectable, broken })
    .filter(([, number]) => number > 0)
    .map(([word, number]) => `, ${number} ${word}`)
    .join('');
  const time = durationMs === undefined ? '' : ` in ${(durationMs / 1000).toFixed(1)} s`;
  return `${name.padEnd(28)} ${points} points, ${runs} runs, ${violations} violations${rest}${time}`;
}

const MOST_SHOWN = 20;

/** The cells that were not survived, each with its reason; empty when there is none. */
export function renderViolations({ cells }: SweepResult, folder: string): string {
  const bad = cells.filter(({ outcome }) => outcome === 'violation' || outcome === 'broken');
  if (bad.length === 0) return '';
  const lines = bad
    .slice(0, MOST_SHOWN)
    .map(({ cell, outcome, reason }) => `  ${outcome} ${cell.id}\n    ${reason}\n`);
  const more = bad.length > MOST_SHOWN ? `  ... and ${bad.length - MOST_SHOWN} more\n` : '';
  return `${lines.join('')}${more}  each as a scenario file in ${folder}\n`;
}
