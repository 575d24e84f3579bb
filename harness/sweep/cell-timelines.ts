/** Timelines of the runs of a sweep that are worth looking at. They are played again, since a sweep keeps no journals. */
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { playAgain } from '../replay/play-again.ts';
import { renderTimeline } from '../report/timeline.ts';
import type { Seams } from '../runner/seams.ts';
import { underAttack } from './run-cell.ts';
import type { CellResult, SweepResult } from './sweep-api.ts';
import type { SweepTask } from './sweep.ts';

/** As many failing runs as anyone looks at; a mutant may fail in hundreds. */
const MOST_TROUBLES = 60;
const COLUMNS = 110;

/**
 * Of failing cells, those first that differ in fault or kind of point; then one for each kind of point and outcome.
 */
export function chooseCells({ cells }: Pick<SweepResult, 'cells'>): readonly CellResult[] {
  const isTrouble = ({ outcome }: CellResult): boolean => outcome === 'violation' || outcome === 'broken';
  const troubles = cells.filter(isTrouble);
  const different = firstOfEach(troubles, ({ cell }) => `${kindOf(cell)} ${cell.fault}`);
  const chosen = [...new Set([...different, ...troubles])].slice(0, MOST_TROUBLES);
  const others = cells.filter((result) => !isTrouble(result));
  return [...chosen, ...firstOfEach(others, ({ cell, outcome }) => `${kindOf(cell)} ${outcome}`)];
}

/** By the ids of cells. `seams`: those of the task's mutant, fresh each time. */
export async function playTimelines(
  simulator: Simulator,
  { scenario, transport, seed }: SweepTask,
  seams: () => Seams,
  chosen: readonly CellResult[],
): Promise<ReadonlyMap<string, string>> {
  const timelines = new Map<string, string>();
  for (const { cell, journalHash } of chosen) {
    const attacked = cell.attack.length === 0 ? scenario : underAttack(scenario, cell);
    const { record, cast, marks } = await playAgain({
      simulator,
      scenario: attacked,
      transport,
      seed,
      seams: seams(),
    });
    const timeline = renderTimeline(record.journal, { cast, marks, columns: COLUMNS });
    const doubt = record.journalHash === journalHash ? '' : 'NOT the journal of the sweep\n\n';
    timelines.set(cell.id, `${doubt}${timeline}`);
  }
  return timelines;
}

function kindOf({ points }: CellResult['cell']): string {
  return points.map(({ kind }) => kind).join(' ');
}

function firstOfEach(
  results: readonly CellResult[],
  keyOf: (result: CellResult) => string,
): readonly CellResult[] {
  const first = new Map<string, CellResult>();
  for (const result of results) {
    const key = keyOf(result);
    if (!first.has(key)) first.set(key, result);
  }
  return [...first.values()];
}
