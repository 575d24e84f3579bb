/**
 * Disks while they are attached to a proxy: how they come, and every way in which they go.
 *
 * Invariants: a disk is in its proxy's list exactly while `isAttached`; a clone keeps its snapshot in use until then
 * and its memory is gone afterwards; whatever waits for its end is told once.
 */
import type { DeviceId } from '../../src/kernel/ids.ts';
import type { Json } from '../../src/kernel/journal.ts';
import type { VirtualDisk } from './virtual-disk.ts';
import type { HotAddedDisk } from './hot-add-api.ts';
import type { HotAddedRecord, ServerRecord, SnapshotRecord, WorldState } from './world-state.ts';

export function attachDisks(state: WorldState, disks: readonly HotAddedRecord[], actor: string): void {
  for (const disk of disks) {
    disk.isAttached = true;
    insertBySlot(disk.proxy.hotAdded, disk);
    state.proxies.add(disk.proxy);
    disk.snapshot?.users.add(disk);
    note(state, disk, undefined, 'attached', `added by ${actor}`);
  }
  state.guestPort.plugged(disks.map(viewHotAdded));
}

/** The guest has let go. */
export function releaseDisk(state: WorldState, disk: HotAddedRecord, why: string): void {
  if (disk.isAttached) detach(state, disk, why, true);
}

/** They are gone without the guest being asked. */
export function detachWhere(state: WorldState, isGone: (disk: HotAddedRecord) => boolean, why: string): void {
  for (const disk of hotAddedDisks(state)) {
    // The guest may let go of others when one is pulled.
    if (!disk.isAttached || !isGone(disk)) continue;
    detach(state, disk, why, false);
    state.guestPort.pulled(viewHotAdded(disk), why);
  }
}

/** Of all proxies, by slot in each. */
export function hotAddedDisks(state: WorldState): HotAddedRecord[] {
  return [...state.proxies].flatMap((proxy) => proxy.hotAdded);
}

/** The disk itself, not a clone of it, is attached to a proxy. */
export function isLentDisk(state: WorldState, disk: VirtualDisk): boolean {
  return hotAddedDisks(state).some((attached) => attached.disk === disk && attached.snapshot === undefined);
}

/** A live disk of the server is attached to a proxy, whose guest may write it. */
export function isLent(state: WorldState, server: ServerRecord): boolean {
  return server.disks.some((disk) => isLentDisk(state, disk));
}

/** A linked clone of the snapshot is attached to a proxy. */
export function hasClone(state: WorldState, snapshot: SnapshotRecord): boolean {
  return hotAddedDisks(state).some((attached) => attached.snapshot === snapshot);
}

export function slotOf({ slotNumber }: Pick<HotAddedRecord, 'slotNumber'>): DeviceId {
  return `virtio${slotNumber}` as DeviceId;
}

export function viewHotAdded(disk: HotAddedRecord): HotAddedDisk {
  const { id, proxy, purpose, source, snapshot, resource } = disk;
  return {
    id,
    proxyId: proxy.id,
    slot: slotOf(disk),
    purpose,
    sourceServerId: source.id,
    sourceDeviceId: disk.disk.deviceId,
    ...(snapshot && { snapshotId: snapshot.id }),
    ...(resource && { resourceId: resource.id }),
    sizeBytes: disk.image.sizeBytes,
    attachedAtMs: disk.attachedAtMs,
  };
}

function detach(state: WorldState, disk: HotAddedRecord, why: string, isReleased: boolean): void {
  const { proxy, snapshot } = disk;
  disk.isAttached = false;
  proxy.hotAdded.splice(proxy.hotAdded.indexOf(disk), 1);
  if (proxy.hotAdded.length === 0) state.proxies.delete(proxy);
  if (snapshot !== undefined) {
    snapshot.users.delete(disk);
    releaseClone(disk);
  }
  note(state, disk, 'attached', 'deleted', why);
  for (const tell of disk.leaving) tell(isReleased);
  disk.leaving.clear();
}

function insertBySlot(disks: HotAddedRecord[], disk: HotAddedRecord): void {
  const at = disks.findIndex(({ slotNumber }) => slotNumber > disk.slotNumber);
  disks.splice(at < 0 ? disks.length : at, 0, disk);
}

/** What was written before the end may still wait for a part of a base image, and lands in the clone's memory. */
function releaseClone({ image, pending }: HotAddedRecord): void {
  if (pending.size === 0) image.release();
  else void Promise.allSettled(pending).then(() => image.release());
}

function note(
  state: WorldState,
  disk: HotAddedRecord,
  from: 'attached' | undefined,
  to: 'attached' | 'deleted',
  why: string,
): void {
  state.journal.append({
    type: 'state',
    entity: 'hot-added-disk',
    id: disk.id,
    ...(from !== undefined && { from }),
    to,
    server: disk.proxy.id,
    why,
    detail: detailOf(disk),
  });
}

function detailOf(attached: HotAddedRecord): Json {
  const { source, disk, purpose, snapshot, resource } = attached;
  return {
    source: source.id,
    device: disk.deviceId,
    slot: slotOf(attached),
    purpose,
    ...(snapshot && { snapshot: snapshot.id }),
    ...(resource && { resource: resource.id }),
  };
}
