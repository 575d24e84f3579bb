/** The compact world of a scenario file as a full inventory: one pool, one cluster, hosts that reach the datastores. */
import { createIdSource } from '../../src/kernel/ids.ts';
import { createRng } from '../../src/kernel/rng.ts';
import { PROXY_OS_NAME } from '../../src/contract/assumed.ts';
import type {
  CredentialSpec,
  DatastoreSpec,
  DiskSpec,
  HostSpec,
  InventorySpec,
  ServerSpec,
} from '../../simulator/domain/inventory.ts';
import type { Transport } from '../../src/engine/engine-api.ts';
import type { TaskAction, WorldSettings } from '../../simulator/domain/world-api.ts';
import { parseDuration, parseSize } from './quantities.ts';
import { ENGINE_NAMES, type WorldNode } from './scenario-schema.ts';

type ServerNode = WorldNode['servers'][number];
type DiskNode = ServerNode['disks'][number];
type ProxyNode = NonNullable<WorldNode['proxies']>[number];
type SettingsNode = NonNullable<WorldNode['settings']>;

const POOL_ID = '5f0d3c1e-0b3a-4c59-9d0e-6a1f00000001';
const CLUSTER_ID = '5f0d3c1e-0b3a-4c59-9d0e-6a1f00000002';
const DATASTORE_ID = '7c1e02ab_vs_vol_rep';
const VERSION = '6.11.3';
/** Own disks of a proxy: its system, which no story looks at. */
const PROXY_DISK_BYTES = 65_536;

interface Site {
  readonly hosts: readonly HostSpec[];
  readonly datastores: readonly DatastoreSpec[];
}

/** `seed` also draws the credentials, which choose the world: two worlds of one process never share theirs. */
export function buildInventory(world: WorldNode, seed: string): InventorySpec {
  const ids = createIdSource(createRng(`${seed}/inventory`));
  const hosts = Array.from({ length: hostCount(world) }, (_, at) => buildHost(at));
  const datastores = (world.datastores ?? [{ name: 'datastore-1' }]).map((node, at) =>
    buildDatastore(node, at, hosts),
  );
  const site = { hosts, datastores };
  const version = world.poolVersion ?? VERSION;
  const servers = world.servers.map((server, at) => buildServer(server, at, site, ids.uuid()));
  const proxies = (world.proxies ?? []).map((proxy, at) =>
    buildProxy(proxy, servers.length + at, site, ids.uuid()),
  );
  return {
    pools: [{ id: POOL_ID, name: 'pool-1', description: '', version, tag: 'private' }],
    clusters: [{ id: CLUSTER_ID, name: 'cluster-1', poolId: POOL_ID, ip: '192.0.2.10', version }],
    hosts,
    datastores,
    servers: [...servers, ...proxies],
    credentials: Array.from({ length: ENGINE_NAMES.length }, () => buildCredential(ids.hex(16))),
  };
}

/** An engine that hot-adds needs somebody to add to: one proxy, unless the file says which there are. */
export function withProxies(world: WorldNode, transport: Transport): WorldNode {
  if (world.proxies !== undefined || transport !== 'hotadd') return world;
  return { ...world, proxies: [{ name: 'proxy-1', host: commonHost(world) }] };
}

/** The first host that reaches every datastore; else the first. */
function commonHost(world: WorldNode): number {
  const numbers = Array.from({ length: hostCount(world) }, (_, at) => at + 1);
  const reaches = (host: number): boolean =>
    (world.datastores ?? []).every(({ hosts }) => hosts?.includes(host) ?? true);
  return numbers.find(reaches) ?? 1;
}

export function hostCount(world: WorldNode): number {
  return world.hosts ?? 2;
}

function buildDatastore(
  node: NonNullable<WorldNode['datastores']>[number],
  at: number,
  hosts: readonly HostSpec[],
): DatastoreSpec {
  return {
    id: `${DATASTORE_ID}${at + 2}`,
    name: node.name,
    type: 'vs',
    clusterId: CLUSTER_ID,
    hostIds: hosts.filter((_, host) => node.hosts?.includes(host + 1) ?? true).map(({ id }) => id),
    totalMb: 8 * 1024 * 1024,
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

function buildServer(node: ServerNode, at: number, site: Site, id: string): ServerSpec {
  return {
    ...buildMachine(at, id),
    name: node.name,
    hostId: hostIdOf(node.host ?? (at % site.hosts.length) + 1, site),
    isRunning: node.state !== 'stopped',
    osName: '',
    vmtools: 1,
    disks: node.disks.map((disk) => buildDisk(disk, site)),
  };
}

function buildProxy(node: ProxyNode, at: number, site: Site, id: string): ServerSpec {
  return {
    ...buildMachine(at, id),
    name: node.name,
    hostId: hostIdOf(node.host ?? 1, site),
    isRunning: node.state !== 'stopped',
    osName: PROXY_OS_NAME,
    vmtools: node.vmtools === false ? 0 : 1,
    disks: Array.from({ length: node.disks ?? 1 }, (_, slot) =>
      buildDisk({ slot: `virtio${slot}`, size: PROXY_DISK_BYTES, cbt: false }, site),
    ),
  };
}

function buildMachine(at: number, id: string) {
  const networks = [
    {
      vifId: 'net0',
      macAddress: `02:00:00:00:00:${(16 + at).toString(16)}`,
      ipAddress: `198.51.100.${10 + at}`,
      name: 'lan',
    },
  ];
  return {
    id,
    vmId: String(4_821_900_034_500 + at),
    description: '',
    sockets: 1,
    coresPerSocket: 2,
    memoryMb: 4096,
    osKernel: 'linux',
    osDistribution: 'Debian 12',
    networks,
  } as const;
}

function hostIdOf(number: number, { hosts }: Site): string {
  const host = hosts[number - 1];
  if (host === undefined) throw new RangeError(`there is no host ${number}`);
  return host.id;
}

/** Empty: what the scenario says it holds is written by the harness. */
function buildDisk(node: DiskNode, { datastores }: Site): DiskSpec {
  const datastore = datastores.find(({ name }) => name === node.datastore) ?? datastores[0];
  return {
    deviceId: node.slot,
    sizeBytes: parseSize(node.size),
    datastoreId: datastore?.id ?? '',
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
  const { changedAreasCoverBytes, tokenLifetime, unplugTimeout, taskDurations = {}, ...same } = node ?? {};
  return {
    ...same,
    isHotAddOffered: true,
    ...(changedAreasCoverBytes === undefined
      ? {}
      : { changedAreasCoverBytes: parseSize(changedAreasCoverBytes) }),
    ...(tokenLifetime === undefined ? {} : { tokenLifetimeSeconds: parseDuration(tokenLifetime) / 1000 }),
    ...(unplugTimeout === undefined ? {} : { unplugTimeoutSeconds: parseDuration(unplugTimeout) / 1000 }),
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
