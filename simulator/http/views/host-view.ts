/** Hosts as the API shows them. */
import type { HostItem } from '../../../src/contract/schemas/inventory.ts';
import type { World } from '../../domain/world-api.ts';
import { MHZ_PER_CORE, ratioOf, stableHex, sum } from './derived.ts';

type Host = World['hosts'][number];

const CORES_PER_SOCKET = 16;
/** Fractional, because the document allows an integer or a number and never both at once. */
const OVERCOMMIT = 1.5;

/** Views of hosts; what all of them need from the servers and datastores is added up once. */
export function hostViews(world: World): (host: Host) => HostItem {
  const usedMb = new Map<string, number>();
  for (const { hostId, memoryMb, status } of world.servers.list())
    if (status === 'running') usedMb.set(hostId, (usedMb.get(hostId) ?? 0) + memoryMb);
  const stores = world.datastores;
  return (host) => {
    const reached = stores.filter(({ hostIds }) => hostIds.includes(host.id));
    return hostItem(
      world,
      host,
      usedMb.get(host.id) ?? 0,
      sum(reached, ({ totalMb }) => totalMb),
    );
  };
}

function hostItem(world: World, host: Host, usedMb: number, storageMb: number): HostItem {
  const cluster = world.clusters.find(({ id }) => id === host.clusterId);
  const sockets = Math.max(1, Math.ceil(host.cores / CORES_PER_SOCKET));
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
    storage: { total_mb: storageMb },
    reserves: { memory_mb: 0 },
    system_disk: { status: 'normal', type: 'ssd', pin: '', online_status: 1, ssd_remaining_life: '100' },
    storage_iqn: `iqn.1994-05.com.redhat:${stableHex(host.id, 12)}`,
    cpu_vendor_id: 'GenuineIntel',
  };
}
