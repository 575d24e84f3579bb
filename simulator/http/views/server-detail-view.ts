/**
 * A server's configuration as the detail shows it.
 * @source SCP OpenAPI 6.11.1, servers
 * @fidelity documented (fields), assumed (values that the world does not hold)
 */
import type { ServerDetail } from '../../../src/contract/schemas/servers.ts';
import { formatLocal } from '../../../src/contract/timestamps.ts';
import type { NetworkSpec } from '../../domain/inventory.ts';
import type { Server, ServerDisk, World } from '../../domain/world-api.ts';
import { PROJECT, storageTagId, storageTagName, storeLabel } from './derived.ts';
import { advanceFlags, diskType, MIB, osType, USER_ID } from './server-facts.ts';

export function serverDetail(world: World, server: Server): ServerDetail {
  const pool = world.pools.find(({ id }) => id === server.poolId);
  const store = storeLabel(world, server.disks[0]?.datastoreId);
  return {
    id: server.id,
    name: server.name,
    description: server.description,
    project_id: PROJECT.id,
    project_name: PROJECT.name,
    user_id: USER_ID,
    az_id: server.poolId,
    az_name: pool?.name ?? '',
    dh_id: '',
    dh_tag: '',
    pool_tag: pool?.tag ?? '',
    arch_type: 'x86',
    group_id: server.groupId,
    group_id_path: `/${server.groupId}`,
    group_name: '',
    created_at: formatLocal(server.createdAtMs),
    expire_time: 'unlimited',
    vm_type: 'vm',
    detail_vmtype: 'vm',
    application: server.isDesktopRevert ? 'desk' : 'compute',
    tags: [],
    derived: 0,
    instant_vm: 0,
    status: server.status,
    host_id: server.hostId,
    host_name: '<auto>',
    location: { id: 'cluster', location: 0, policy_type: '' },
    ha: 1,
    snap: world.snapshots.list(server.id).length > 0 ? 1 : 0,
    backup: 0,
    encrypted: 0,
    vtool_installed: server.vmtools,
    os_installed: 1,
    hotplug_sup_info: { cpu: 0, memory: 0 },
    os_type: osType(server),
    os_name: server.osName,
    image_id: '',
    image_name: '',
    cores: server.sockets * server.coresPerSocket,
    sockets: server.sockets,
    memory_mb: server.memoryMb,
    machine_type: 'q35',
    cpu_reserve: 0,
    resource_reserve_policies: [],
    quotas: [],
    pciecards: { encryption: [] },
    pci_type: 'pci-bridge',
    storage_location: store?.id ?? '',
    storage_name: store?.name ?? '',
    storage_shared: store?.type === 'local' ? 0 : 1,
    storage_tag_id: storageTagId(store?.type ?? ''),
    storage_tag_name: storageTagName(store?.type ?? ''),
    storage_type: store?.type ?? '',
    disks: server.disks.map((disk, at) => diskDetail(world, disk, at)),
    networks: server.networks.map(networkDetail),
    cdroms: [],
    usbs: [],
    serials: [],
    advance_param: { ...advanceFlags(server), boot_disk: server.disks[0]?.deviceId ?? '', boot_order: 'c' },
  };
}

function diskDetail(world: World, disk: ServerDisk, at: number): ServerDetail['disks'][number] {
  const store = storeLabel(world, disk.datastoreId);
  const { storageFile, datastoreId } = disk;
  const file = storageFile.includes(':') ? storageFile : `${datastoreId}:${storageFile}`;
  return {
    id: disk.deviceId,
    disk_id: disk.uuid,
    label: `Disk ${at + 1}`,
    type: diskType(disk),
    size_mb: disk.sizeBytes / MIB,
    preallocate: disk.preallocate,
    storage_id: disk.datastoreId,
    storage_name: store?.name ?? '',
    storage_file: file,
    storage_policy: '',
    backing_file: disk.purpose === 'backup' ? file : '',
    eagerly_scrub: 0,
    is_old_disk: 1,
    use_virtio: disk.deviceId.startsWith('virtio') ? 1 : 0,
    read_cache_size: 0,
    application_type: disk.purpose,
    io_usage_limit: { qos_enable: 0, bps_limit: 0, iops_limit: 0 },
  };
}

const networkDetail = (network: NetworkSpec): ServerDetail['networks'][number] => ({
  vif_id: network.vifId,
  mac_address: network.macAddress,
  model: 'virtio',
  connect: 1,
  device_id: '',
  port_id: '',
  name: network.name,
  label: network.vifId,
  network_type: 'vpc',
  ip_info: { ip_address: network.ipAddress, netmask: '255.255.255.0', gateway: '', dns: [] },
});
