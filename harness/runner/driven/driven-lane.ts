/** Plays scenarios with somebody else's engine, one after the other. */
import type { Simulator } from '../../../simulator/app/simulator-api.ts';
import type { ScenarioResult } from '../outcome.ts';
import { runScenario, skipScenario, type Stopwatch, type Witness } from '../run-scenario.ts';
import type { SuiteTask } from '../run-suite.ts';
import type { DrivenEngine } from './driven-engine.ts';
import { whyNotDriven } from './why-not-driven.ts';

export interface DrivenLaneOptions {
  readonly simulator: Simulator;
  readonly driven: DrivenEngine;
  readonly stopwatch: Stopwatch;
  readonly witness: Witness;
}

export function createDrivenLane({
  simulator,
  driven,
  stopwatch,
  witness,
}: DrivenLaneOptions): (task: SuiteTask) => Promise<ScenarioResult> {
  const facts = {
    capabilities: driven.capabilities,
    timeScale: driven.timeScale,
    isStanding: driven.isStanding === true,
    canKill: driven.door.canKill,
  };
  return async ({ scenario, transport, seed }) => {
    const isMeant = scenario.engines?.includes(transport) ?? true;
    const why = isMeant ? whyNotDriven(scenario, transport, facts) : `not a story of ${transport}`;
    if (why !== undefined) {
      const skipped = skipScenario({ scenario, transport, guest: undefined }, why);
      return { ...skipped, engine: `${driven.name} ${transport}` };
    }
    return runScenario({ simulator, scenario, transport, seed, seams: {}, driven, witness }, stopwatch);
  };
}
