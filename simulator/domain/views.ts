/** Records as the outer layers see them. */
import { slotOf } from './hot-added-disk.ts';
import type { VirtualDisk, VirtualDiskSpec } from './virtual-disk.ts';
import type { BackupResource, Server, ServerDisk, Snapshot } from './world-api.ts';
import type { HotAddedRecord, ResourceRecord, ServerRecord, SnapshotRecord } from './world-state.ts';

export function viewServer(server: ServerRecord): Server {
  const { startedAtMs, createdFrom } = server;
  const view: { -readonly [K in keyof Server]: Server[K] } = {
    id: server.id,
    vmId: server.vmId,
    name: server.name,
    description: server.description,
    poolId: server.poolId,
    clusterId: server.clusterId,
    hostId: server.hostId,
    status: server.status,
    sockets: server.sockets,
    coresPerSocket: server.coresPerSocket,
    memoryMb: server.memoryMb,
    osName: server.osName,
    osKernel: server.osKernel,
    osDistribution: server.osDistribution,
    vmtools: server.vmtools,
    isTurboMode: server.isTurboMode,
    isDesktopRevert: server.isDesktopRevert,
    createdAtMs: server.createdAtMs,
    groupId: server.groupId,
    disks: disksOf(server),
    networks: server.networks,
    isRestoreIncomplete: server.isRestoreIncomplete,
  };
  // Spreading them in would cost a list of ten thousand servers half of its time.
  if (startedAtMs !== undefined) view.startedAtMs = startedAtMs;
  if (createdFrom !== undefined) view.createdFrom = createdFrom;
  return view;
}

function disksOf({ disks, hotAdded }: ServerRecord): ServerDisk[] {
  const own = disks.map(viewDisk);
  return hotAdded.length === 0 ? own : [...own, ...hotAdded.map(viewHotAddedDisk)];
}

/** The server with its own disks' fill level of now, for keeping. */
export function freezeServer(server: ServerRecord): Server {
  return { ...viewServer(server), disks: server.disks.map(freezeDisk) };
}

export function viewSnapshot(server: ServerRecord, snapshot: SnapshotRecord): Snapshot {
  return {
    id: snapshot.id,
    serverId: snapshot.serverId,
    name: snapshot.name,
    description: snapshot.description,
    type: snapshot.type,
    status: snapshot.status,
    createdAtMs: snapshot.createdAtMs,
    parentId: snapshot.parentId,
    isLatest: server.currentSnapshotId === snapshot.id,
    isProtected: snapshot.isProtected,
    isQuiesced: snapshot.isQuiesced,
    checkpointId: snapshot.checkpointId,
    disks: [...snapshot.disks].map(([deviceId, disk]) => ({
      deviceId,
      storageFile: disk.storageFile,
      sizeBytes: disk.layer.sizeBytes,
      checkpointId: disk.changes === undefined ? 0 : snapshot.checkpointId,
    })),
    server: snapshot.server,
  };
}

export function viewResource(resource: ResourceRecord, nowMs: number): BackupResource {
  return {
    id: resource.id,
    serverId: resource.server.id,
    type: resource.type,
    status: resource.status,
    remainSeconds: remainSeconds(resource, nowMs),
    hostId: resource.hostId,
    clusterId: resource.clusterId,
    owner: resource.owner,
  };
}

function remainSeconds(resource: ResourceRecord, nowMs: number): number {
  if (resource.status === 'pending') return Math.ceil(resource.lockTimeMs / 1000);
  if (resource.deadline === undefined) return 0;
  return Math.max(0, Math.ceil((resource.deadline.atMs - nowMs) / 1000));
}

function viewHotAddedDisk(attached: HotAddedRecord): ServerDisk {
  const { purpose, image, disk } = attached;
  const { allocatedBytes } = image;
  const { spec } = disk;
  return {
    ...facts(spec),
    deviceId: slotOf(attached),
    purpose,
    allocatedBytes,
    usedBytesEstimate: allocatedBytes,
  };
}

function freezeDisk({ spec, allocatedBytes, usedBytesEstimate }: VirtualDisk): ServerDisk {
  return { ...facts(spec), purpose: 'normal', allocatedBytes, usedBytesEstimate };
}

/** A view shows of a disk what can change as it is when it is read, so every disk needs one only. */
function viewDisk(disk: VirtualDisk): ServerDisk {
  return (disk.view ??= createDiskView(disk));
}

function createDiskView(disk: VirtualDisk): ServerDisk {
  return Object.assign(new DiskSizes(disk), { ...facts(disk.spec), purpose: 'normal' as const });
}

/** Only on demand: they make the disk's content, which a list of ten thousand servers must not do. */
class DiskSizes {
  readonly #disk: VirtualDisk;

  constructor(disk: VirtualDisk) {
    this.#disk = disk;
  }

  get allocatedBytes(): number {
    return this.#disk.allocatedBytes;
  }

  get usedBytesEstimate(): number {
    return this.#disk.usedBytesEstimate;
  }
}

function facts({
  deviceId,
  uuid,
  sizeBytes,
  datastoreId,
  preallocate,
  storageFile,
}: VirtualDiskSpec): Omit<ServerDisk, 'purpose' | 'allocatedBytes' | 'usedBytesEstimate'> {
  return { deviceId, uuid, sizeBytes, datastoreId, preallocate, storageFile };
}
