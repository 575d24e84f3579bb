/** Resource pools, clusters, hosts and datastores as the API shows them. */
import type {
  AzDetail,
  AzItem,
  ClusterDetail,
  ClusterItem,
  HostItem,
  StorageItem,
} from '../../../src/contract/schemas/inventory.ts';
import type { ClusterSpec, PoolSpec } from '../../domain/inventory.ts';
import type { World } from '../../domain/world-api.ts';
import { ratioOf, stableHex, storageTagId, storageTagName } from './derived.ts';

type Host = World['hosts'][number];
type Datastore = World['datastores'][number];

const MHZ_PER_CORE = 2400;
const CORES_PER_SOCKET = 16;
/** Fractional, because the document allows an integer or a number and never both at once. */
const OVERCOMMIT = 1.5;

export const azItem = ({ id, name, description, tag, version }: PoolSpec): AzItem => ({
  id,
  name,
  description,
  status: 'normal',
  type: 'hci',
  tag,
  version,
});

export function azDetail(world: World, pool: PoolSpec): AzDetail {
  const isInside = isInPool(world, pool.id);
  const hosts = world.hosts.filter((host) => isInside(host.clusterId));
  const servers = world.servers.list().filter(({ poolId }) => poolId === pool.id);
  const running = servers.filter(({ status }) => status === 'running');
  const stores = world.datastores.filter((store) => isInside(store.clusterId));
  const mhz = sum(hosts, ({ cores }) => cores * MHZ_PER_CORE);
  const memoryMb = sum(hosts, (host) => host.memoryMb);
  const usedMb = sum(running, (server) => server.memoryMb);
  const virtual = (name: string, allocated: number, total: number, unit: string) => ({
    name,
    allocated,
    limit: -1,
    occupied: allocated,
    total,
    unit,
  });
  return {
    ...azItem(pool),
    physical_resources: [
      { name: 'cpu', total: mhz, used: 0, unit: 'MHz' },
      { name: 'memory', total: memoryMb, used: usedMb, unit: 'MB' },
      {
        name: 'storage',
        total: sum(stores, (s) => s.totalMb),
        used: sum(stores, (s) => s.usedMb),
        unit: 'MB',
      },
    ],
    virtual_resources: [
      virtual(
        'cpu',
        sum(servers, (s) => s.sockets * s.coresPerSocket),
        sum(hosts, (h) => h.cores),
        'core',
      ),
      virtual(
        'memory',
        sum(servers, (s) => s.memoryMb),
        memoryMb,
        'MB',
      ),
    ],
    dhs: [],
    maintain_mode: 0,
    safe_acl: 0,
  };
}

export function clusterItem(world: World, cluster: ClusterSpec): ClusterItem {
  const hosts = world.hosts.filter(({ clusterId }) => clusterId === cluster.id);
  const stores = world.datastores.filter(({ clusterId }) => clusterId === cluster.id);
  const totalMb = sum(stores, (store) => store.totalMb);
  const usedMb = sum(stores, (store) => store.usedMb);
  return {
    id: cluster.id,
    name: cluster.name,
    ip: cluster.ip,
    controller_ip: cluster.ip,
    az_id: cluster.poolId,
    type: 'hci',
    arch_type: 'hci_x86',
    version: cluster.version,
    status: 'normal',
    authorize_mode: 'normal',
    description: '',
    project_ids: [],
    sp_list: [],
    cpu: { ratio: 0, total_mhz: sum(hosts, ({ cores }) => cores * MHZ_PER_CORE), used_mhz: 0 },
    memory: { ratio: 0, total_mb: sum(hosts, (host) => host.memoryMb), used_mb: 0 },
    storage: { ratio: ratioOf(usedMb, totalMb), total_mb: totalMb, used_mb: usedMb },
  };
}

export const clusterDetail = (world: World, cluster: ClusterSpec): ClusterDetail => ({
  ...clusterItem(world, cluster),
  cluster_id: `authkey@${stableHex(cluster.id, 32)}`,
  cluster_ip: cluster.ip,
  port: 443,
});

export function hostItem(world: World, host: Host): HostItem {
  const cluster = world.clusters.find(({ id }) => id === host.clusterId);
  const sockets = Math.max(1, Math.ceil(host.cores / CORES_PER_SOCKET));
  const usedMb = sum(
    world.servers.list().filter(({ hostId, status }) => hostId === host.id && status === 'running'),
    ({ memoryMb }) => memoryMb,
  );
  return {
    id: host.id,
    name: host.name,
    ip: host.ip,
    az_id: cluster?.poolId ?? '',
    cluster_id: host.clusterId,
    cluster_name: cluster?.name ?? '',
    cluster_type: 'hci',
    type: 'h',
    status: host.isOnline ? 'running' : 'offline',
    description: '',
    dh_id: '',
    is_use_vs: 1,
    alarm_count: 0,
    serial_number: host.serialNumber,
    cpu: {
      type: 'Intel(R) Xeon(R) Gold 6336Y CPU @ 2.40GHz',
      socket_count: sockets,
      core_count: host.cores,
      cores_per_socket: Math.ceil(host.cores / sockets),
      thread_per_socket: 2 * Math.ceil(host.cores / sockets),
      total_mhz: host.cores * MHZ_PER_CORE,
      used_mhz: 0,
      ratio: 0,
      allocation_ratio: 0,
      allocation_max: OVERCOMMIT,
    },
    memory: {
      total_mb: host.memoryMb,
      used_mb: usedMb,
      ratio: ratioOf(usedMb, host.memoryMb),
      allocation_ratio: ratioOf(usedMb, host.memoryMb),
      allocation_max: OVERCOMMIT,
    },
    gpu: { total: 0, used: 0, ratio: 0, memory_total_mb: 0, memory_used_mb: 0, memory_ratio: 0 },
    storage: { total_mb: sum(reachedBy(world, host.id), (store) => store.totalMb) },
    reserves: { memory_mb: 0 },
    system_disk: { status: 'normal', type: 'ssd', pin: '', online_status: 1, ssd_remaining_life: '100' },
    storage_iqn: `iqn.1994-05.com.redhat:${stableHex(host.id, 12)}`,
    cpu_vendor_id: 'GenuineIntel',
  };
}

export function storageItem(world: World, store: Datastore): StorageItem {
  const cluster = world.clusters.find(({ id }) => id === store.clusterId);
  const online = world.hosts.filter(({ id, isOnline }) => isOnline && store.hostIds.includes(id));
  return {
    id: store.id,
    name: store.name,
    description: '',
    type: store.type,
    status: store.isOnline ? 'ok' : 'offline',
    az_id: cluster?.poolId ?? '',
    cluster_id: store.clusterId,
    cluster_name: cluster?.name ?? '',
    cluster_type: 'hci',
    host_ids: store.hostIds,
    hosts_online_state: hostsOnlineState(online.length, store.hostIds.length),
    connected_hosts: online.length,
    shared: store.type === 'local' ? 0 : 1,
    total_mb: store.totalMb,
    used_mb: Math.ceil(store.usedMb),
    ratio: ratioOf(store.usedMb, store.totalMb),
    max_read_byteps: 0,
    max_write_byteps: 0,
    read_byteps: 0,
    write_byteps: 0,
    backup_enable: 0,
    archive_usable: 0,
    backup_total_mb: 0,
    backup_used_mb: 0,
    backup_ratio: 0,
    backup_server_count: 0,
    supported_allocate_types: ['off', 'metadata', 'full'],
    storage_tag_id: storageTagId(store.type),
    storage_tag_name: storageTagName(store.type),
    storage_label: '',
    target: '',
  };
}

/** `ALL` is documented, the other two are not. @fidelity assumed */
function hostsOnlineState(online: number, all: number): string {
  if (online === all) return 'ALL';
  return online === 0 ? 'NONE' : 'PART';
}

const reachedBy = (world: World, hostId: string): readonly Datastore[] =>
  world.datastores.filter(({ hostIds }) => hostIds.includes(hostId));

/** Whether a cluster belongs to a pool. */
export function isInPool(world: World, poolId: string): (clusterId: string) => boolean {
  const ids = new Set(world.clusters.filter((one) => one.poolId === poolId).map(({ id }) => id));
  return (clusterId) => ids.has(clusterId);
}

const sum = <T>(items: readonly T[], valueOf: (item: T) => number): number =>
  items.reduce((total, item) => total + valueOf(item), 0);
