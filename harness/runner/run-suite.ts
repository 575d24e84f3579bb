/** All chosen scenarios with all chosen engines, one after the other, in one simulator. */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import type { ScenarioResult } from './outcome.ts';
import { runScenario, skipScenario, type Stopwatch } from './run-scenario.ts';
import type { Scenario } from './scenario-schema.ts';

export interface SuiteOptions {
  readonly simulator: Simulator;
  readonly scenarios: readonly Scenario[];
  readonly engines: readonly Transport[];
  readonly seed: string;
  readonly stopwatch: Stopwatch;
  readonly onResult?: (result: ScenarioResult, done: number, total: number) => void;
}

export async function runSuite(options: SuiteOptions): Promise<readonly ScenarioResult[]> {
  const { simulator, scenarios, engines, seed, stopwatch, onResult } = options;
  const results: ScenarioResult[] = [];
  const total = scenarios.length * engines.length;
  for (const scenario of scenarios) {
    for (const transport of engines) {
      const run = { simulator, scenario, transport, seed, seams: {} };
      const isMeant = scenario.engines?.includes(transport) ?? true;
      const result = isMeant
        ? await runScenario(run, stopwatch)
        : skipScenario(run, `not a story of ${transport}`);
      results.push(result);
      onResult?.(result, results.length, total);
    }
  }
  return results;
}
