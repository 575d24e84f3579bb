/**
 * A sweep of a broken engine, to see where it is found out. A cell counts when the broken engine fails in it and the
 * sound one survives the very same cell; so the cells are those of the sound engine's run.
 */
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import type { Stopwatch } from '../runner/run-scenario.ts';
import type { Seams } from '../runner/seams.ts';
import type { CellResult, PlannedCell } from './sweep-api.ts';
import { planSweep, type SweepLane, type SweepPlan, type SweepTask, sweep } from './sweep.ts';

export interface HuntOptions {
  readonly simulator: Simulator;
  /** With a mutant. */
  readonly task: SweepTask & { readonly mutant: string };
  /** Of the mutant, fresh. */
  readonly seams: Seams;
  /** Families of attacks. */
  readonly faults: readonly string[];
  readonly lanes: readonly SweepLane[];
  readonly stopwatch: Stopwatch;
  /** Ends with the first that is caught. */
  readonly isQuick: boolean;
}

export interface Hunted {
  /** Cells in which the broken engine is found out; that without an attack alone, where it fails in that. */
  readonly caught: readonly CellResult[];
  readonly points: number;
  readonly runs: number;
}

const QUICK_CELLS = 24;

export async function hunt(options: HuntOptions): Promise<Hunted> {
  const { simulator, task, seams, faults, isQuick } = options;
  const { mutant: _, ...soundTask } = task;
  const sound = await planSweep(simulator, soundTask, {}, { faults });
  if (sound.unsound !== undefined)
    throw new Error(`${task.scenario.id}: the sound engine fails ${sound.unsound.reason}`);
  const broken = await planSweep(simulator, task, seams, { faults });
  const points = sound.points.length;
  if (broken.unsound !== undefined) return { caught: [broken.unsound], points, runs: 2 };
  const caught: CellResult[] = [];
  let runs = 2;
  for (const cells of isQuick ? spread(sound.cells, QUICK_CELLS) : [sound.cells]) {
    const bad = (await play(options, { ...sound, task, cells })).filter(isViolation);
    const again = await play(options, { ...sound, cells: bad.map(({ cell }) => cell) });
    const survived = new Set(
      again.filter(({ outcome }) => outcome === 'survived').map(({ cell }) => cell.id),
    );
    caught.push(...bad.filter(({ cell }) => survived.has(cell.id)));
    runs += cells.length + bad.length;
    if (isQuick && caught.length > 0) break;
  }
  return { caught: isQuick ? caught.slice(0, 1) : caught, points, runs };
}

const isViolation = ({ outcome }: CellResult): boolean => outcome === 'violation';

async function play({ lanes, stopwatch }: HuntOptions, plan: SweepPlan): Promise<readonly CellResult[]> {
  return (await sweep({ plan, lanes, stopwatch })).cells;
}

/** Parts of so many, each with cells from the whole run. */
function spread(cells: readonly PlannedCell[], size: number): readonly (readonly PlannedCell[])[] {
  const parts = Math.ceil(cells.length / size);
  return Array.from({ length: parts }, (_, part) => cells.filter((__, at) => at % parts === part));
}
