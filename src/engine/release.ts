/**
 * Takes back what a run has made, in the only order that works: the data connections are closed by then, so first the
 * disks on proxies, then the backup resource, then the snapshot that it served, then what was started for it.
 *
 * "Deleted" means that the platform does not show it any more: an accepted deletion is not yet a deletion.
 */
import { type Clock, sleep } from '../kernel/clock.ts';
import type { ScpClient } from '../sdk/scp-client-api.ts';
import { isNotFound } from '../sdk/scp-error.ts';
import { CLEANUP_TIMEOUT_MS, type JobContext } from './job-context.ts';
import type { ProxyDesk } from './proxy-queue.ts';
import { retryWhileTaken } from './wait-while-taken.ts';

export interface ReleaseContext {
  readonly scp: ScpClient;
  readonly clock: Clock;
  readonly busyWaitMs: number;
  readonly desk: ProxyDesk;
}

export function releaseContextOf({ scpAlways, env, settings, desk }: JobContext): ReleaseContext {
  return { scp: scpAlways, clock: env.clock, busyWaitMs: settings.busyWaitMs, desk };
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

/** The platform does not know it, or holds nothing for it any more. */
export async function isResourceGone(scp: ScpClient, resourceId: string): Promise<boolean> {
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
