/** What a sweep came to, in numbers and in lines of text. */
import { type Tally, tallyMusts } from '../musts/tally-musts.ts';
import { failureFileName } from './failure-file.ts';
import type { CellResult, SweepResult } from './sweep-api.ts';

export interface SweepTotals {
  readonly points: number;
  readonly runs: number;
  /** Not played, because they are the same run as another. */
  readonly leftOut: number;
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
    leftOut: results.reduce((sum, { leftOut = 0 }) => sum + leftOut, 0),
    survived: count('survived'),
    violations: count('violation'),
    missed: count('missed'),
    undetectable: count('undetectable'),
    broken: count('broken'),
  };
}

/** What must sometimes happen, over all cells. The first that shows it is the example. */
export function tallySweeps(results: readonly SweepResult[]): readonly Tally[] {
  return tallyMusts(
    results.flatMap(({ scenario, engine, seed, cells }) =>
      cells.map(({ cell, happened = {} }) => ({
        scenario: `${scenario} ${cell.id}`,
        engine,
        seed,
        happened,
      })),
    ),
  );
}

export function renderTotals(name: string, totals: SweepTotals, durationMs?: number): string {
  const { points, runs, leftOut, violations, missed, undetectable, broken } = totals;
  const rest = Object.entries({ missed, undetectable, broken })
    .filter(([, number]) => number > 0)
    .map(([word, number]) => `, ${number} ${word}`)
    .join('');
  const time = durationMs === undefined ? '' : ` in ${(durationMs / 1000).toFixed(1)} s`;
  const alike = leftOut === 0 ? '' : ` (${leftOut} look-alikes left out)`;
  return `${name.padEnd(28)} ${points} points, ${runs} runs${alike}, ${violations} violations${rest}${time}`;
}

const MOST_SHOWN = 20;

/**
 * The cells that were not survived, each with its reason and the command that repeats it, and those that prove nothing
 * because nothing struck; empty when there is none.
 */
export function renderViolations({ scenario, engine, cells }: SweepResult, folder: string): string {
  const bad = cells.filter(isTrouble);
  const lines = bad.slice(0, MOST_SHOWN).map(({ cell, outcome, reason }) => {
    const file = `${folder}/${failureFileName(scenario, engine, cell.id)}`;
    return `  ${outcome} ${cell.id}\n    ${reason}\n    backlot replay ${file}\n`;
  });
  const more = bad.length > MOST_SHOWN ? `  ... and ${bad.length - MOST_SHOWN} more in ${folder}\n` : '';
  return `${lines.join('')}${more}`;
}

/** What makes a sweep fail. An attack that never struck has shown nothing about the engine. */
export function isTrouble({ outcome }: CellResult): boolean {
  return outcome === 'violation' || outcome === 'broken' || outcome === 'missed';
}
