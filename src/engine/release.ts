/**
 * Takes back what a run has made, in the only order that works: the data connections are closed by then, so first the
 * backup resource, then the snapshot that it served.
 *
 * "Deleted" means that the platform does not show it any more: an accepted deletion is not yet a deletion.
 */
import { type Clock, sleep } from '../kernel/clock.ts';
import { messageOf } from '../repository/errors.ts';
import type { ScpClient } from '../sdk/scp-client-api.ts';
import { isNotFound } from '../sdk/scp-error.ts';
import { CLEANUP_TIMEOUT_MS } from './job-context.ts';
import type { RunNote } from './run-note.ts';
import { retryWhileTaken } from './wait-while-taken.ts';

export interface ReleaseContext {
  readonly scp: ScpClient;
  readonly clock: Clock;
  readonly busyWaitMs: number;
}

const ENDED = new Set(['released', 'expired', 'cancelled', 'failed', 'occupied']);
const FIRST_POLL_MS = 500;
const MAX_POLL_MS = 15_000;

/** Resolves when the platform holds no lock for this resource any more. */
export async function releaseResource(context: ReleaseContext, resourceId: string): Promise<void> {
  await ignoringGone(async () => {
    const patience = { clock: context.clock, maxMs: context.busyWaitMs };
    const { taskId } = await retryWhileTaken(patience, () => context.scp.deleteBackupResource(resourceId));
    if (taskId !== undefined) await context.scp.waitForTask(taskId, { timeoutMs: CLEANUP_TIMEOUT_MS });
  });
  await pollUntil(context.clock, `backup resource ${resourceId} is still there`, () =>
    isResourceGone(context.scp, resourceId),
  );
}

async function isResourceGone(scp: ScpClient, resourceId: string): Promise<boolean> {
  try {
    return ENDED.has((await scp.backupResource(resourceId)).status);
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}

/** Deletes all snapshots of this name; resolves when the list does not show them any more. */
export async function releaseSnapshot(
  context: ReleaseContext,
  serverId: string,
  name: string,
): Promise<readonly string[]> {
  const ids = await findSnapshots(context.scp, serverId, name);
  for (const id of ids) await deleteSnapshot(context, serverId, id);
  await pollUntil(
    context.clock,
    `snapshot ${name} is still there although its deletion was accepted`,
    async () => (await findSnapshots(context.scp, serverId, name)).length === 0,
  );
  return ids;
}

async function deleteSnapshot(context: ReleaseContext, serverId: string, id: string): Promise<void> {
  const { clock, busyWaitMs, scp } = context;
  await ignoringGone(() =>
    retryWhileTaken({ clock, maxMs: busyWaitMs }, async () => {
      const { taskId } = await scp.deleteSnapshot(serverId, id);
      if (taskId !== undefined) await scp.waitForTask(taskId, { timeoutMs: CLEANUP_TIMEOUT_MS });
    }),
  );
}

/** Ids of a server's snapshots of this name; none when the server is gone too. */
export async function findSnapshots(
  scp: ScpClient,
  serverId: string,
  name: string,
): Promise<readonly string[]> {
  try {
    const all = await scp.snapshots(serverId);
    return all.filter((snapshot) => snapshot.name === name).map((snapshot) => snapshot.id);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

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
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      problems.push(`${what} could not be removed: ${messageOf(error)}`);
    }
  };
  for (const id of note.record.resourceIds)
    await attempt(`backup resource ${id}`, async () => {
      await releaseResource(context, id);
      await note.dropResource(id);
      removed.push({ kind: 'backup-resource', id });
    });
  for (const { name } of note.record.snapshots)
    await attempt(`snapshot ${name}`, async () => {
      const ids = await releaseSnapshot(context, note.record.serverId, name);
      await note.dropSnapshot(name);
      removed.push(...ids.map((id) => ({ kind: 'snapshot' as const, id })));
    });
  return { removed, problems };
}

export interface ReleasedItem {
  readonly kind: 'snapshot' | 'backup-resource' | 'server';
  readonly id: string;
}

async function ignoringGone(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** @throws Error with `complaint` when it does not come true in time */
async function pollUntil(clock: Clock, complaint: string, isDone: () => Promise<boolean>): Promise<void> {
  const deadlineMs = clock.now() + CLEANUP_TIMEOUT_MS;
  for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(waitMs * 2, MAX_POLL_MS)) {
    if (await isDone()) return;
    if (clock.now() >= deadlineMs) throw new Error(complaint);
    await sleep(clock, waitMs);
  }
}
