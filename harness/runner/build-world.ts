/** The compact world of a scenario file as a full inventory: one pool, one cluster, hosts that reach one datastore. */
import { createIdSource } from '../../src/kernel/ids.ts';
import { createRng } from '../../src/kernel/rng.ts';
import type {
  CredentialSpec,
  DiskSpec,
  HostSpec,
  InventorySpec,
  ServerSpec,
} from '../../simulator/domain/inventory.ts';
import type { TaskAction, WorldSettings } from '../../simulator/domain/world-api.ts';
import { parseDuration, parseSize } from './quantities.ts';
import type { WorldNode } from './scenario-schema.ts';

type ServerNode = WorldNode['servers'][number];
type DiskNode = ServerNode['disks'][number];
type SettingsNode = NonNullable<WorldNode['settings']>;

const POOL_ID = '5f0d3c1e-0b3a-4c59-9d0e-6a1f00000001';
const CLUSTER_ID = '5f0d3c1e-0b3a-4c59-9d0e-6a1f00000002';
const DATASTORE_ID = '7c1e02ab_vs_vol_rep2';
const VERSION = '6.11.3';

/** `seed` also draws the credentials, which choose the world: two worlds of one process never share theirs. */
export function buildInventory(world: WorldNode, seed: string): InventorySpec {
  const ids = createIdSource(createRng(`${seed}/inventory`));
  const hosts = Array.from({ length: world.hosts ?? 2 }, (_, at) => buildHost(at));
  const pool = { id: POOL_ID, name: 'pool-1', description: '', version: VERSION, tag: 'private' as const };
  const datastore = {
    id: DATASTORE_ID,
    name: 'datastore-1',
    type: 'vs' as const,
    clusterId: CLUSTER_ID,
    hostIds: hosts.map((host) => host.id),
    totalMb: 8 * 1024 * 1024,
  };
  return {
    pools: [pool],
    clusters: [{ id: CLUSTER_ID, name: 'cluster-1', poolId: POOL_ID, ip: '192.0.2.10', version: VERSION }],
    hosts,
    datastores: [datastore],
    servers: world.servers.map((server, at) => buildServer(server, at, hosts, ids.uuid())),
    credentials: [buildCredential(ids.hex(16))],
  };
}

function buildCredential(secret: string): CredentialSpec {
  return {
    username: `backup-${secret.slice(0, 8)}`,
    password: `Pw-${secret.slice(8)}`,
    accessKey: `AK${secret}`,
    secretKey: `SK${[...secret].reverse().join('')}`,
    role: 'admin',
  };
}

function buildHost(at: number): HostSpec {
  return {
    id: `host-0c42a1b2c3d${at}`,
    name: `host-${at + 1}`,
    ip: `192.0.2.${101 + at}`,
    clusterId: CLUSTER_ID,
    cores: 16,
    memoryMb: 131_072,
    serialNumber: `SN00000${at}`,
  };
}

function buildServer(node: ServerNode, at: number, hosts: readonly HostSpec[], id: string): ServerSpec {
  return {
    id,
    vmId: String(4_821_900_034_500 + at),
    name: node.name,
    description: '',
    hostId: hosts[at % hosts.length]?.id ?? '',
    isRunning: node.state !== 'stopped',
    sockets: 1,
    coresPerSocket: 2,
    memoryMb: 4096,
    osName: '',
    osKernel: 'linux',
    osDistribution: 'Debian 12',
    vmtools: 1,
    disks: node.disks.map(buildDisk),
    networks: [
      {
        vifId: 'net0',
        macAddress: `02:00:00:00:00:${(16 + at).toString(16)}`,
        ipAddress: `198.51.100.${10 + at}`,
        name: 'lan',
      },
    ],
  };
}

/** Empty: what the scenario says it holds is written by the harness. */
function buildDisk(node: DiskNode): DiskSpec {
  return {
    deviceId: node.slot,
    sizeBytes: parseSize(node.size),
    datastoreId: DATASTORE_ID,
    preallocate: 'off',
    isCbtEnabled: node.cbt ?? true,
    content: { kind: 'empty' },
  };
}

/**
 * What the file sets; else the simulator's defaults, except that tasks take a fifth of their usual time: waiting for
 * them is most of what a short story would do.
 */
export function buildSettings(
  node: SettingsNode | undefined,
  defaults: WorldSettings,
): Partial<WorldSettings> {
  const { changedAreasCoverBytes, tokenLifetime, taskDurations = {}, ...same } = node ?? {};
  return {
    ...same,
    ...(changedAreasCoverBytes === undefined
      ? {}
      : { changedAreasCoverBytes: parseSize(changedAreasCoverBytes) }),
    ...(tokenLifetime === undefined ? {} : { tokenLifetimeSeconds: parseDuration(tokenLifetime) / 1000 }),
    taskMs: { ...quickTasks(defaults), ...buildTaskMs(taskDurations, defaults) },
  };
}

function quickTasks({ taskMs }: WorldSettings): WorldSettings['taskMs'] {
  const quick = Object.entries(taskMs).map(([action, ms]) => [action, Math.ceil(ms / 5)]);
  return Object.fromEntries(quick) as WorldSettings['taskMs'];
}

function buildTaskMs(
  node: Readonly<Record<string, string>>,
  defaults: WorldSettings,
): Partial<Record<TaskAction, number>> {
  const entries = Object.entries(node).map(([action, duration]) => {
    if (!Object.hasOwn(defaults.taskMs, action)) throw new RangeError(`no kind of task is called ${action}`);
    return [action, parseDuration(duration)] as const;
  });
  return Object.fromEntries(entries);
}
