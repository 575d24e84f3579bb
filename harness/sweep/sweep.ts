/** A whole sweep: one clean run that gives the points, then one run per cell, shared out among lanes. */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import type { RunRecord } from '../runner/run-once.ts';
import { runOnce } from '../runner/run-once.ts';
import type { Scenario } from '../runner/scenario-schema.ts';
import type { Seams } from '../runner/seams.ts';
import type { Stopwatch } from '../runner/run-scenario.ts';
import { parseDuration } from '../runner/quantities.ts';
import type { Ground } from './attack-rows.ts';
import { PointCollector } from './collect-points.ts';
import { withoutLookAlikes } from './look-alikes.ts';
import { type PlanOptions, planCells } from './plan-cells.ts';
import type { CellResult, PlannedCell, Point, SweepResult } from './sweep-api.ts';

/** What is swept; plain data, so that it can be sent to another thread. */
export interface SweepTask {
  readonly scenario: Scenario;
  readonly transport: Transport;
  readonly seed: string;
  /** Id of a mutant. */
  readonly mutant?: string;
}

/** Plays cells one after the other; several lanes play at the same time. */
export type SweepLane = (task: SweepTask, cells: readonly PlannedCell[]) => Promise<readonly CellResult[]>;

export interface SweepPlan {
  readonly task: SweepTask;
  readonly points: readonly Point[];
  readonly cells: readonly PlannedCell[];
  /** Look-alikes of these cells that are not among them. */
  readonly leftOut: number;
  /** Play what has turned out to be the same run all the same. */
  readonly isExhaustive?: boolean;
  /** The run without an attack, when it was not as it has to be; then there are no cells. */
  readonly unsound?: CellResult;
}

export interface SweepOptions {
  readonly plan: SweepPlan;
  readonly lanes: readonly SweepLane[];
  readonly stopwatch: Stopwatch;
  /** Results of an earlier sweep that was cut short, by cell id. */
  readonly known?: ReadonlyMap<string, CellResult>;
  readonly onResult?: (result: CellResult, done: number, total: number) => void;
}

/** Longer than the longest delay of an attack together with one of the scenario's own. */
const PATIENT_MS = 120_000;

export function groundOf({ scenario, transport }: Pick<SweepTask, 'scenario' | 'transport'>): Ground {
  const { world, engine } = scenario;
  const granularityBytes = world.settings?.granularityBytes;
  return {
    isTls: transport === 'nbdssl',
    usesTokens: engine?.login === 'password',
    usesProxies: transport === 'hotadd',
    isPatient: parseDuration(engine?.requestTimeout ?? '0s') >= PATIENT_MS,
    hasManyDisks: world.servers.some(({ disks }) => disks.length > 1),
    ...(granularityBytes === undefined ? {} : { granularityBytes }),
  };
}

/** Plays the scenario clean and plans its cells. `seams`: those of the task's mutant, fresh. */
export async function planSweep(
  simulator: Simulator,
  task: SweepTask,
  seams: Seams,
  options: Omit<PlanOptions, 'ground'> & { readonly isExhaustive?: boolean } = {},
): Promise<SweepPlan> {
  const { scenario, transport, seed } = task;
  const collector = new PointCollector();
  const onPrepared: PointCollector['attend'] = (story) => collector.attend(story);
  const record = await runOnce({ simulator, scenario, transport, seed, seams, onPrepared });
  if (record.outcome !== 'passed')
    return { task, points: [], cells: [], leftOut: 0, unsound: unsoundCell(record) };
  const { points } = collector;
  const ground = groundOf(task);
  const { isExhaustive = false, ...which } = options;
  const all = planCells(points, { ...which, ground });
  const cells = isExhaustive ? all : withoutLookAlikes(all, ground);
  return { task, points, cells, leftOut: all.length - cells.length, isExhaustive };
}

export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const { plan, stopwatch } = options;
  const { task, points, unsound } = plan;
  const begun = stopwatch();
  const cells = unsound === undefined ? await runCells(options) : [unsound];
  const { scenario, transport: engine, seed, mutant } = task;
  const durationMs = Math.round(stopwatch() - begun);
  return {
    version: 1,
    scenario: scenario.id,
    engine,
    ...(mutant === undefined ? {} : { mutant }),
    seed,
    points,
    cells,
    leftOut: plan.leftOut + plan.cells.length - (unsound === undefined ? cells.length : 0),
    durationMs,
  };
}

/** Few enough for progress to be seen, many enough for messages between threads to cost nothing. */
const CELLS_AT_ONCE = 8;

/**
 * Results in the order of the plan, whichever lane was faster. What goes on from a point is played last: there is
 * nothing to play where the same attack came once and could not have come twice.
 */
async function runCells(options: SweepOptions): Promise<readonly CellResult[]> {
  const { cells, isExhaustive } = options.plan;
  const results = new Map<string, CellResult>();
  for (const { id } of cells) {
    const earlier = options.known?.get(id);
    if (earlier !== undefined) results.set(id, earlier);
  }
  const isLater = (cell: PlannedCell): boolean => isExhaustive !== true && cell.persistence === 'sticky';
  const first = cells.filter((cell) => !isLater(cell));
  await playOut(options, results, first, cells.length);
  const rest = cells.filter((cell) => isLater(cell) && results.get(idOnce(cell))?.isSpent !== true);
  await playOut(options, results, rest, first.length + rest.length);
  return cells.flatMap(({ id }) => results.get(id) ?? []);
}

/** Of the cell in which the same attack comes once. */
const idOnce = ({ id }: PlannedCell): string => id.replace(/sticky$/, 'once');

async function playOut(
  { plan: { task }, lanes, onResult }: SweepOptions,
  results: Map<string, CellResult>,
  wanted: readonly PlannedCell[],
  total: number,
): Promise<void> {
  const left = wanted.filter(({ id }) => !results.has(id));
  const batches = Array.from({ length: Math.ceil(left.length / CELLS_AT_ONCE) }, (_, at) =>
    left.slice(at * CELLS_AT_ONCE, (at + 1) * CELLS_AT_ONCE),
  ).values();
  const work = async (lane: SweepLane): Promise<void> => {
    // The lanes share one iterator, so each batch is taken once.
    for (const batch of batches) {
      for (const result of await lane(task, batch)) {
        results.set(result.cell.id, result);
        onResult?.(result, results.size, total);
      }
    }
  };
  await Promise.all(lanes.map(work));
}

function unsoundCell({ outcome, reason, findings, journalHash, virtualMs }: RunRecord): CellResult {
  const cell: PlannedCell = { id: 'clean', points: [], fault: 'none', persistence: 'once', attack: [] };
  const verdict = outcome === 'broken' ? 'broken' : 'violation';
  return { cell, outcome: verdict, reason: `without an attack: ${reason}`, findings, journalHash, virtualMs };
}
