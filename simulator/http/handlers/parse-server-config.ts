/**
 * Reads what matters to the simulator out of a vmconf. Taken are the names of the snapshot detail (`device_id`,
 * `size_gb`, `format_type`) and those of the request's own schema (`id`, `size_mb`, `preallocate`).
 * @source SCP OpenAPI 6.11.1, servers/config and snapshot detail
 */
import { ApiError } from '../../../src/contract/errors.ts';
import type { ServerConfigBody } from '../../../src/contract/schemas/vmconf.ts';
import type { ServerConfig } from '../../domain/world-api.ts';

type Hardware = ServerConfigBody['hardware_option'];
type DiskIn = NonNullable<Hardware['disks']>[number];

/** @throws INVALID_PARAMETER naming the field */
export function parseServerConfig(body: ServerConfigBody): ServerConfig {
  const { hardware_option: hardware, os_option: os } = body;
  const disks = (hardware.disks ?? []).map(parseDisk);
  const twice = disks.find((disk, at) =>
    disks.some((other, o) => o < at && other.deviceId === disk.deviceId),
  );
  if (twice !== undefined)
    throw new ApiError('INVALID_PARAMETER', `hardware_option.disks: ${twice.deviceId} is there twice`);
  return {
    poolId: body.az_id,
    name: body.name,
    description: body.description ?? '',
    datastoreId: body.datastore_id,
    ...(isHost(body.host_id) ? { hostId: body.host_id } : {}),
    sockets: positive('hardware_option.cpu.sockets', hardware.cpu?.sockets ?? 1),
    coresPerSocket: positive('hardware_option.cpu.cores', hardware.cpu?.cores ?? 1),
    memoryMb: positive('hardware_option.memory.size_gb', (hardware.memory?.size_gb ?? 1) * 1024),
    osKernel: os.kernel_name === 'windows' ? 'windows' : 'linux',
    osDistribution: os.distribution_name ?? '',
    disks,
    networks: (hardware.network_adapters ?? []).map((adapter) => ({
      vifId: adapter.vif_id,
      macAddress: adapter.mac_address ?? '',
      ipAddress: adapter.ipv4?.address ?? '',
      name: '',
    })),
    raw: body,
  };
}

/** `cluster` and the empty text mean: wherever there is room. */
const isHost = (hostId: string | undefined): hostId is string =>
  hostId !== undefined && hostId !== '' && hostId !== 'cluster';

function parseDisk(disk: DiskIn, at: number): ServerConfig['disks'][number] {
  const field = `hardware_option.disks.${at}`;
  const deviceId = disk.device_id ?? (typeof disk.id === 'number' ? `ide${disk.id}` : disk.id);
  if (deviceId === undefined) throw new ApiError('INVALID_PARAMETER', `${field}.device_id: is required`);
  const bytes = disk.size_gb === undefined ? (disk.size_mb ?? 0) * 2 ** 20 : disk.size_gb * 2 ** 30;
  return {
    deviceId,
    sizeBytes: positive(`${field}.size_gb`, Math.round(bytes)),
    preallocate: parsePreallocation(`${field}.format_type`, disk.format_type ?? disk.preallocate ?? 'off'),
  };
}

function parsePreallocation(field: string, value: string): 'off' | 'metadata' | 'full' {
  const known = (['off', 'metadata', 'full'] as const).find((one) => one === value.toLowerCase());
  if (known === undefined)
    throw new ApiError('INVALID_PARAMETER', `${field}: must be one of OFF, METADATA, FULL`);
  return known;
}

function positive(field: string, value: number): number {
  if (!(value > 0)) throw new ApiError('INVALID_PARAMETER', `${field}: must be above 0`);
  return value;
}
