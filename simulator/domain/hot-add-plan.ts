/**
 * Which disks may be hot-added to which proxy: every refusal, and the disks as they would be.
 *
 * It is asked twice, at the call and at the task's end, because much can change in between.
 *
 * @source product documentation 6.11.3, HotAdd and backup proxies: same pool, datastore in reach, proxy running, vmtools
 *   installed, as many disks as a virtual machine may have
 * @fidelity documented; the errors' wording and that a linked clone takes a running backup resource are assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { SnapshotId } from '../../src/kernel/ids.ts';
import { isServing } from './backup-lease.ts';
import { isProxy } from './eligibility.ts';
import { isLentDisk, slotOf } from './hot-added-disk.ts';
import { candidateHosts } from './host-choice.ts';
import { isAtLeast } from './pool-version.ts';
import type { VirtualDisk } from './virtual-disk.ts';
import type { DiskPurpose, HotAddRequest } from './hot-add-api.ts';
import type { ResourceRecord, ServerRecord, SnapshotRecord, WorldState } from './world-state.ts';

/** A disk that may be attached as of now, room on the proxy aside. */
export interface CheckedDisk {
  readonly purpose: DiskPurpose;
  readonly source: ServerRecord;
  readonly disk: VirtualDisk;
  readonly snapshot: SnapshotRecord | undefined;
  readonly resource: ResourceRecord | undefined;
}

export interface PlannedDisk extends CheckedDisk {
  /** Of `virtioN` on the proxy. */
  readonly slotNumber: number;
}

/** Disks of a server in pools before 6.11.1. @source product documentation @fidelity documented */
const OLD_DISK_LIMIT = 16;

/** @throws as `HotAdd.add` */
export function planHotAdd(
  state: WorldState,
  proxy: ServerRecord,
  requests: readonly HotAddRequest[],
): PlannedDisk[] {
  const checked = checkHotAdd(state, proxy, requests);
  for (const { disk } of checked)
    if (proxy.hotAdded.some((attached) => attached.disk === disk))
      throw new ApiError('DISK_ATTACHED', disk.spec.uuid);
  const { used, limit } = slotsOf(state, proxy);
  if (used + checked.length > limit)
    throw new ApiError('DISK_LIMIT', `${used} of ${limit} are taken, ${checked.length} more are wanted`);
  const free = freeSlotNumbers(proxy);
  return checked.map((one) => ({ ...one, slotNumber: free.next().value }));
}

/** All that does not hang on which disks the proxy has now. @throws as `HotAdd.add` */
export function checkHotAdd(
  state: WorldState,
  proxy: ServerRecord,
  requests: readonly HotAddRequest[],
): CheckedDisk[] {
  refuseProxy(state, proxy);
  const ids = new Set(requests.map((request) => request.diskId));
  if (requests.length === 0) throw new ApiError('INVALID_PARAMETER', 'disks');
  if (ids.size !== requests.length) throw new ApiError('INVALID_PARAMETER', 'disks: one is named twice');
  return requests.map((request) => checkDisk(state, proxy, request));
}

/** @throws NOT_A_PROXY */
export function refuseNoProxy(proxy: ServerRecord): void {
  if (!isProxy(proxy)) throw new ApiError('NOT_A_PROXY', proxy.name);
}

export function slotsOf(state: WorldState, server: ServerRecord): { used: number; limit: number } {
  const version = state.pools.find((pool) => pool.id === server.poolId)?.version ?? '';
  const limit = isAtLeast(version, [6, 11, 1]) ? state.settings.diskLimit : OLD_DISK_LIMIT;
  return { used: server.disks.length + server.hotAdded.length, limit };
}

function refuseProxy(state: WorldState, proxy: ServerRecord): void {
  refuseNoProxy(proxy);
  if (proxy.status !== 'running') throw new ApiError('SERVER_STATE', proxy.status);
  const host = state.hosts.find((candidate) => candidate.id === proxy.hostId);
  if (host?.isOnline !== true) throw new ApiError('SERVER_STATE', `host ${proxy.hostId} is offline`);
  if (proxy.vmtools !== 1) throw new ApiError('NO_VMTOOLS', proxy.name);
}

function checkDisk(state: WorldState, proxy: ServerRecord, request: HotAddRequest): CheckedDisk {
  const { source, disk } = findDisk(state, request);
  if (source.poolId !== proxy.poolId) throw new ApiError('OTHER_POOL', request.diskId);
  const reach = candidateHosts(state, [disk.spec.datastoreId]);
  if (!reach.some((host) => host.id === proxy.hostId))
    throw new ApiError('DATASTORE_UNREACHABLE', `${disk.spec.datastoreId} of disk ${request.diskId}`);
  const snapshot = snapshotOf(source, disk, request);
  const resource = resourceOf(source, request.purpose);
  const isLent = request.purpose !== 'backup' && isLentElsewhere(state, proxy, disk);
  if (source === proxy || isLent) throw new ApiError('DISK_ATTACHED', request.diskId);
  return { purpose: request.purpose, source, disk, snapshot, resource };
}

/** @throws UNKNOWN_DISK */
function findDisk(
  state: WorldState,
  { diskId, sourceServerId }: HotAddRequest,
): { source: ServerRecord; disk: VirtualDisk } {
  for (const source of state.servers.values()) {
    if (sourceServerId !== undefined && source.id !== sourceServerId && source.vmId !== sourceServerId)
      continue;
    const disk = source.disks.find((candidate) => candidate.spec.uuid === diskId);
    if (disk !== undefined) return { source, disk };
  }
  throw new ApiError('UNKNOWN_DISK', diskId);
}

/** @throws INVALID_PARAMETER, UNKNOWN_SNAPSHOT for one that is not the source's, not ready, or without the disk */
function snapshotOf(
  source: ServerRecord,
  disk: VirtualDisk,
  { purpose, snapshotId }: HotAddRequest,
): SnapshotRecord | undefined {
  if (purpose !== 'backup') {
    if (snapshotId !== undefined) throw new ApiError('INVALID_PARAMETER', `snapshot_id, for ${purpose}`);
    return undefined;
  }
  if (snapshotId === undefined) throw new ApiError('INVALID_PARAMETER', 'snapshot_id');
  const snapshot = source.snapshots.get(snapshotId as SnapshotId);
  if (snapshot?.status !== 'normal' || !snapshot.disks.has(disk.deviceId))
    throw new ApiError('UNKNOWN_SNAPSHOT', snapshotId);
  return snapshot;
}

/** @throws NO_BACKUP_RESOURCE; SERVER_LOCKED, SERVER_STATE for a disk that is wanted for good */
function resourceOf(source: ServerRecord, purpose: DiskPurpose): ResourceRecord | undefined {
  const { holder } = source;
  if (purpose === 'normal') {
    if (holder !== undefined) throw new ApiError('SERVER_LOCKED', source.name);
    // Two guests that write one disk would destroy it.
    if (source.status !== 'stopped') throw new ApiError('SERVER_STATE', `${source.name} is ${source.status}`);
    return undefined;
  }
  if (holder === undefined || !isServing(holder) || holder.type !== purpose)
    throw new ApiError('NO_BACKUP_RESOURCE', `${source.name}, type ${purpose}`);
  return holder;
}

/** A live disk is on one proxy at all. */
function isLentElsewhere(state: WorldState, proxy: ServerRecord, disk: VirtualDisk): boolean {
  return isLentDisk(state, disk) && proxy.hotAdded.every((attached) => attached.disk !== disk);
}

function* freeSlotNumbers({ disks, hotAdded }: ServerRecord): Generator<number, never> {
  const taken = new Set<string>([...disks.map((disk) => disk.deviceId), ...hotAdded.map(slotOf)]);
  for (let slotNumber = 0; ; slotNumber++) if (!taken.has(slotOf({ slotNumber }))) yield slotNumber;
}
