/** A world in virtual time and an engine on it. */
import { connectGuests } from '../../../harness/runner/connect-guests.ts';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import type { HostedWorld, Simulator, WorldSpec } from '../../../simulator/app/simulator-api.ts';
import type { InventorySpec } from '../../../simulator/domain/inventory.ts';
import type { Server, Snapshot } from '../../../simulator/domain/world-api.ts';
import { createEngine } from '../../../src/engine/create-engine.ts';
import type {
  Credentials,
  Engine,
  EngineEnvironment,
  EngineOptions,
  NetworkTransport,
} from '../../../src/engine/engine-api.ts';
import { PROXY_OS_NAME } from '../../../src/contract/assumed.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { syncCodec } from '../../../src/repository/codec.ts';
import { createRepository } from '../../../src/repository/create-repository.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import type { Repository } from '../../../src/repository/repository-api.ts';

const START_MS = Date.UTC(2026, 1, 3, 4, 5, 6);
export const KIB = 1024;
export const MIB = 1024 * KIB;
export const TRANSPORTS: readonly NetworkTransport[] = ['nbd', 'nbdssl'];

export interface Rig extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly hosted: HostedWorld;
  readonly repository: Repository;
  readonly server: Server;
  /** Another engine on the same repository; `change` may break its environment. */
  engine(options?: EngineOptions, change?: (env: EngineEnvironment) => EngineEnvironment): Engine;
  /** Runs in virtual time until it settles. */
  run<T>(work: Promise<T>): Promise<T>;
  /** Bytes of a live disk. */
  disk(serverId: string, deviceId: string): Promise<Buffer>;
  /** Bytes of a disk of a restore point. */
  stored(pointId: string, deviceId: string): Promise<Buffer>;
  snapshots(): readonly Snapshot[];
  credentials(kind: Credentials['kind']): Credentials;
}

export interface RigOptions {
  readonly seed?: string;
  readonly settings?: WorldSpec['settings'];
  readonly disks?: InventorySpec['servers'][number]['disks'];
  readonly login?: Credentials['kind'];
  /** Names of the servers, all alike. Default: `erp-01` alone. */
  readonly servers?: readonly string[];
  /** Default 2. */
  readonly hosts?: number;
  /** Backup proxies. Default: none. */
  readonly proxies?: readonly RigProxy[];
  /** Datastores beside `ds-1`, each on these hosts (by number from 0). */
  readonly datastores?: Readonly<Record<string, readonly number[]>>;
}

export interface RigProxy {
  readonly name: string;
  /** Number of its host, from 0. Default 0. */
  readonly host?: number;
  readonly isOff?: boolean;
  readonly hasNoVmtools?: boolean;
}

/** One proxy that runs, which is all that most tests need. */
export const ONE_PROXY: readonly RigProxy[] = [{ name: 'proxy-1' }];

/** Odd sizes: one disk is no multiple of a block, nor of a MiB. */
const DISKS: NonNullable<RigOptions['disks']> = [
  {
    deviceId: 'ide0',
    sizeBytes: 3 * MIB,
    datastoreId: 'ds-1',
    preallocate: 'off',
    content: { kind: 'synthetic', allocatedRatio: 0.5, runBytes: 256 * KIB },
  },
  {
    deviceId: 'virtio0',
    sizeBytes: 2 * MIB + 7 * 512,
    datastoreId: 'ds-1',
    preallocate: 'off',
    content: { kind: 'synthetic', allocatedRatio: 0.3, runBytes: 64 * KIB },
  },
];

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const clock = new VirtualClock(START_MS);
  const simulator = await createSimulator({ clock });
  const seed = options.seed ?? 'engine';
  const hosted = await simulator.createWorld({
    seed,
    clock,
    inventory: inventoryOf(options),
    ...(options.settings === undefined ? {} : { settings: options.settings }),
  });
  const storage = new MemoryStorage();
  let lives = 0;
  const ids = () => createIdSource(createRng(`${seed}/life-${++lives}`));
  const repository = createRepository({
    storage,
    codec: syncCodec,
    clock,
    ids: ids(),
    chunkBytes: 256 * KIB,
  });
  const credentials = (kind: Credentials['kind']) => credentialsOf(hosted, kind);
  const { world } = hosted;
  return {
    clock,
    simulator,
    hosted,
    repository,
    get server() {
      return world.servers.find('erp-01');
    },
    engine(engineOptions = {}, change = (env) => env) {
      const env: EngineEnvironment = {
        clock,
        ids: ids(),
        scp: simulator.transport,
        credentials: credentials(options.login ?? 'ec2'),
        dialNbd: (host, port, signal) => simulator.dialNbd(host, port, signal),
        connectProxy: connectGuests(hosted),
        repository,
      };
      return createEngine(change(env), engineOptions);
    },
    run: (work) => clock.run(work),
    async disk(serverId, deviceId) {
      const disk = world.servers.get(serverId).disks.find((known) => known.deviceId === deviceId);
      if (disk === undefined) throw new Error(`no disk ${deviceId}`);
      return Buffer.from(await world.guest.read(serverId, deviceId, 0, disk.sizeBytes));
    },
    async stored(pointId, deviceId) {
      const reader = await repository.open(pointId);
      const disk = reader.info.disks.find((known) => known.deviceId === deviceId);
      if (disk === undefined) throw new Error(`no disk ${deviceId} in ${pointId}`);
      return Buffer.from(await reader.read(deviceId, 0, disk.sizeBytes));
    },
    snapshots: () => world.snapshots.list(world.servers.find('erp-01').id),
    credentials,
    [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
  };
}

function credentialsOf(hosted: HostedWorld, kind: Credentials['kind']): Credentials {
  const [known] = hosted.world.credentials;
  if (known === undefined) throw new Error('the world has no credentials');
  return kind === 'ec2'
    ? { kind, accessKey: known.accessKey, secretKey: known.secretKey }
    : { kind, username: known.username, password: known.password };
}

function inventoryOf({
  disks = DISKS,
  servers = ['erp-01'],
  hosts: hostCount = 2,
  proxies = [],
  datastores = {},
}: RigOptions): InventorySpec {
  const pool = '5b7c0a52-1111-4a5d-9c51-0a1b2c3d4e5f';
  const cluster = 'c1c2c3c4-2222-4a5d-9c51-0a1b2c3d4e5f';
  const hosts = ['0c42a1b2c3d4', '0c42a1b2c3d5'].slice(0, hostCount).map((mac, at) => ({
    id: `host-${mac}`,
    name: `host-${at + 1}`,
    ip: `127.0.0.${at + 11}`,
    clusterId: cluster,
    cores: 16,
    memoryMb: 65_536,
    serialNumber: `SN${at}`,
  }));
  return {
    pools: [{ id: pool, name: 'pool', description: '', version: '6.11.3', tag: 'public' }],
    clusters: [{ id: cluster, name: 'cluster', poolId: pool, ip: '127.0.0.10', version: '6.11.3' }],
    hosts,
    datastores: [
      {
        id: 'ds-1',
        name: 'vs-1',
        type: 'vs',
        clusterId: cluster,
        hostIds: hosts.map((host) => host.id),
        totalMb: 1_000_000,
      },
      ...Object.entries(datastores).map(([id, numbers]) => ({
        id,
        name: id,
        type: 'vs' as const,
        clusterId: cluster,
        hostIds: numbers.map((number) => hosts[number]?.id ?? ''),
        totalMb: 1_000_000,
      })),
    ],
    servers: [
      ...servers.map((name, at) => serverSpec(name, at, hosts[0]?.id ?? '', disks)),
      ...proxies.map((proxy, at) => proxySpec(proxy, at, hosts[proxy.host ?? 0]?.id ?? '')),
    ],
    credentials: [
      {
        username: 'svc-backup',
        password: 'correct horse',
        accessKey: 'AKDEMO0001',
        secretKey: 'sk-demo-0001',
        role: 'admin',
      },
    ],
  };
}

type ServerSpec = InventorySpec['servers'][number];

function serverSpec(name: string, at: number, hostId: string, disks: ServerSpec['disks']): ServerSpec {
  return {
    id: `a1b2c3d4-000${at + 1}-4000-8000-00000000beef`,
    vmId: `48219000345${at + 17}`,
    name,
    description: '',
    hostId,
    isRunning: true,
    sockets: 1,
    coresPerSocket: 2,
    memoryMb: 2048,
    osName: '',
    osKernel: 'linux',
    osDistribution: 'ubuntu-24',
    vmtools: 1,
    disks,
    networks: [
      {
        vifId: 'net0',
        macAddress: `fe:fc:fe:00:00:${String(at + 1).padStart(2, '0')}`,
        ipAddress: `192.0.2.${at + 20}`,
        name: 'edge',
      },
    ],
  };
}

function proxySpec(proxy: RigProxy, at: number, hostId: string): ServerSpec {
  const disk = {
    deviceId: 'virtio0',
    sizeBytes: MIB,
    datastoreId: 'ds-1',
    preallocate: 'off',
    content: { kind: 'synthetic', allocatedRatio: 0.1, runBytes: 64 * KIB },
  } as const;
  const base = serverSpec(proxy.name, at + 50, hostId, [disk]);
  return {
    ...base,
    id: `b1b2c3d4-00${at + 10}-4000-8000-00000000beef`,
    isRunning: proxy.isOff !== true,
    osName: PROXY_OS_NAME,
    vmtools: proxy.hasNoVmtools === true ? 0 : 1,
  };
}
