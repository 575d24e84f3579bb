/**
 * Takes hot-added disks off a proxy VM.
 *
 * "Detached" means that the proxy's configuration does not show them any more: a task that says so may be ahead of the
 * guest, and a disk that the platform has taken away itself (proxy off, lock over) needs no call at all.
 */
import { type Clock, sleep } from '../kernel/clock.ts';
import type { ScpClient } from '../sdk/scp-client-api.ts';
import { isDiskNotAttached, isHotAddConflict, isNotFound, TaskTimeout } from '../sdk/scp-error.ts';
import { TASK_TIMEOUT_MS } from './job-context.ts';
import type { ProxyDesk } from './proxy-queue.ts';

export interface DetachContext {
  readonly scp: ScpClient;
  readonly clock: Clock;
  /** Bounds the wait for other HotAdd tasks on the proxy. */
  readonly busyWaitMs: number;
  readonly desk: ProxyDesk;
}

/** Removals that did not work, other than for a task in the way, before the disk is left as it is. */
const MAX_FAILURES = 3;
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 15_000;
/** How long the configuration may go on showing a disk whose removal is reported done. */
const SETTLE_MS = 60_000;
const SETTLE_POLL_MS = 1000;

/**
 * Returns the ids of those that it removed; others were gone already. Where the proxy's configuration cannot be read,
 * the removal is asked for all the same: to give the lock back under a disk that may be attached is worse than to ask
 * for the removal of one that is not there.
 * @throws Error when one stays, or when it cannot be told
 */
export async function detachDisks(
  context: DetachContext,
  proxyId: string,
  diskIds: readonly string[],
): Promise<readonly string[]> {
  const removed = new Set<string>();
  const deadlineMs = context.clock.now() + context.busyWaitMs;
  const ask = () => attachedOf(context.scp, proxyId, diskIds).catch(() => diskIds);
  let attached = await ask();
  let failures = 0;
  for (let waitMs = FIRST_WAIT_MS; attached.length > 0; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
    for (const id of attached) removed.add(id);
    const left = await removeOnce(context, proxyId, attached, diskIds);
    if (!(left instanceof Error)) {
      attached = left;
      continue;
    }
    const isPatient = isHotAddConflict(left) && context.clock.now() < deadlineMs;
    // Behind a task that hangs another one would hang too, and the server stays locked meanwhile.
    if (left instanceof TaskTimeout || (!isPatient && ++failures >= MAX_FAILURES)) throw left;
    await sleep(context.clock, waitMs);
    attached = await ask();
  }
  return [...removed];
}

/** Returns those of `wanted` that the proxy shows once one of the disks is gone, or why it did not work. */
async function removeOnce(
  context: DetachContext,
  proxyId: string,
  diskIds: readonly string[],
  wanted: readonly string[],
): Promise<readonly string[] | Error> {
  try {
    await context.desk.inTurn(proxyId, async () => {
      const { taskId } = await context.scp.hotRemoveDisks(proxyId, diskIds);
      await context.scp.waitForTask(taskId, { timeoutMs: TASK_TIMEOUT_MS });
    });
  } catch (error) {
    // The proxy, or one of several disks, may have gone meanwhile; the others are asked for again at once.
    if (!isNotFound(error) && !isDiskNotAttached(error)) return asError(error);
  }
  return untilOneIsGone(context, proxyId, diskIds, wanted).catch(asError);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function untilOneIsGone(
  context: DetachContext,
  proxyId: string,
  diskIds: readonly string[],
  wanted: readonly string[],
): Promise<readonly string[] | Error> {
  const deadlineMs = context.clock.now() + SETTLE_MS;
  for (;;) {
    const attached = await attachedOf(context.scp, proxyId, wanted);
    const staying = diskIds.filter((id) => attached.includes(id));
    if (staying.length < diskIds.length) return attached;
    if (context.clock.now() >= deadlineMs)
      return new Error(
        `the removal of ${staying.join(', ')} is reported done, but the proxy's configuration still shows it`,
      );
    await sleep(context.clock, SETTLE_POLL_MS);
  }
}

/** Those of the disks that the proxy's configuration shows; none when the proxy is gone. */
export async function attachedOf(
  scp: ScpClient,
  proxyId: string,
  diskIds: readonly string[],
): Promise<readonly string[]> {
  try {
    const shown = new Set((await scp.serverConfiguration(proxyId)).disks.map((disk) => disk.diskId));
    return diskIds.filter((id) => shown.has(id));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
