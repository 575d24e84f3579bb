/** A race that is to be explored, as plain data, so that it can be sent to another thread. */
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { MUTANTS } from '../mutants/mutants.ts';
import type { Scenario } from '../runner/scenario-schema.ts';
import { type Chooser, drawSchedule } from './chooser.ts';
import { everySchedule } from './every-schedule.ts';
import { explore } from './explore.ts';
import type { PlayedSchedule, StageOptions } from './play-schedule.ts';
import { type RaceReport, reportRace } from './race-report.ts';
import { limitsOf, type Race } from './races.ts';

export interface RaceTask {
  readonly race: Race;
  readonly scenario: Scenario;
  readonly seed: string;
  /** Id of a mutant; the engine and the platform as they are when absent. */
  readonly mutant?: string;
  /** So many schedules drawn from the seed; all of them when absent. */
  readonly draws?: number;
  readonly isExhaustive: boolean;
}

/** So many schedules that fail have a short one among them. */
const ENOUGH_FAILURES = 10;

export async function exploreRace(simulator: Simulator, task: RaceTask): Promise<RaceReport> {
  let failures = 0;
  const explored = await explore({
    ...stageOf(simulator, task),
    choosers: choosersOf(task),
    onRun: ({ failure }: PlayedSchedule) =>
      failure === undefined || ++failures < ENOUGH_FAILURES || task.isExhaustive,
  });
  return reportRace(task.race, task.scenario.id, explored);
}

/** @throws RangeError for a mutant that does not exist */
export function stageOf(
  simulator: Simulator,
  { race, scenario, seed, mutant: mutantId }: RaceTask,
): StageOptions {
  const { held, hasPowerCut } = race;
  const transport = scenario.engines?.[0] ?? 'hotadd';
  const stage = { simulator, scenario, transport, seed, held, hasPowerCut };
  if (mutantId === undefined) return stage;
  const mutant = MUTANTS.find(({ id }) => id === mutantId);
  if (mutant === undefined) throw new RangeError(`no mutant is called ${mutantId}`);
  return { ...stage, seams: mutant.seams };
}

function choosersOf({ race, seed, draws, isExhaustive }: RaceTask): Iterable<Chooser> {
  if (draws === undefined) return everySchedule(limitsOf(race, isExhaustive));
  return Array.from({ length: draws }, (_, at) => drawSchedule(`${seed}/${race.id}/${at}`));
}
