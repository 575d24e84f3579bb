/** All chosen scenarios with all chosen engines. */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import type { ScenarioResult } from './outcome.ts';
import { runScenario, skipScenario, type Stopwatch } from './run-scenario.ts';
import type { Scenario } from './scenario-schema.ts';

/** One scenario with one engine; plain data, so that it can be sent to another thread. */
export interface SuiteTask {
  readonly scenario: Scenario;
  readonly transport: Transport;
  readonly seed: string;
}

export interface SuiteOptions {
  readonly tasks: readonly SuiteTask[];
  /** Plays one task; several lanes play at the same time, each its own. */
  readonly lanes: readonly ((task: SuiteTask) => Promise<ScenarioResult>)[];
  readonly onResult?: (result: ScenarioResult, done: number, total: number) => void;
}

/** The tasks in the order in which they are reported. */
export function planSuite(
  scenarios: readonly Scenario[],
  engines: readonly Transport[],
  seed: string,
): readonly SuiteTask[] {
  return scenarios.flatMap((scenario) => engines.map((transport) => ({ scenario, transport, seed })));
}

/** Results in the order of the tasks, whichever lane was faster. */
export async function runSuite({ tasks, lanes, onResult }: SuiteOptions): Promise<readonly ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  const queue = tasks.entries();
  let done = 0;
  const work = async (play: SuiteOptions['lanes'][number]): Promise<void> => {
    // The lanes share one iterator, so each task is taken once.
    for (const [at, task] of queue) {
      const result = await play(task);
      results[at] = result;
      onResult?.(result, ++done, tasks.length);
    }
  };
  await Promise.all(lanes.map(work));
  return results;
}

/** A lane of this thread. */
export function createLane(
  simulator: Simulator,
  stopwatch: Stopwatch,
): (task: SuiteTask) => Promise<ScenarioResult> {
  return async (task) => {
    const run = { ...task, simulator, seams: {} };
    const isMeant = task.scenario.engines?.includes(task.transport) ?? true;
    return isMeant ? runScenario(run, stopwatch) : skipScenario(run, `not a story of ${task.transport}`);
  };
}
