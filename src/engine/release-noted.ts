/** Takes back everything that a run's note names. */
import { messageOf } from '../repository/errors.ts';
import type { CleanupResult } from './engine-api.ts';
import { powerOffIfIdle } from './proxy-power.ts';
import { outliveLocks } from './outlive-locks.ts';
import { type ReleaseContext, releaseSnapshot } from './release.ts';
import { releaseHotAdded } from './release-hot-added.ts';
import { releaseLock } from './release-lock.ts';
import type { RunNote } from './run-note.ts';

/**
 * Releases all that a note names and strikes it out, each as soon as it is gone. What cannot be released stays in
 * the note, so that a later run finds it. Returns what went and what went wrong.
 */
export async function releaseNoted(
  context: ReleaseContext,
  note: RunNote,
): Promise<{ removed: readonly ReleasedItem[]; problems: readonly string[] }> {
  const removed: ReleasedItem[] = [];
  const problems: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      problems.push(`${what} could not be removed: ${messageOf(error)}`);
      return false;
    }
  };
  const addDisks = (ids: readonly string[]): void =>
    void removed.push(...ids.map((id) => ({ kind: 'hot-added-disk' as const, id })));
  const detach = async (): Promise<void> => addDisks(await releaseHotAdded(context, note));
  // What hangs goes with its backup resource, so a failure counts only after that.
  await detach().catch(() => {});
  for (const id of note.record.resourceIds)
    await attempt(`backup resource ${id}`, async () => {
      addDisks(await releaseLock(context, note, id));
      removed.push({ kind: 'backup-resource', id });
    });
  if (note.record.hotAdded.length > 0) await attempt('a hot-added disk', detach);
  const { snapshots } = note.record;
  const isFree =
    snapshots.length === 0 || (await attempt('the lock on the server', () => outliveLocks(context, note)));
  for (const { name } of isFree ? snapshots : [])
    await attempt(`snapshot ${name}`, async () => {
      const ids = await releaseSnapshot(context, note.record.serverId, name);
      note.dropSnapshot(name);
      removed.push(...ids.map((id) => ({ kind: 'snapshot' as const, id })));
    });
  for (const { id, name } of note.record.startedProxies)
    await attempt(`proxy ${name}, started for an earlier run,`, async () => {
      const outcome = await powerOffIfIdle(context, id);
      if (outcome === 'busy') throw new Error('it serves others and is left running');
      await note.dropStartedProxy(id);
      if (outcome === 'done') removed.push({ kind: 'proxy', id });
    });
  return { removed, problems };
}

export interface ReleasedItem {
  readonly kind: CleanupResult['removed'][number]['kind'];
  readonly id: string;
}
