/** The restore point that an incremental builds on, and per disk whether it can. */
import type { Json } from '../kernel/journal.ts';
import type { PointInfo, Repository } from '../repository/repository-api.ts';
import { readPointNotes, versionOfCheckpoint } from './point-notes.ts';

export interface Base {
  readonly point: PointInfo;
  readonly checkpointId: number;
  /** Disks that were tracked when the base's snapshot was taken, with their sizes then. */
  readonly trackedDisks: ReadonlyMap<string, number>;
}

export type BaseChoice = { readonly base: Base } | { readonly base: undefined; readonly because: string };

/** The youngest committed point of the server, if its notes say that changes can be asked for since it. */
export async function chooseBase(repository: Repository, serverId: string): Promise<BaseChoice> {
  const point = await repository.latest(serverId);
  if (point === undefined) return { base: undefined, because: '' };
  const notes = readPointNotes(point.engine);
  if (notes === undefined)
    return none(`restore point ${point.id} does not say what changes to ask for since it`);
  const distrust = await repository.readNote(distrustKey(point.id));
  if (distrust !== undefined) return none(`restore point ${point.id} failed its verification`);
  if (notes.isToBeVerified && (await lastVerified(repository, serverId)) !== point.id)
    return none(`restore point ${point.id} was not verified to the end`);
  const sizes = new Map(point.disks.map((disk) => [disk.deviceId, disk.sizeBytes]));
  const tracked = notes.trackedDisks.flatMap((id): [string, number][] => {
    const size = sizes.get(id);
    return size === undefined ? [] : [[id, size]];
  });
  if (notes.checkpointId === 0 || tracked.length === 0)
    return none(`changes were not tracked when restore point ${point.id} was made`);
  return { base: { point, checkpointId: notes.checkpointId, trackedDisks: new Map(tracked) } };
}

function none(because: string): BaseChoice {
  return { base: undefined, because };
}

/** Why the base's checkpoint cannot be an ancestor of the snapshot's; empty when it can. */
export function whyNotAncestor(base: Base, checkpointId: number): string {
  return whyNotLater(base.checkpointId, checkpointId);
}

/** Why a snapshot's checkpoint does not lie after a backup's in one history; empty when it does. */
export function whyNotLater(backupsCheckpoint: number, checkpointId: number): string {
  if (checkpointId === 0) return 'the snapshot has no checkpoint';
  if (versionOfCheckpoint(backupsCheckpoint) !== versionOfCheckpoint(checkpointId))
    return 'changed block tracking was reset since the last backup';
  if (checkpointId <= backupsCheckpoint)
    return "the snapshot's checkpoint does not lie after the last backup's: it is not of the same history";
  return '';
}

/** Since which checkpoint this disk can be read, or why only as a whole. */
export function sinceCheckpointOf(
  base: Base,
  disk: { deviceId: string; sizeBytes: number; isTracked: boolean },
): { since: number } | { since: undefined; because: string } {
  const sizeBefore = base.trackedDisks.get(disk.deviceId);
  const isKnown = base.point.disks.some((known) => known.deviceId === disk.deviceId);
  if (!isKnown) return { since: undefined, because: 'the disk is new' };
  if (sizeBefore === undefined)
    return { since: undefined, because: 'its changes were not tracked at the last backup' };
  if (!disk.isTracked) return { since: undefined, because: 'its changes are not tracked' };
  if (sizeBefore !== disk.sizeBytes)
    return { since: undefined, because: `its size changed from ${sizeBefore} to ${disk.sizeBytes} bytes` };
  return { since: base.checkpointId };
}

/**
 * Why the map of a tracked disk is worth nothing although the platform gives one; empty when there is no reason.
 *
 * Trackers have been seen to go on with a map of the old size, wrong and without an error, also for the blocks in use
 * that a full backup asks for. So a resized disk is not only read as a whole: tracking begins anew for it.
 * @fidelity assumed: known of another hypervisor, not ruled out for this one
 */
export function whyMapIsVoid(
  base: Base,
  disk: { deviceId: string; sizeBytes: number; isTracked: boolean },
): string {
  const sizeBefore = base.trackedDisks.get(disk.deviceId);
  if (!disk.isTracked || sizeBefore === undefined || sizeBefore === disk.sizeBytes) return '';
  return `the size of ${disk.deviceId} changed from ${sizeBefore} to ${disk.sizeBytes} bytes since the last backup`;
}

/** Note of the last point of a server that was compared with its source and found right. */
export const verifiedKey = (serverId: string): string => `verified-${serverId}`;
export const verifiedNote = (pointId: string): Json => ({ version: 1, pointId });

async function lastVerified(repository: Repository, serverId: string): Promise<unknown> {
  // One that does not read says nothing, so the next backup is a full one.
  const note = await repository.readNote(verifiedKey(serverId)).catch(() => undefined);
  return typeof note === 'object' && note !== null && 'pointId' in note ? note.pointId : undefined;
}

/** Note that a point's image does not match its source; such a point is never built on. */
export const distrustKey = (pointId: string): string => `distrust-${pointId}`;
export const distrustNote = (why: string): Json => ({ version: 1, why });
