/** Datastores as the API shows them. */
import type { StorageItem } from '../../../src/contract/schemas/inventory.ts';
import type { World } from '../../domain/world-api.ts';
import { ratioOf, storageTagId, storageTagName } from './derived.ts';

type Datastore = World['datastores'][number];

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
