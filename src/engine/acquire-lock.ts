/** The backup resource: the lock on the server and the data service behind it. */
import { messageOf } from '../repository/errors.ts';
import type { BackupResource, ScpClient } from '../sdk/scp-client-api.ts';
import { isRefusal, TaskFailed } from '../sdk/scp-error.ts';
import { type JobContext, report, TASK_TIMEOUT_MS } from './job-context.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { unheardUntilMs } from './outlive-locks.ts';
import { releaseContextOf } from './release.ts';
import { releaseLock } from './release-lock.ts';
import { retryWhileTaken, ServerTaken } from './wait-while-taken.ts';

export interface HeldLock extends AsyncDisposable {
  readonly resourceId: string;
  readonly resource: BackupResource;
  readonly lease: LeaseKeeper;
}

/**
 * Locks the server, waiting while somebody else holds it, and keeps the lock from running out until it is disposed
 * of. Disposal deletes the resource and waits until it is gone; it never throws, what is left stays in the note.
 */
export async function acquireLock(
  context: JobContext,
  serverId: string,
  type: 'backup' | 'restore',
): Promise<HeldLock> {
  const patience = {
    clock: context.env.clock,
    signal: context.signal,
    maxMs: context.settings.busyWaitMs,
    onWait: (reason: string) => report(context, { step: 'lock', message: `waiting: ${reason}` }),
  };
  return retryWhileTaken(patience, () => lockOnce(context, serverId, type));
}

async function lockOnce(
  context: JobContext,
  serverId: string,
  type: 'backup' | 'restore',
): Promise<HeldLock> {
  const { lockTimeSeconds, renewEverySeconds } = context.settings;
  const { resourceId, taskId } = await askForLock(context, { serverId, type, lockTimeSeconds });
  try {
    await context.note.addResource(resourceId);
    const askedAtMs = context.env.clock.now();
    const resource = await waitUntilRunning(context, resourceId, taskId);
    const terms = {
      scp: context.scpAlways,
      clock: context.env.clock,
      resourceId,
      lockTimeSeconds,
      renewEveryMs: renewEverySeconds * 1000,
    };
    const lease = new LeaseKeeper(terms, askedAtMs, resource.remainSeconds);
    lease.start();
    return { resourceId, resource, lease, [Symbol.asyncDispose]: () => unlock(context, resourceId, lease) };
  } catch (error) {
    await unlock(context, resourceId);
    throw error;
  }
}

/** Noted before the platform hears of it: without an answer only the time tells when the lock is over. */
async function askForLock(
  context: JobContext,
  request: Parameters<ScpClient['createBackupResource']>[0],
): ReturnType<ScpClient['createBackupResource']> {
  const untilMs = (): number => unheardUntilMs(context.env.clock.now(), request.lockTimeSeconds);
  await context.note.update({ unheardLockUntilMs: untilMs() });
  try {
    return await context.scp.createBackupResource(request);
  } catch (error) {
    // What cannot be written is in memory all the same, which is enough for this run.
    await context.note.update({ unheardLockUntilMs: isRefusal(error) ? 0 : untilMs() }).catch(() => {});
    throw error;
  }
}

async function waitUntilRunning(
  context: JobContext,
  resourceId: string,
  taskId: string,
): Promise<BackupResource> {
  const failure = await context.scp.waitForTask(taskId, { timeoutMs: TASK_TIMEOUT_MS }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure !== undefined && !(failure instanceof TaskFailed)) throw failure;
  const resource = await context.scp.backupResource(resourceId);
  if (resource.status === 'running') return resource;
  if (resource.status === 'occupied')
    throw new ServerTaken('the server is occupied by another backup or restore', { cause: failure });
  throw failure ?? new Error(`the backup resource became ${resource.status} instead of running`);
}

async function unlock(context: JobContext, resourceId: string, lease?: LeaseKeeper): Promise<void> {
  await lease?.stop();
  try {
    await releaseLock(releaseContextOf(context), context.note, resourceId);
  } catch (error) {
    context.warnings.push(
      `backup resource ${resourceId} could not be released (${messageOf(error)}); ` +
        'the platform frees it when its lock time is over',
    );
  }
}
