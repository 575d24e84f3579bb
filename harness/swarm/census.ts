/**
 * What the steps of a busy world are, roughly and without playing it: those of a small clean run that has one of
 * everything, as many times as the world is larger. An attack that is drawn from them may miss; most don't.
 */
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import type { Rng } from '../../src/kernel/rng.ts';
import { runOnce } from '../runner/run-once.ts';
import type { Scenario, StepNode } from '../runner/scenario-schema.ts';
import { PointCollector } from '../sweep/collect-points.ts';
import type { Point } from '../sweep/sweep-api.ts';
import { type Chances, chancesOf } from './draw-attack.ts';

const SERVERS = ['vm1', 'vm2', 'vm3'] as const;

const HOUR: StepNode = {
  together: [
    [{ backup: { server: 'vm1', transport: 'nbd' } }],
    [{ backup: { server: 'vm2', transport: 'nbdssl' } }],
    [{ backup: { server: 'vm3', transport: 'hotadd' } }],
  ],
};

/** One server per data path, two hours, a slow one, a restore, a clean-up. */
const ONE_OF_EVERYTHING: Scenario = {
  id: 'W92-one-of-everything',
  title: 'A world with one job of each kind, to see which steps there are',
  rule: 'What can go wrong in a busy world is known before it is played.',
  why: 'A script that is drawn without looking seldom meets the step that it is meant for.',
  world: {
    settings: { changedAreasPerPage: 1 },
    proxies: [{ name: 'proxy-1' }, { name: 'proxy-2', host: 2, state: 'stopped' }],
    servers: SERVERS.map((name) => ({
      name,
      disks: [{ slot: 'ide0', size: '128KiB', content: { allocated: 1, run: '64KiB' } }],
    })),
  },
  engine: { lockTime: '60s', renewEvery: '20s', readBytes: '64KiB', connections: 1, login: 'password' },
  steps: [
    HOUR,
    ...SERVERS.map((server): StepNode => ({ write: { server, at: 0, length: '4KiB' } })),
    { advance: '10m' },
    { fault: { id: 'slow', on: 'nbd', kind: 'delay', delay: '25s', times: 0 } },
    HOUR,
    { clearFaults: 'all' },
    { restore: { newName: 'copy', transport: 'nbd' } },
    { cleanup: {} },
  ],
};

/** What the drawn world is, as far as it decides what can strike in it. */
export interface WorldTraits {
  /** Backups and restores over NBD, with TLS or without, and through hot-added disks. */
  readonly nbdJobs: number;
  readonly hotAddJobs: number;
  readonly isTls: boolean;
  readonly usesTokens: boolean;
}

const CENSUS_JOBS = { nbdJobs: 5, hotAddJobs: 2 };

export interface Census {
  readonly chancesIn: (traits: WorldTraits) => readonly Chances[];
  /** A point somewhere in a world of that kind. */
  readonly placeIn: (traits: WorldTraits) => (point: Point, rng: Rng) => Point;
}

export async function takeCensus(simulator: Simulator): Promise<Census> {
  const collector = new PointCollector();
  const onStory: PointCollector['attend'] = (story) => collector.attend(story);
  const run = {
    simulator,
    scenario: ONE_OF_EVERYTHING,
    transport: 'nbd',
    seed: 'census',
    seams: {},
  } as const;
  const { outcome, reason } = await runOnce({ ...run, onStory });
  if (outcome !== 'passed') throw new Error(`the world with one of everything is ${outcome}: ${reason}`);
  const { points } = collector;
  return { chancesIn: rememberChances(points), placeIn: placesIn(points) };
}

/** There are few kinds of worlds, and it takes long to find out what fits. */
function rememberChances(points: readonly Point[]): Census['chancesIn'] {
  const known = new Map<string, readonly Chances[]>();
  return ({ nbdJobs, hotAddJobs, isTls, usesTokens }) => {
    const ground = { isTls, usesTokens, usesProxies: hotAddJobs > 0, hasManyDisks: false };
    const key = JSON.stringify([ground, nbdJobs > 0]);
    const there = points.filter((point) => jobsAt(point, { nbdJobs, hotAddJobs }) > 0);
    const chances = known.get(key) ?? chancesOf(there, ground);
    known.set(key, chances);
    return chances;
  };
}

/** How many jobs can get to such a point. */
function jobsAt(
  { kind, name }: Point,
  { nbdJobs, hotAddJobs }: Pick<WorldTraits, 'nbdJobs' | 'hotAddJobs'>,
): number {
  if (kind.startsWith('guest.') || /hot-?add/.test(name)) return hotAddJobs;
  return kind.startsWith('nbd.') ? nbdJobs : nbdJobs + hotAddJobs;
}

function placesIn(points: readonly Point[]): Census['placeIn'] {
  const most = new Map<string, number>();
  const note = (key: string, value = 0): void => void most.set(key, Math.max(value, most.get(key) ?? 0));
  for (const { kind, name, nth, nthLocked, ordinal, entry, connection } of points) {
    note(`nth ${kind} ${name}`, nth);
    note(`locked ${kind} ${name}`, nthLocked);
    note(`ordinal ${kind}`, ordinal);
    note(`entry ${kind} ${name}`, entry);
    note('connection', connection);
  }
  return (traits) => (point, rng) => {
    // One draw for all: the n-th of its name is then about as late as the m-th of its kind.
    const when = (rng.float() * jobsAt(point, traits)) / jobsAt(point, CENSUS_JOBS);
    const placed = (key: string): number => 1 + Math.floor(when * (most.get(key) ?? 1));
    const { kind, name } = point;
    return {
      ...point,
      nth: placed(`nth ${kind} ${name}`),
      ordinal: placed(`ordinal ${kind}`),
      ...(point.nthLocked === undefined ? {} : { nthLocked: placed(`locked ${kind} ${name}`) }),
      ...(point.entry === undefined ? {} : { entry: placed(`entry ${kind} ${name}`) }),
      ...(point.connection === undefined ? {} : { connection: placed('connection') }),
    };
  };
}
