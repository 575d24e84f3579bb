/** A world in which servers are backed up every hour, over several data paths, while their guests write. */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Rng } from '../../src/kernel/rng.ts';
import type { EngineNode, Scenario, StepNode, WorldNode } from '../runner/scenario-schema.ts';
import type { WorldSize } from './swarm-api.ts';

interface Measure {
  readonly servers: readonly [least: number, most: number];
  readonly hours: readonly [least: number, most: number];
  /** Of 64 KiB. */
  readonly blocks: readonly [least: number, most: number];
  /** A restore in every so many hours; in smaller worlds, in every so many worlds. */
  readonly restoreEvery: number;
}

const MEASURES: Readonly<Record<WorldSize, Measure>> = {
  'busy-day': { servers: [8, 8], hours: [24, 24], blocks: [1, 3], restoreEvery: 6 },
  'busy-hours': { servers: [1, 2], hours: [1, 2], blocks: [1, 2], restoreEvery: 4 },
};

/** Ids of scenarios that no file has. */
const IDS: Readonly<Record<WorldSize, string>> = {
  'busy-day': 'W90-busy-day',
  'busy-hours': 'W91-busy-hours',
};

const BLOCK_KIB = 64;
/** TLS is dear, and what can go wrong with it is little. */
export const TRANSPORTS = [
  'nbd',
  'nbd',
  'nbdssl',
  'hotadd',
  'hotadd',
] as const satisfies readonly Transport[];

type PlainStep = NonNullable<StepNode['together']>[number][number];

interface BusyServer {
  readonly name: string;
  readonly transport: Transport;
  readonly blocks: number;
}

/** The story without an attack. Everything is drawn from `rng`; equal streams give equal worlds. */
export function drawBusyWorld(size: WorldSize, rng: Rng): Scenario {
  const measure = MEASURES[size];
  const names = Array.from({ length: rng.int(...measure.servers) }, (_, at) => `vm${at + 1}`);
  const servers = names.map((name) => ({
    name,
    transport: rng.pick(TRANSPORTS),
    blocks: rng.int(...measure.blocks),
  }));
  const hours = rng.int(...measure.hours);
  return {
    id: IDS[size],
    title: `${servers.length} busy servers for ${hours} hours, drawn from a seed`,
    rule: 'Whatever goes wrong, every restore point is right all the time, and all is in order again within a day.',
    why: 'Faults that one job survives alone can meet in a way that nobody has thought of.',
    world: drawWorld(servers, rng),
    engine: drawEngine(rng),
    steps: Array.from({ length: hours }, (_, hour) => drawHour(servers, hour, measure, rng)).flat(),
  };
}

function drawWorld(servers: readonly BusyServer[], rng: Rng): WorldNode {
  const settings = { changedAreasPerPage: rng.pick([1, 2, 1000]), tokenLifetime: rng.pick(['60s', '2h']) };
  return {
    settings,
    proxies: [{ name: 'proxy-1' }, { name: 'proxy-2', host: 2, state: rng.pick(['running', 'stopped']) }],
    servers: servers.map(({ name, blocks }) => ({
      name,
      disks: [{ slot: 'ide0', size: `${blocks * BLOCK_KIB}KiB`, content: drawContent(rng) }],
    })),
  };
}

function drawContent(rng: Rng): { allocated: number; run: string } {
  return { allocated: rng.pick([0.3, 0.7, 1]), run: '64KiB' };
}

/** Locks are short, so that they are renewed in small worlds too. */
function drawEngine(rng: Rng): EngineNode {
  return {
    lockTime: '60s',
    renewEvery: '20s',
    readBytes: '64KiB',
    connections: rng.pick([1, 2]),
    login: rng.pick(['accessKey', 'password']),
    ...(rng.int(1, 8) === 1 ? { verify: true } : {}),
  };
}

/** All servers are backed up, a few minutes or not at all apart; guests write meanwhile and afterwards. */
function drawHour(servers: readonly BusyServer[], hour: number, measure: Measure, rng: Rng): StepNode[] {
  const backups = servers.map((server) => drawBackup(server, rng));
  const writes = servers.map((server) => drawWrites(server, rng));
  const together = [...backups, ...drawMeanwhile(servers, hour, rng)];
  return [
    ...(together.length === 1 ? (together[0] ?? []) : [{ together }]),
    ...writes.flat(),
    ...drawRestore(servers, hour, measure, rng),
    { advance: `${60 - LONGEST_START_MINUTES}m` },
  ];
}

const LONGEST_START_MINUTES = 8;

function drawBackup({ name, transport }: BusyServer, rng: Rng): PlainStep[] {
  const startsAt = rng.pick([0, 0, rng.int(1, LONGEST_START_MINUTES)]);
  return [
    ...(startsAt === 0 ? [] : [{ advance: `${startsAt}m` }]),
    { backup: { server: name, transport, ...(rng.int(1, 10) === 1 ? { full: true } : {}) } },
  ];
}

/** A guest that writes while backups run, a slow disk, so that locks are renewed, somebody who resets the tracking, clean-up. */
function drawMeanwhile(servers: readonly BusyServer[], hour: number, rng: Rng): PlainStep[][] {
  const server = rng.pick(servers);
  const delay = { advance: `${rng.int(1, 90)}s` };
  switch (rng.int(1, 9)) {
    case 1:
    case 2:
      return [[delay, ...drawWrites(server, rng)]];
    case 3:
      return [[delay, { cbt: { server: server.name, set: 'reset' } }]];
    case 4:
      return [[delay, { cleanup: {} }]];
    case 5:
    case 6:
      return [
        [{ fault: { id: `slow-${hour}`, on: 'data', kind: 'delay', delay: '25s', times: rng.int(2, 8) } }],
      ];
    default:
      return [];
  }
}

function drawWrites({ name, blocks }: BusyServer, rng: Rng): PlainStep[] {
  const at = `${rng.int(0, blocks - 1) * BLOCK_KIB}KiB`;
  switch (rng.int(1, 6)) {
    case 1:
      return [{ trim: { server: name, at, length: `${BLOCK_KIB}KiB` } }];
    case 2:
      return [{ zero: { server: name, at, length: '4KiB' } }];
    case 3:
      return [];
    default:
      return [{ workload: { server: name, kind: 'random', writes: rng.int(1, 3), length: '4KiB' } }];
  }
}

/** Of the newest point, whose server it may be; to a new server, or over the one that is stopped for it. */
function drawRestore(
  servers: readonly BusyServer[],
  hour: number,
  { restoreEvery }: Measure,
  rng: Rng,
): StepNode[] {
  const { transport } = rng.pick(servers);
  if (rng.int(1, restoreEvery) !== 1) return [];
  return [{ restore: { transport, newName: `copy-${hour + 1}` } }];
}
