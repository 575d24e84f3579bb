/** `sweep.html` beside `sweep.json`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderSweepHtml } from '../../harness/report/sweep-html.ts';
import { chooseCells, playTimelines } from '../../harness/sweep/cell-timelines.ts';
import type { SweepResult } from '../../harness/sweep/sweep-api.ts';
import type { SweepTask } from '../../harness/sweep/sweep.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { seamsOfMutant } from './mutant-seams.ts';

export interface Swept {
  readonly task: SweepTask;
  readonly result: SweepResult;
}

/** Returns the file that it has written. */
export async function writeSweepPage(
  folder: string,
  simulator: Simulator,
  swept: readonly Swept[],
): Promise<string> {
  const timelines = new Map<SweepResult, ReadonlyMap<string, string>>();
  for (const { task, result } of swept) {
    const { mutant } = task;
    const seams = () => (mutant === undefined ? {} : seamsOfMutant(mutant));
    timelines.set(result, await playTimelines(simulator, task, seams, chooseCells(result)));
  }
  const file = join(folder, 'sweep.html');
  const page = renderSweepHtml(
    swept.map(({ result }) => result),
    { folder, timelineOf: (result, { cell }) => timelines.get(result)?.get(cell.id) },
  );
  writeFileSync(file, page);
  return file;
}
