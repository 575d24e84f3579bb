/**
 * Servers as the lists show them.
 * @source SCP OpenAPI 6.11.1, servers
 * @fidelity documented (fields), assumed (values that the world does not hold)
 */
import type { ServerItem } from '../../../src/contract/schemas/servers.ts';
import { formatLocal } from '../../../src/contract/timestamps.ts';
import type { NetworkSpec } from '../../domain/inventory.ts';
import type { Server, ServerDisk, World } from '../../domain/world-api.ts';
import { MHZ_PER_CORE, PROJECT, ratioOf, storageTagId, storeLabel } from './derived.ts';
import { advanceFlags, diskType, MIB, osType, USER_ID } from './server-facts.ts';

/** The item of the newest list; older dates leave fields out (`olderItem`). */
export function serverItem(world: World, server: Server): ServerItem {
  const pool = world.pools.find(({ id }) => id === server.poolId);
  const host = world.hosts.find(({ id }) => id === server.hostId);
  const store = storeLabel(world, server.disks[0]?.datastoreId);
  const isOff = server.status === 'stopped';
  const sizeBytes = totalBytes(server);
  const usedBytes = server.disks.reduce((sum, disk) => sum + disk.usedBytesEstimate, 0);
  return {
    advance_param: advanceFlags(server),
    alarm: { alarm: 0, alarm_info: [] },
    az_id: server.poolId,
    az_name: pool?.name ?? '',
    cores: server.sockets * server.coresPerSocket,
    cores_per_socket: server.coresPerSocket,
    sockets: server.sockets,
    // Always 0 in practice on a live system.
    cpu_status: { ratio: 0, total_mhz: server.sockets * server.coresPerSocket * MHZ_PER_CORE, used_mhz: 0 },
    created_at: formatLocal(server.createdAtMs),
    description: server.description,
    disk_used_logical: usedBytes,
    disk_used_physical: usedBytes,
    disks: server.disks.map((disk) => diskItem(world, disk)),
    encrypted: 0,
    expire_time: 'unlimited',
    group_id: server.groupId,
    group_name: '',
    has_gpu: 0,
    host_id: server.hostId,
    host_name: host?.name ?? '',
    id: server.id,
    image_id: '',
    image_name: '',
    in_protection: 0,
    ips: server.networks.map(({ ipAddress }) => ipAddress),
    is_stopped: isOff ? 1 : 0,
    location: 0,
    memory_mb: server.memoryMb,
    memory_status: { ratio: 0, total_mb: server.memoryMb, used_mb: 0 },
    name: server.name,
    network_type: ['vpc'],
    networks: server.networks.map(networkItem),
    os_installed: 1,
    os_name: server.osName,
    os_option: osOption(server),
    os_type: osType(server),
    power_state: isOff ? 'off' : 'on',
    project_id: PROJECT.id,
    project_name: PROJECT.name,
    status: server.status,
    storage_id: store?.id ?? '',
    storage_mb: sizeBytes / MIB,
    storage_name: store?.name ?? '',
    storage_status: {
      ratio: ratioOf(usedBytes, sizeBytes),
      storage_file_size_mb: usedBytes / MIB,
      total_mb: sizeBytes / MIB,
      used_mb: usedBytes / MIB,
    },
    storage_tag_id: storageTagId(store?.type ?? ''),
    tags: [],
    type: 'hci',
    uptime: uptimeSeconds(world, server),
    user_id: USER_ID,
    user_name: PROJECT.name,
    vm_id: server.vmId,
    vmtype: 'vm',
    vtool_installed: server.vmtools,
    warning: { warning: 0, warning_info: '', warning_type: '' },
    application: server.isDesktopRevert ? 'desk' : 'compute',
    revert_mode: server.isDesktopRevert ? 1 : 0,
    turbo_mode_enabled: server.isTurboMode ? 1 : 0,
    cpu_reserve: 0,
    resource_reserve_policies: [],
    serials: [],
    detail_vmtype: 'vm',
    memory_gb: Math.ceil(server.memoryMb / 1024),
    os_abbr: server.osDistribution,
    os_distribution: server.osDistribution,
    support_vm_compatibility_upg: 0,
    vm_compatibility_mode: 0,
    vm_compatibility_version: { vmx_version: 'vmx-3.17' },
  };
}

const LATER_FIELDS: Readonly<Record<string, readonly (keyof ServerItem)[]>> = {
  '20240725': [
    'detail_vmtype',
    'memory_gb',
    'os_abbr',
    'os_distribution',
    'support_vm_compatibility_upg',
    'vm_compatibility_mode',
    'vm_compatibility_version',
  ],
  '20220725': ['cpu_reserve', 'resource_reserve_policies', 'serials'],
};

/** The item without what came after `date`. */
export function itemOfDate(item: ServerItem, date: string): Partial<ServerItem> {
  const later = Object.entries(LATER_FIELDS)
    .filter(([since]) => date < since)
    .flatMap(([, names]) => names);
  if (later.length === 0) return item;
  const older: Partial<Record<keyof ServerItem, unknown>> = { ...item };
  for (const name of later) delete older[name];
  const disks = date < '20240725' ? item.disks.map(({ size_gb: _sizeGb, ...disk }) => disk) : item.disks;
  return { ...(older as Partial<ServerItem>), disks };
}

function diskItem(world: World, disk: ServerDisk): ServerItem['disks'][number] {
  const store = storeLabel(world, disk.datastoreId);
  return {
    id: disk.deviceId,
    size_gb: disk.sizeBytes / 2 ** 30,
    size_mb: disk.sizeBytes / MIB,
    preallocate: disk.preallocate,
    storage_id: disk.datastoreId,
    storage_name: store?.name ?? '',
    storage_tag_id: storageTagId(store?.type ?? ''),
    storage_file: disk.storageFile,
    type: diskType(disk),
    baseimage: '',
    eagerly_scrub: 0,
    read_cache_size: 0,
  };
}

const networkItem = (network: NetworkSpec): ServerItem['networks'][number] => ({
  vif_id: network.vifId,
  mac_address: network.macAddress,
  model: 'virtio',
  connect: 1,
  device_id: '',
  port_id: '',
  network_type: 'vpc',
  ip_address: network.ipAddress,
  ipv6_address: '',
  name: network.name,
});

const osOption = (server: Server) => ({
  arch: 'amd64',
  distribution_name: server.osDistribution,
  kernel_name: server.osKernel,
});

const totalBytes = ({ disks }: Server): number => disks.reduce((sum, disk) => sum + disk.sizeBytes, 0);

function uptimeSeconds(world: World, { startedAtMs, status }: Server): number {
  if (startedAtMs === undefined || status !== 'running') return 0;
  return Math.max(0, Math.floor((world.clock.now() - startedAtMs) / 1000));
}
