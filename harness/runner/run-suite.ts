/** All chosen scenarios with all chosen engines. */
import type { ProxyMachineOptions } from '../../simulator/guest/qemu/qemu-command.ts';
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import type { GuestLevel } from '../../simulator/guest/levels/guest-level.ts';
import type { OpenGuestsOf } from './open-guests.ts';
import type { ScenarioResult } from './outcome.ts';
import { runScenario, skipScenario, type Stopwatch, type Witness } from './run-scenario.ts';
import type { Scenario } from './scenario-schema.ts';
import type { Seams } from './seams.ts';

/** One scenario with one engine; plain data, so that it can be sent to another thread. */
export interface SuiteTask {
  readonly scenario: Scenario;
  readonly transport: Transport;
  readonly seed: string;
  /** Guests outside of this process, for engines that hot-add. */
  readonly guests?: GuestsNode;
  /** Id of the breakage that it is played with. */
  readonly mutant?: string;
}

export interface GuestsNode {
  readonly level: GuestLevel;
  readonly proxyImage?: string;
  /** `qemu`: what the machines are like. */
  readonly machine?: ProxyMachineOptions;
}

export interface SuiteOptions {
  readonly tasks: readonly SuiteTask[];
  /** Plays one task; several lanes play at the same time, each its own. */
  readonly lanes: readonly ((task: SuiteTask) => Promise<ScenarioResult>)[];
  readonly onResult?: (result: ScenarioResult, done: number, total: number) => void;
  /** The dearest are begun first, so that no lane is left alone with a long one. */
  readonly costOf?: (task: SuiteTask) => number;
}

/** The tasks in the order in which they are reported. */
export function planSuite(
  scenarios: readonly Scenario[],
  engines: readonly Transport[],
  seed: string,
  guests?: GuestsNode,
): readonly SuiteTask[] {
  const outside = guests === undefined ? {} : { guests };
  return scenarios.flatMap((scenario) =>
    engines.map((transport) => ({
      scenario,
      transport,
      seed,
      ...(transport === 'hotadd' ? outside : {}),
    })),
  );
}

/** Results in the order of the tasks, whichever lane was faster. */
export async function runSuite({
  tasks,
  lanes,
  onResult,
  costOf = () => 0,
}: SuiteOptions): Promise<readonly ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  const queue = [...tasks.entries()].sort(([, a], [, b]) => costOf(b) - costOf(a)).values();
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

export interface LaneOptions {
  readonly simulator: Simulator;
  readonly stopwatch: Stopwatch;
  /** Opens guests outside of this process. */
  readonly openGuests?: (guests: GuestsNode) => OpenGuestsOf;
  /** Keeps of each run what a report shows of it. */
  readonly witness?: Witness;
  /** The breakage of a mutant, fresh for every run. */
  readonly seamsOf?: (mutant: string) => Seams;
}

/** A lane of this thread. */
export function createLane({
  simulator,
  stopwatch,
  openGuests,
  witness,
  seamsOf,
}: LaneOptions): (task: SuiteTask) => Promise<ScenarioResult> {
  return async ({ guests, mutant, ...task }) => {
    const why = whySkipped(task, guests);
    if (why !== undefined) return skipScenario({ ...task, guest: guests?.level }, why);
    if (mutant !== undefined && seamsOf === undefined) throw new Error('this lane knows no mutants');
    const seams = mutant === undefined ? () => ({}) : () => seamsOf?.(mutant) ?? {};
    const run = { ...task, simulator, seams, ...(witness === undefined ? {} : { witness }) };
    if (guests === undefined) return runScenario(run, stopwatch);
    if (openGuests === undefined) throw new Error('this lane opens no guests');
    return runScenario({ ...run, outside: { level: guests.level, open: openGuests(guests) } }, stopwatch);
  };
}

function whySkipped({ scenario, transport }: SuiteTask, guests: GuestsNode | undefined): string | undefined {
  if (scenario.engines?.includes(transport) === false) return `not a story of ${transport}`;
  if (guests === undefined || (scenario.guests?.includes(guests.level) ?? true)) return undefined;
  return `not a story of guest level ${guests.level}`;
}
