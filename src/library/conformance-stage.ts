/** Which scenarios are played with an engine, and what plays them: this process, or programs over real sockets. */
import type { Capability } from '../../harness/driver/capabilities.ts';
import { witnessRun } from '../../harness/report/witness-run.ts';
import type { Rule } from '../../harness/rules/rule-api.ts';
import type { ScenarioResult } from '../../harness/runner/outcome.ts';
import { createLane, planSuite, type SuiteTask } from '../../harness/runner/run-suite.ts';
import type { CreateEngine } from '../../harness/runner/seams.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { chooseDriven } from '../cli/driven/choose-driven.ts';
import { openDrivenLanes } from '../cli/driven/open-driven-lanes.ts';
import { chooseScenarios } from '../cli/scenario-folder.ts';
import type { Transport } from '../engine/engine-api.ts';

export interface ConformanceEngine {
  /**
   * What makes the engine that is judged, in this process and in virtual time; or, as in `backlot run --engine`, where
   * it is: `exec:./my-engine`, `http://...`, over real sockets.
   */
  readonly engine: CreateEngine | string;
  /** Ids, beginnings of ids, or files; all when absent. */
  readonly scenarios?: readonly string[];
  /** Of an engine in this process; everything when absent. A program declares them in a file of its own. */
  readonly capabilities?: readonly Capability[];
  readonly seed?: string;
}

export interface ConformancePlan {
  readonly tasks: readonly SuiteTask[];
  readonly play: (task: SuiteTask) => Promise<ScenarioResult>;
  /** How one task is repeated. */
  readonly commandOf: (task: SuiteTask) => string;
  /** Whether a rule concerns the engine. */
  readonly isDeclared: (rule: Rule) => boolean;
  readonly close: () => Promise<void>;
}

type Play = (task: SuiteTask) => Promise<ScenarioResult>;

interface OpenStage extends AsyncDisposable {
  readonly play: Play;
}

const TRANSPORTS = ['nbd', 'nbdssl', 'hotadd'] as const satisfies readonly Transport[];

/** @throws CliError for words that mean nothing */
export function planConformance(options: ConformanceEngine): ConformancePlan {
  const { engine, scenarios = [], seed = '1' } = options;
  const isProgram = typeof engine === 'string';
  const open = isProgram ? driveProgram(engine) : playHere(engine, options.capabilities);
  const tasks = planSuite(chooseScenarios(scenarios), open.transports, seed).filter(
    ({ scenario, transport }) => scenario.engines?.includes(transport) ?? true,
  );
  if (tasks.length === 0) throw new Error('no scenario is meant for this engine');
  let stage: Promise<OpenStage> | undefined;
  return {
    tasks,
    play: async (task) => (await (stage ??= open.stage())).play(task),
    commandOf: ({ scenario, transport }) =>
      isProgram
        ? `backlot run ${scenario.id} --engine ${engine} --seed ${seed}`
        : `npx vitest run -t "${scenario.id} with ${transport}" (seed ${seed})`,
    isDeclared: ({ needs = [] }) => needs.every((need) => open.capabilities?.has(need) ?? true),
    close: async () => {
      await (await stage)?.[Symbol.asyncDispose]();
    },
  };
}

interface Stage {
  readonly transports: readonly Transport[];
  readonly capabilities: ReadonlySet<Capability> | undefined;
  readonly stage: () => Promise<OpenStage>;
}

function playHere(createEngine: CreateEngine, declared: readonly Capability[] | undefined): Stage {
  const capabilities = declared === undefined ? undefined : new Set(declared);
  return {
    capabilities,
    transports: TRANSPORTS.filter((transport) => capabilities?.has(transport) ?? true),
    stage: async () => {
      const simulator = await createSimulator();
      const play = createLane({
        simulator,
        stopwatch: () => performance.now(),
        witness: witnessRun,
        seamsOf: () => ({ createEngine: () => createEngine }),
      });
      // Any name will do: `seamsOf` knows one engine only.
      return {
        play: (task) => play({ ...task, mutant: 'own' }),
        [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
      };
    },
  };
}

function driveProgram(word: string): Stage {
  const chosen = chooseDriven({ engine: [word] });
  if (chosen === undefined) throw new Error(`${word} is no engine: name it as exec:FILE or http://...`);
  return {
    capabilities: chosen.spec.capabilities,
    transports: chosen.transports,
    stage: async () => {
      const lanes = await openDrivenLanes(chosen.spec, 1, witnessRun);
      const [play] = lanes.lanes;
      if (play === undefined) throw new Error('there is no lane');
      return { play, [Symbol.asyncDispose]: () => lanes[Symbol.asyncDispose]() };
    },
  };
}
