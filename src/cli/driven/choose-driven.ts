/** What the flags of `backlot run` say about somebody else's engine. */
import type { Capability } from '../../../harness/driver/capabilities.ts';
import type { Declaration } from '../../../harness/driver/declaration.ts';
import { type ClockMode, parseClockMode } from '../../../simulator/control/clock-mode.ts';
import type { Transport } from '../../engine/engine-api.ts';
import { createWallClock } from '../../runtime/wall-clock.ts';
import { CliError } from '../cli-error.ts';
import { createDrivenJudge, dayOfToday, type DrivenJudge, readWaivers } from './driven-judge.ts';
import { openDoor, parseEnginePlace, readDeclaration } from './engine-place.ts';
import type { DrivenSpec } from './open-driven-lanes.ts';

export interface DrivenFlags {
  readonly engine?: readonly string[];
  readonly capabilities?: string;
  readonly waivers?: string;
  readonly time?: string;
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
  return {
    word,
    declaration,
    judge: createDrivenJudge({ declaration, waivers: readWaivers(flags.waivers), today: dayOfToday() }),
    transports: TRANSPORTS.filter((name) => capabilities.has(name)),
    spec: {
      name: declaration.name,
      capabilities,
      door: openDoor(place, declaration.killable),
      mode,
      wall: createWallClock(),
      jobLimitMs: (flags.jobLimit ?? DEFAULT_JOB_LIMIT_SECONDS) * 1000,
    },
  };
}

function refuseStray({ capabilities, waivers, time, jobLimit }: DrivenFlags): void {
  const given = Object.entries({
    '--capabilities': capabilities,
    '--waivers': waivers,
    '--time': time,
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
