/** The races of `backlot race` for tests. */
import { everySchedule } from '../../harness/explore/every-schedule.ts';
import { type Exploration, explore } from '../../harness/explore/explore.ts';
import type { StageOptions } from '../../harness/explore/play-schedule.ts';
import { type RaceTask, stageOf } from '../../harness/explore/race-task.ts';
import { limitsOf, RACES } from '../../harness/explore/races.ts';
import { loadScenarios } from '../../harness/runner/load-scenarios.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';

const scenarios = loadScenarios('scenarios');

export function raceTask(id: string, mutant?: string): RaceTask {
  const race = RACES.find((known) => known.id === id);
  const scenario = scenarios.find((known) => known.id.startsWith(race?.scenario ?? '-'));
  if (race === undefined || scenario === undefined) throw new Error(`no race is called ${id}`);
  const task = { race, scenario, seed: '1', isExhaustive: false };
  return mutant === undefined ? task : { ...task, mutant };
}

export function raceStage(simulator: Simulator, id: string, mutant?: string): StageOptions {
  return stageOf(simulator, raceTask(id, mutant));
}

/** Every schedule of the race, however many fail. */
export function walk(simulator: Simulator, id: string): Promise<Exploration> {
  const { race } = raceTask(id);
  return explore({ ...raceStage(simulator, id), choosers: everySchedule(limitsOf(race, false)) });
}
