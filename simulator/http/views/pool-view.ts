/** Resource pools and clusters as the API shows them. */
import type {
  AzDetail,
  AzItem,
  ClusterDetail,
  ClusterItem,
} from '../../../src/contract/schemas/inventory.ts';
import type { ClusterSpec, PoolSpec } from '../../domain/inventory.ts';
import type { World } from '../../domain/world-api.ts';
import { MHZ_PER_CORE, ratioOf, stableHex, sum } from './derived.ts';

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

/** Whether a cluster belongs to a pool. */
export function isInPool(world: World, poolId: string): (clusterId: string) => boolean {
  const ids = new Set(world.clusters.filter((one) => one.poolId === poolId).map(({ id }) => id));
  return (clusterId) => ids.has(clusterId);
}
