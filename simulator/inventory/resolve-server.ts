import type {
  DatastoreSpec,
  DiskContentSpec,
  DiskSpec,
  HostSpec,
  NetworkSpec,
  ServerSpec,
} from '../domain/inventory.ts';
import type { ContentEntry, DiskEntry, Path, ServerEntry } from './inventory-file.ts';
import { type Resolution, refer } from './resolution.ts';
import { parseSize } from './size.ts';

const SECTOR_BYTES = 512;
const LARGEST_DISK_BYTES = 64 * 2 ** 40;
/** Stands for the size of the image, which is known when it is opened. */
const SIZE_OF_IMAGE = 0;
const DEFAULT_RUN_BYTES = 2 ** 20;

export interface Ground {
  readonly hosts: readonly HostSpec[];
  readonly datastores: readonly DatastoreSpec[];
}

/** One server of the file, its gaps filled. */
export function resolveServer(entry: ServerEntry, at: number, ground: Ground, on: Resolution): ServerSpec {
  const path: Path = ['servers', at];
  const hostId = refer(entry.hostId, ground.hosts, 'host', [...path, 'hostId'], on);
  return {
    id: on.ids.uuid(),
    vmId: String(on.rng.int(10 ** 12, 10 ** 13 - 1)),
    description: '',
    isRunning: true,
    sockets: 1,
    coresPerSocket: 2,
    memoryMb: 4096,
    osName: '',
    osKernel: 'linux',
    osDistribution: entry.osKernel === 'windows' ? 'Windows Server 2022' : 'Ubuntu 22.04',
    vmtools: 1,
    ...entry,
    hostId,
    disks: resolveDisks(entry, { path, hostId, ground }, on),
    networks: (entry.networks ?? [{}]).map((network, number) => resolveNetwork(network, number, on)),
  };
}

type SizedDisk = DiskEntry & { readonly isBareSize?: true };

interface Site {
  readonly path: Path;
  readonly hostId: string;
  readonly ground: Ground;
}

function resolveDisks(entry: ServerEntry, site: Site, on: Resolution): DiskSpec[] {
  const given = entry.disks.map(
    (disk): SizedDisk => (typeof disk === 'object' ? disk : { size: disk, isBareSize: true }),
  );
  const taken = new Set<string>();
  given.forEach(({ deviceId }, at) => {
    if (deviceId === undefined) return;
    if (taken.has(deviceId))
      on.report([...site.path, 'disks', at, 'deviceId'], `slot ${deviceId} is used twice in this server`);
    taken.add(deviceId);
  });
  return given.map((disk, at) => {
    const deviceId = disk.deviceId ?? nextSlot(taken);
    return resolveDisk({ ...disk, deviceId }, [...site.path, 'disks', at], site, on);
  });
}

function nextSlot(taken: Set<string>): string {
  for (let number = 0; ; number++) {
    const slot = `ide${number}`;
    if (taken.has(slot)) continue;
    taken.add(slot);
    return slot;
  }
}

function resolveDisk(
  disk: SizedDisk & { readonly deviceId: string },
  path: Path,
  site: Site,
  on: Resolution,
): DiskSpec {
  const { datastores } = site.ground;
  const reachable = datastores.find((datastore) => datastore.hostIds.includes(site.hostId));
  const wanted = disk.datastoreId ?? reachable?.id;
  return {
    deviceId: disk.deviceId,
    sizeBytes: resolveSize(disk, path, on),
    datastoreId: refer(wanted, datastores, 'datastore', [...path, 'datastoreId'], on),
    preallocate: disk.preallocate ?? 'off',
    ...(disk.isCbtEnabled === undefined ? {} : { isCbtEnabled: disk.isCbtEnabled }),
    content: resolveContent(disk.content, path, on),
  };
}

function resolveSize(disk: SizedDisk, path: Path, on: Resolution): number {
  const given = disk.size ?? disk.sizeBytes;
  if (given === undefined && typeof disk.content === 'object' && disk.content.kind === 'image')
    return SIZE_OF_IMAGE;
  if (given === undefined) {
    on.report(path, 'a disk needs a size, like 10GiB');
    return SECTOR_BYTES;
  }
  if (disk.size !== undefined && disk.sizeBytes !== undefined)
    on.report(path, 'give either size or sizeBytes, not both');
  const bytes = parseSize(given);
  if (bytes !== undefined && bytes > 0 && bytes % SECTOR_BYTES === 0 && bytes <= LARGEST_DISK_BYTES)
    return bytes;
  on.report(
    placeOfSize(disk, path),
    `${given} is not a disk's size: a multiple of ${SECTOR_BYTES} bytes, more than 0, at most 64TiB`,
  );
  return SECTOR_BYTES;
}

/** A disk that is nothing but a size has no field for it. */
function placeOfSize(disk: SizedDisk, path: Path): Path {
  if (disk.isBareSize === true) return path;
  return [...path, disk.size === undefined ? 'sizeBytes' : 'size'];
}

function resolveContent(content: DiskEntry['content'], path: Path, on: Resolution): DiskContentSpec {
  const entry: ContentEntry = typeof content === 'object' ? content : { kind: content ?? 'synthetic' };
  switch (entry.kind) {
    case 'empty':
      return { kind: 'empty' };
    case 'image':
      if (entry.file === undefined)
        on.report([...path, 'content'], 'an image needs "file", the path of the image');
      return { kind: 'image', file: entry.file ?? '' };
    case 'synthetic':
      return {
        kind: 'synthetic',
        allocatedRatio: entry.allocatedRatio ?? 0.1,
        runBytes: parseSize(entry.runBytes ?? DEFAULT_RUN_BYTES) ?? DEFAULT_RUN_BYTES,
      };
  }
}

function resolveNetwork(network: Partial<NetworkSpec>, number: number, on: Resolution): NetworkSpec {
  const tail = on.ids.hex(10).match(/../g) ?? [];
  return {
    vifId: `net${number}`,
    macAddress: ['02', ...tail].join(':'),
    ipAddress: `10.${on.rng.int(100, 199)}.${on.rng.int(0, 255)}.${on.rng.int(2, 254)}`,
    name: 'lan',
    ...network,
  };
}
