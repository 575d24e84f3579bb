/** One run of one scenario with one engine in a world of its own. */
import type { Transport } from '../../src/engine/engine-api.ts';
import { sleep } from '../../src/kernel/clock.ts';
import type { JournalEntry } from '../../src/kernel/journal.ts';
import { VirtualClock } from '../../src/kernel/virtual-clock.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { DEFAULT_SETTINGS } from '../../simulator/domain/default-settings.ts';
import { buildInventory, buildSettings, withProxies } from './build-world.ts';
import { countFaults, judgeEnd, readWorldState } from './end-of-story.ts';
import { describeChain } from './error-chain.ts';
import { type FaultCount, type Finding, type Outcome, StoryFailed } from './outcome.ts';
import type { OpenGuestsOf } from './open-guests.ts';
import { createPatientClock } from '../../simulator/guest/patient-clock.ts';
import type { DrivenEngine } from './driven/driven-engine.ts';
import { finishDriven } from './driven/finish-driven.ts';
import type { Scenario } from './scenario-schema.ts';
import type { Seams } from './seams.ts';
import type { StoryClock } from './story-clock.ts';
import { playSteps, StepFailed } from './steps/step-table.ts';
import { fillDisks } from './steps/guest-steps.ts';
import { Story } from './story.ts';
import { Survival } from './survival.ts';
import { recover } from './survival-end.ts';

export interface RunOptions {
  readonly simulator: Simulator;
  readonly scenario: Scenario;
  readonly transport: Transport;
  readonly seed: string;
  readonly seams: Seams;
  /** Somebody else's engine; the reference engine of this process when absent. */
  readonly driven?: DrivenEngine;
  /** Guests outside of this process; simulated ones when absent. */
  readonly openGuests?: OpenGuestsOf;
  /** Shown the story when its world is ready, before the first step. */
  readonly onStory?: (story: Story) => void;
  /** Shown the story when all is prepared, before the first of its steps. */
  readonly onPrepared?: (story: Story) => void;
  /** Ends the run at the first journal entry of which `isIt` is true; nothing is judged then. */
  readonly stopAt?: {
    readonly isIt: (entry: JournalEntry) => boolean;
    readonly onStop: (story: Story, at: number) => void;
  };
}

export interface RunRecord {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly findings: readonly Finding[];
  readonly faults: readonly FaultCount[];
  readonly comparedBytes: number;
  readonly virtualMs: number;
  readonly journalHash: string;
  readonly journal: readonly JournalEntry[];
}

/** Every story begins at 2026-02-03 04:05:06 UTC. */
const BEGINNING_MS = 1_770_091_506_000;
/** A story that takes longer, in the world's time or in events, hangs. */
const LONGEST_MS = 3 * 86_400_000;
const MOST_ENTRIES = 200_000;
/** Of the wall, where somebody else's engine is at work. */
const LONGEST_DRIVEN_MS = 600_000;

export async function runOnce(options: RunOptions): Promise<RunRecord> {
  const { transport, simulator } = options;
  const scenario = {
    ...options.scenario,
    world: withProxies(options.scenario.world, transport),
  };
  const seed = `${options.seed}/${scenario.id}/${transport}`;
  const { driven } = options;
  const clock: StoryClock = driven?.createClock() ?? new VirtualClock(BEGINNING_MS);
  const hosted = await simulator.createWorld({
    seed,
    clock,
    inventory: buildInventory(scenario.world, seed),
    settings: buildSettings(scenario.world.settings, DEFAULT_SETTINGS),
  });
  options.seams.world?.(hosted);
  try {
    await using guests = await options.openGuests?.(hosted, createPatientClock(clock, hosted));
    await using stage = await driven?.openStage(hosted);
    const way = {
      ...(guests === undefined ? {} : { connectProxy: guests.connectProxy }),
      ...(stage === undefined ? {} : { stage }),
    };
    const story = new Story({ ...options, ...way, scenario, hosted, clock, seed });
    try {
      return record(story, await playStory(story, options));
    } finally {
      story.end();
    }
  } finally {
    simulator.removeWorld(hosted.world.id);
  }
}

/** How the steps and the final oracles went. `cause`: what was thrown that is nobody's finding. */
interface StoryEnd {
  readonly findings: readonly Finding[];
  readonly cause?: unknown;
}

async function playStory(story: Story, options: RunOptions): Promise<StoryEnd> {
  const guard = raiseGuard(story, options.stopAt);
  try {
    return await story.clock.run(Promise.race([tellStory(story, options), guard.tripped]));
  } catch (cause) {
    return { findings: [], cause };
  } finally {
    guard.lower();
  }
}

async function tellStory(story: Story, { onStory, onPrepared }: RunOptions): Promise<StoryEnd> {
  await takeIn(story);
  onStory?.(story);
  const failed = await playAll(story, onPrepared);
  // What is on its way without waiting for time (a closing connection) arrives before anything is judged.
  await sleep(story.clock, story.graceMs);
  const atEnd = await judgeEnd(story, failed !== undefined);
  return { findings: failed === undefined ? atEnd : [failed, ...atEnd] };
}

async function playAll(story: Story, onPrepared: RunOptions['onPrepared']): Promise<Finding | undefined> {
  try {
    const { attack, prepare = [], steps } = story.scenario;
    await playSteps(story, prepare, 'prepare');
    onPrepared?.(story);
    const survival = attack === undefined ? undefined : new Survival(attack);
    story.survival = survival;
    await survival?.arm(story);
    await playSteps(story, steps, 'steps');
    if (survival !== undefined) await recover(story, survival);
    await finishDriven(story);
    return undefined;
  } catch (error) {
    if (error instanceof StepFailed) return error.finding;
    if (error instanceof StoryFailed) return { where: 'after the attack', ...error.finding };
    throw error;
  }
}

/** Disks begin empty; what the scenario says they hold is written by the harness, so that the log knows it all. */
async function takeIn(story: Story): Promise<void> {
  for (const server of story.world.servers.list()) {
    for (const { deviceId, sizeBytes } of server.disks) {
      story.log.addEmptyDisk(server.name, deviceId, sizeBytes);
    }
  }
  await fillDisks(story);
  story.before = readWorldState(story);
}

/** Ends a story that does not end by itself, and says what it was waiting for. */
function raiseGuard(
  story: Story,
  stopAt: RunOptions['stopAt'],
): { tripped: Promise<StoryEnd>; lower: () => void } {
  const { promise, resolve } = Promise.withResolvers<StoryEnd>();
  const trip = (limit: string): void => resolve({ findings: [hangs(story, limit)] });
  const longestMs = story.driven === undefined ? LONGEST_MS : LONGEST_DRIVEN_MS * story.driven.timeScale;
  const timer = story.clock.setTimer(story.begunAtMs + longestMs, () =>
    trip(story.driven === undefined ? 'three days of virtual time' : 'ten minutes'),
  );
  const stop = story.world.journal.watch((entry) => {
    if (entry.n === MOST_ENTRIES) trip(`${MOST_ENTRIES} events`);
    if (stopAt?.isIt(entry) !== true) return;
    stop();
    // The entry is written in the midst of a change; the world is looked at when the change is complete.
    queueMicrotask(() => stopAt.onStop(story, entry.n));
    resolve({ findings: [] });
  });
  return {
    tripped: promise,
    lower: () => {
      timer.cancel();
      stop();
    },
  };
}

function hangs(story: Story, limit: string): Finding {
  const waiting = [...story.under].join(', ') || 'the final checks';
  return {
    where: waiting,
    expected: 'an end',
    actual: `still waiting after ${limit}`,
    evidence: story.world.journal.entries.slice(-8).map((entry) => JSON.stringify(entry)),
  };
}

function record(story: Story, end: StoryEnd): RunRecord {
  const faults = countFaults(story);
  const { journal } = story.world;
  return {
    ...conclude(story, end, faults),
    findings: end.findings,
    faults,
    comparedBytes: story.comparedBytes,
    virtualMs: story.clock.now() - story.begunAtMs,
    journalHash: journal.hash(),
    journal: journal.entries,
  };
}

function conclude(
  story: Story,
  { findings, cause }: StoryEnd,
  faults: readonly FaultCount[],
): { outcome: Outcome; reason: string } {
  if (cause !== undefined) return { outcome: 'broken', reason: describeChain(cause) };
  const broken = brokenReplies(story.world.journal.entries, faults);
  if (broken !== undefined) return { outcome: 'broken', reason: broken };
  const [finding] = findings;
  if (finding !== undefined) {
    const { where, expected, actual } = finding;
    return { outcome: 'failed', reason: `${where}: expected ${expected}; got ${actual}` };
  }
  const missed = [
    ...story.doubts,
    ...faults
      .filter((fault) => fault.fired === 0 && !fault.mayMiss)
      .map(({ id, kind }) => `fault ${id} (${kind}) never fired`),
  ];
  // A story is written with the reference engine in mind; another one may never do what the story waits for.
  if (story.driven !== undefined && missed.length > 0)
    return { outcome: 'skipped', reason: `the engine gave no occasion: ${missed[0]}` };
  const [doubt] = [...missed, ...(story.comparedBytes === 0 ? ['no byte was compared'] : [])];
  return doubt === undefined ? { outcome: 'passed', reason: '' } : { outcome: 'inconclusive', reason: doubt };
}

/** A 500 that nobody planned is a mistake of the simulator. */
function brokenReplies(journal: readonly JournalEntry[], faults: readonly FaultCount[]): string | undefined {
  if (faults.some(({ kind }) => kind === 'error' || kind === 'refuse')) return undefined;
  const reply = journal.find((entry) => entry.type === 'rest.reply' && entry.status === 500);
  if (reply?.type !== 'rest.reply') return undefined;
  return `the simulator answered 500 to ${reply.operation}: ${reply.message} (journal ${reply.n})`;
}
