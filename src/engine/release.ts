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
  const isGone = (): Promise<boolean> => isResourceGone(context.scp, resourceId);
  if (!(await comesTrue(context.clock, CLEANUP_TIMEOUT_MS, isGone)))
    throw new Error(`backup resource ${resourceId} is still there`);
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

/** Removals of a snapshot that are reported done before it is left as it is. */
const MAX_REMOVALS = 3;
/** How long the list may go on showing a snapshot whose removal is reported done. */
const SETTLE_MS = 60_000;

/**
 * Deletes all snapshots of this name; resolves when the list does not show them any more. A deletion that is reported
 * done and was none is asked for again. `id`: of the one that is known; others show when it is gone.
 */
export async function releaseSnapshot(
  context: ReleaseContext,
  serverId: string,
  name: string,
  id?: string,
): Promise<readonly string[]> {
  const removed = new Set<string>();
  const find = () => findSnapshots(context.scp, serverId, name);
  for (let removals = 1; ; removals++) {
    const ids = removals === 1 && id !== undefined ? [id] : await find();
    let isDone = true;
    for (const id of ids) isDone = (await deleteSnapshot(context, serverId, id)) && isDone;
    for (const id of ids) removed.add(id);
    const isGone = async () => (await find()).length === 0;
    if (await comesTrue(context.clock, isDone ? SETTLE_MS : CLEANUP_TIMEOUT_MS, isGone)) return [...removed];
    if (!isDone || removals >= MAX_REMOVALS)
      throw new Error(
        `snapshot ${name} is still there although its deletion was ${isDone ? 'reported done' : 'accepted'}`,
      );
  }
}

/** Returns whether it is reported done, as opposed to accepted. */
async function deleteSnapshot(context: ReleaseContext, serverId: string, id: string): Promise<boolean> {
  const { clock, busyWaitMs, scp } = context;
  let isDone = true;
  await ignoringGone(() =>
    retryWhileTaken({ clock, maxMs: busyWaitMs }, async () => {
      const { taskId } = await scp.deleteSnapshot(serverId, id);
      isDone = taskId !== undefined;
      if (taskId !== undefined) await scp.waitForTask(taskId, { timeoutMs: CLEANUP_TIMEOUT_MS });
    }),
  );
  return isDone;
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

/** Returns whether it does within so many milliseconds. */
async function comesTrue(clock: Clock, withinMs: number, isTrue: () => Promise<boolean>): Promise<boolean> {
  const deadlineMs = clock.now() + withinMs;
  for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(waitMs * 2, MAX_POLL_MS)) {
    if (await isTrue()) return true;
    if (clock.now() >= deadlineMs) return false;
    await sleep(clock, waitMs);
  }
}
