/**
 * Detaches what a run's note says may be attached to proxies, if it is still the run's.
 *
 * A disk on a proxy bears no name of who added it. As long as the run's own backup resource serves, nobody else can
 * have added it: the platform gives one to a server at a time. When that is over, the platform has detached the disk
 * itself, and one of the same id that is there now is somebody else's, unless it keeps the run's own snapshot in use.
 */
import type { ScpClient } from '../sdk/scp-client-api.ts';
import { isNotFound, refusalOfError, TaskTimeout } from '../sdk/scp-error.ts';
import { attachedOf, detachDisks } from './detach-disks.ts';
import type { JobContext } from './job-context.ts';
import { findSnapshots, isResourceGone, type ReleaseContext, releaseContextOf } from './release.ts';
import type { HotAddedNote, RunNote, RunRecord } from './run-note.ts';

/**
 * Returns the ids of those that it removed. Behind a removal that hangs no other one is asked for: it could only wait.
 * @throws Error when one stays; the note goes on naming it
 */
export async function releaseHotAdded(context: ReleaseContext, note: RunNote): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { proxy, diskIds } of note.record.hotAdded) {
    const attached = await attachedOf(context.scp, proxy.id, diskIds);
    const failures = attached.map((id) => note.failedRemoval(proxy.id, id));
    const hanging = failures.find((failure) => failure instanceof TaskTimeout);
    if (hanging !== undefined) throw hanging;
    if (attached.length > 0 && !(await isStillTheRuns(context.scp, note.record)))
      throw new Error(
        `${attached.join(', ')} on proxy ${proxy.name} may be somebody else's and is left alone`,
      );
    removed.push(...(await detachNoted(context, note, { proxy, diskIds })));
  }
  return removed;
}

/** Strikes them out of the note too, which remembers a failure. @throws Error when one stays; then its removal was asked for */
export async function detachNoted(
  context: ReleaseContext,
  note: RunNote,
  { proxy, diskIds }: HotAddedNote,
): Promise<readonly string[]> {
  try {
    const removed = await detachDisks(context, proxy.id, diskIds);
    await note.dropHotAdded(proxy.id, diskIds);
    return removed;
  } catch (error) {
    note.failRemoval(proxy.id, diskIds, error);
    throw error;
  }
}

export function isRemovalAsked(note: RunNote, proxyId: string, diskIds: readonly string[]): boolean {
  return diskIds.every((id) => note.failedRemoval(proxyId, id) !== undefined);
}

/**
 * Before the lock goes, for what could not be detached at its time; and after it: what hung on it went with it, and the
 * note need not name it any more. Never throws; what stays has been warned of.
 */
export async function settleHotAdded(context: JobContext): Promise<void> {
  if (context.note.record.hotAdded.length === 0) return;
  await releaseHotAdded(releaseContextOf(context), context.note).catch(() => {});
}

async function isStillTheRuns(scp: ScpClient, record: RunRecord): Promise<boolean> {
  for (const id of record.resourceIds) if (!(await isResourceGone(scp, id))) return true;
  for (const { name } of record.snapshots)
    for (const id of await findSnapshots(scp, record.serverId, name))
      if (await isInUse(scp, record.serverId, id)) return true;
  return false;
}

/** The run's snapshots are deleted anyway; here only because nothing else tells whether one is in use. */
async function isInUse(scp: ScpClient, serverId: string, snapshotId: string): Promise<boolean> {
  try {
    await scp.deleteSnapshot(serverId, snapshotId);
    return false;
  } catch (error) {
    if (isNotFound(error)) return false;
    return refusalOfError(error) === 'SNAPSHOT_IN_USE';
  }
}
