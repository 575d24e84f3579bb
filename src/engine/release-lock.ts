/** Gives a backup resource back, after what hangs on it. */
import { attachedOf } from './detach-disks.ts';
import { isResourceGone, type ReleaseContext, releaseResource } from './release.ts';
import { detachNoted, isRemovalAsked } from './release-hot-added.ts';
import type { RunNote } from './run-note.ts';

/**
 * Strikes it out of the note too. Returns the ids of disks that it detached before.
 * @throws Error when it stays, or is left because disks may hang on it of which nothing can be told
 */
export async function releaseLock(
  context: ReleaseContext,
  note: RunNote,
  resourceId: string,
): Promise<readonly string[]> {
  const detached = await askForRemovals(context, note, resourceId);
  await releaseResource(context, resourceId);
  note.dropResource(resourceId);
  return detached;
}

/**
 * The platform takes off what hangs on a resource when that goes, but a guest must have been asked to let go before.
 * What may hang there, though its removal has not been asked for, is asked for now if the resource still holds: then it
 * is the run's. Where the platform does not tell whether it holds, it is better left to run out than deleted.
 * @throws Error when disks may hang there and the platform does not tell of the resource
 */
async function askForRemovals(
  context: ReleaseContext,
  note: RunNote,
  resourceId: string,
): Promise<readonly string[]> {
  const detached: string[] = [];
  for (const noted of note.record.hotAdded) {
    const { proxy, diskIds } = noted;
    const attached = await attachedOf(context.scp, proxy.id, diskIds).catch(() => diskIds);
    if (attached.length === 0 || (await isResourceGone(context.scp, resourceId))) continue;
    if (isRemovalAsked(note, proxy.id, attached)) continue;
    // What stays all the same goes with the resource.
    detached.push(...(await detachNoted(context, note, noted).catch(() => [])));
  }
  return detached;
}
