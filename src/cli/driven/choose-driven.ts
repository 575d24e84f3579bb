/** What the flags of `backlot run` say about somebody else's engine. */
import type { Capability } from '../../../harness/driver/capabilities.ts';
import type { Declaration } from '../../../harness/driver/declaration.ts';
import { RULES } from '../../../harness/rules/catalogue.ts';
import { fewestScenarios } from '../../../harness/verdict/fewest-scenarios.ts';
import { type DrivenFacts, whyNotDriven } from '../../../harness/runner/driven/why-not-driven.ts';
import type { SuiteTask } from '../../../harness/runner/run-suite.ts';
import type { Scenario } from '../../../harness/runner/scenario-schema.ts';
import { type ClockMode, parseClockMode } from '../../../simulator/control/clock-mode.ts';
import type { Transport } from '../../engine/engine-api.ts';
import { createWallClock } from '../../runtime/wall-clock.ts';
import { CliError } from '../cli-error.ts';
import { toldScaleOf } from './story-clocks.ts';
import { shippedScenarios } from '../scenario-folder.ts';
import { createDrivenJudge, dayOfToday, type DrivenJudge, readWaivers } from './driven-judge.ts';
import { openDoor, parseEnginePlace, readDeclaration } from './engine-place.ts';
import type { DrivenSpec } from './open-driven-lanes.ts';

export interface DrivenFlags {
  readonly engine?: readonly string[];
  readonly capabilities?: string;
  readonly waivers?: string;
  readonly time?: string;
  readonly quick?: boolean;
  /** Seconds of the wall. */
  readonly jobLimit?: number;
}

export interface ChosenEngine {
  /** As the command named it. */
  readonly word: string;
  readonly declaration: Declaration;
  readonly spec: DrivenSpec;
  readonly transports: readonly Transport[];
  readonly judge: DrivenJudge;
  /** Ids of the fewest scenarios that exercise every must-rule. */
  readonly quick: () => readonly string[];
  /** Of these tasks those that a quick look needs: the first scenario over every data path, the others over one each. */
  readonly thin: (tasks: readonly SuiteTask[]) => readonly SuiteTask[];
}

const DEFAULT_TIME = 'x20';
const DEFAULT_JOB_LIMIT_SECONDS = 60;
const TRANSPORTS = ['nbd', 'nbdssl', 'hotadd'] as const;

/** `undefined` when only reference engines are named. @throws CliError */
export function chooseDriven(flags: DrivenFlags): ChosenEngine | undefined {
  const words = flags.engine ?? [];
  const [word] = words.filter((one) => parseEnginePlace(one) !== undefined);
  if (word === undefined) {
    refuseStray(flags);
    return undefined;
  }
  const place = parseEnginePlace(word);
  if (place === undefined || words.length > 1)
    throw new CliError(
      'usage',
      'one engine of somebody else at a time',
      'Give one --engine exec:FILE or URL.',
    );
  const declaration = readDeclaration(place, flags.capabilities);
  const capabilities = new Set<Capability>(declaration.capabilities);
  const mode = modeOf(flags.time ?? declaration.time ?? DEFAULT_TIME);
  const door = openDoor(place, declaration.killable);
  const transports = TRANSPORTS.filter((name) => capabilities.has(name));
  const facts = {
    capabilities,
    timeScale: toldScaleOf(mode),
    isStanding: mode === 'manual',
    canKill: door.canKill,
  };
  const waivers = readWaivers(flags.waivers);
  return {
    word,
    declaration,
    judge: createDrivenJudge({
      declaration,
      waivers,
      today: dayOfToday(),
      playable: () => playableScenarios(transports, facts),
    }),
    quick: () => quickScenarios(transports, facts),
    thin: (tasks) => {
      const ids = [...new Set(tasks.map(({ scenario }) => scenario.id))];
      return tasks.filter(({ scenario, transport }) => {
        const paths = pathsOf(scenario, transports, facts);
        const at = ids.indexOf(scenario.id);
        return scenario.id.startsWith('S001') || paths[at % paths.length] === transport;
      });
    },
    transports,
    spec: {
      name: declaration.name,
      capabilities,
      door,
      mode,
      wall: createWallClock(),
      jobLimitMs: (flags.jobLimit ?? DEFAULT_JOB_LIMIT_SECONDS) * 1000,
    },
  };
}

/** Ids of the scenarios that it can play over one of its data paths at least. */
function playableScenarios(transports: readonly Transport[], facts: DrivenFacts): ReadonlySet<string> {
  const playable = shippedScenarios().filter((scenario) => pathsOf(scenario, transports, facts).length > 0);
  return new Set(playable.map(({ id }) => id));
}

function pathsOf(
  scenario: Scenario,
  transports: readonly Transport[],
  facts: DrivenFacts,
): readonly Transport[] {
  return transports.filter(
    (transport) =>
      (scenario.engines?.includes(transport) ?? true) &&
      whyNotDriven(scenario, transport, facts) === undefined,
  );
}

/** Those for the rules, and one for every capability that none of them asks for. */
function quickScenarios(transports: readonly Transport[], facts: DrivenFacts): readonly string[] {
  const { capabilities } = facts;
  const playable = playableScenarios(transports, facts);
  const chosen = new Set(fewestScenarios(RULES, capabilities, playable));
  for (const capability of capabilities) {
    const without = new Set([...capabilities].filter((name) => name !== capability));
    const rest = playableScenarios(
      transports.filter((name) => name !== capability),
      { ...facts, capabilities: without },
    );
    const asking = [...playable].filter((id) => !rest.has(id));
    const [first] = asking;
    if (first !== undefined && !asking.some((id) => chosen.has(id))) chosen.add(first);
  }
  return [...playable].filter((id) => chosen.has(id));
}

function refuseStray({ capabilities, waivers, time, quick, jobLimit }: DrivenFlags): void {
  const given = Object.entries({
    '--capabilities': capabilities,
    '--waivers': waivers,
    '--time': time,
    '--quick': quick,
    '--job-limit': jobLimit,
  });
  const stray = given.find(([, value]) => value !== undefined);
  if (stray !== undefined)
    throw new CliError(
      'usage',
      `${stray[0]} is for somebody else's engine`,
      'Add --engine exec:FILE or --engine http://...',
    );
}

function modeOf(text: string): ClockMode {
  const mode = parseClockMode(text);
  if (mode !== undefined && mode !== 'virtual') return mode;
  throw new CliError(
    'usage',
    `--time ${text}: is no speed of time`,
    'Give real, manual, or x and a number such as x60.',
  );
}
