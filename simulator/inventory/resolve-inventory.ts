/**
 * From an inventory file's content to a whole inventory: defaults filled in, references by name turned into ids,
 * contradictions collected. What is left out is drawn from the seed, so the same file and seed give the same world.
 */
import { createIdSource } from '../../src/kernel/ids.ts';
import { createRng, type Rng } from '../../src/kernel/rng.ts';
import type {
  ClusterSpec,
  CredentialSpec,
  DatastoreSpec,
  HostSpec,
  InventorySpec,
  PoolSpec,
} from '../domain/inventory.ts';
import { firstHostAddress, hostAddress } from './host-address.ts';
import type { InventoryFile, Path, Problem } from './inventory-file.ts';
import { generateCredentials } from './platform-login.ts';
import { type Resolution, refer } from './resolution.ts';
import { resolveServer } from './resolve-server.ts';

const VERSION = '6.11.3';
const DATASTORE_MB = 64 * 1024 * 1024;

export function resolveInventory(
  file: InventoryFile,
  seed: string,
): { readonly inventory: InventorySpec; readonly problems: readonly Problem[] } {
  const rng = createRng(`${seed}/inventory/file`);
  const problems: Problem[] = [];
  const resolution: Resolution = {
    rng,
    ids: createIdSource(rng.fork('ids')),
    report: (path, what) => problems.push({ path, what }),
  };
  const pools = resolvePools(file, resolution);
  const clusters = resolveClusters(file, pools, resolution);
  const hosts = resolveHosts(file, clusters, resolution);
  const datastores = resolveDatastores(file, clusters, hosts, resolution);
  const servers = file.servers.map((entry, at) =>
    resolveServer(entry, at, { hosts, datastores }, resolution),
  );
  const inventory = {
    pools,
    clusters,
    hosts,
    datastores,
    servers,
    credentials: resolveCredentials(file, rng),
  };
  checkUnique(inventory, resolution);
  return { inventory, problems };
}

function resolvePools(file: InventoryFile, { ids }: Resolution): PoolSpec[] {
  return (file.pools ?? [{ name: 'pool-1' }]).map((entry) => ({
    id: ids.uuid(),
    description: '',
    version: VERSION,
    tag: 'private',
    ...entry,
  }));
}

function resolveClusters(file: InventoryFile, pools: readonly PoolSpec[], on: Resolution): ClusterSpec[] {
  return (file.clusters ?? [{ name: 'hci-01' }]).map((entry, at) => ({
    id: on.ids.uuid(),
    ip: `10.20.${at % 256}.10`,
    version: VERSION,
    ...entry,
    poolId: refer(entry.poolId, pools, 'pool', ['clusters', at, 'poolId'], on),
  }));
}

function resolveHosts(file: InventoryFile, clusters: readonly ClusterSpec[], on: Resolution): HostSpec[] {
  const first = firstHostAddress(on.rng.fork('addresses'));
  return (file.hosts ?? [{ name: 'node-01' }]).map((entry, at) => {
    checkLoopback(entry.ip, ['hosts', at, 'ip'], on);
    return {
      id: `host-${on.ids.hex(12)}`,
      ip: hostAddress(first, at),
      cores: 64,
      memoryMb: 524_288,
      serialNumber: on.ids.hex(10).toUpperCase(),
      ...entry,
      clusterId: refer(entry.clusterId, clusters, 'cluster', ['hosts', at, 'clusterId'], on),
    };
  });
}

/** The simulator listens there: an address of another machine would send a backup product to that machine. */
function checkLoopback(ip: string | undefined, path: Path, on: Resolution): void {
  if (ip === undefined || ip.startsWith('127.')) return;
  on.report(path, `${ip} is not in 127.0.0.0/8, where the NBD service of a simulated host listens`);
}

function resolveDatastores(
  file: InventoryFile,
  clusters: readonly ClusterSpec[],
  hosts: readonly HostSpec[],
  on: Resolution,
): DatastoreSpec[] {
  return (file.datastores ?? [{ name: 'vs-01' }]).map((entry, at) => {
    const clusterId = refer(entry.clusterId, clusters, 'cluster', ['datastores', at, 'clusterId'], on);
    const members = hosts.filter((host) => host.clusterId === clusterId);
    return {
      id: `${on.ids.hex(8)}_vs_vol_rep2`,
      type: 'vs',
      totalMb: DATASTORE_MB,
      ...entry,
      clusterId,
      hostIds:
        entry.hostIds?.map((host, place) =>
          refer(host, members, 'host of its cluster', ['datastores', at, 'hostIds', place], on),
        ) ?? members.map((host) => host.id),
    };
  });
}

function resolveCredentials(file: InventoryFile, rng: Rng): CredentialSpec[] {
  const ids = createIdSource(rng.fork('logins'));
  if (file.credentials === undefined) return generateCredentials(rng);
  return file.credentials.map((entry) => ({
    accessKey: ids.hex(32),
    secretKey: ids.hex(40),
    role: 'admin',
    ...entry,
  }));
}

function checkUnique(inventory: InventorySpec, on: Resolution): void {
  for (const list of ['pools', 'clusters', 'hosts', 'datastores', 'servers'] as const) {
    unique(list, 'id', inventory[list], on);
    unique(list, 'name', inventory[list], on);
  }
  unique('hosts', 'ip', inventory.hosts, on);
  unique('servers', 'vmId', inventory.servers, on);
  unique('credentials', 'username', inventory.credentials, on);
  unique('credentials', 'accessKey', inventory.credentials, on);
}

function unique<Field extends string>(
  list: string,
  field: Field,
  items: readonly Readonly<Record<Field, string>>[],
  on: Resolution,
): void {
  const places = new Map<string, number>();
  items.forEach((item, at) => {
    const earlier = places.get(item[field]);
    if (earlier === undefined) places.set(item[field], at);
    else on.report([list, at, field], `"${item[field]}" is used already by ${list}[${earlier}]`);
  });
}
