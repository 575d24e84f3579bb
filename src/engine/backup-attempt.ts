/** One attempt at a backup: everything from the snapshot to its removal, within one lock period. */
import { linkedAbort } from '../kernel/linked-abort.ts';
import { NbdError, NbdRefused } from '../nbd/client/errors.ts';
import type { PointInfo } from '../repository/repository-api.ts';
import type { ServerItem, SnapshotDetail } from '../sdk/scp-client-api.ts';
import { acquireLock, type HeldLock } from './acquire-lock.ts';
import type { AttemptOrder, Session } from './attempt-session.ts';
import { CloneCheck } from './clone-check.ts';
import type { DiskPlan } from './disk-plan.ts';
import type { Transport } from './engine-api.ts';
import { inStep, type JobContext } from './job-context.ts';
import { Refusal } from './job-failed.ts';
import { explainDataPath } from './nbd-endpoint.ts';
import { openDoor } from './open-door.ts';
import { planDisks } from './plan-disks.ts';
import { settleHotAdded } from './release-hot-added.ts';
import { Setback } from './setback.ts';
import { storePoint, verifyStored } from './store-point.ts';
import { removeSnapshot, snapshotName, takeSnapshot } from './take-snapshot.ts';

/** Attempts at one backup, each from the snapshot on. */
export const MAX_ATTEMPTS = 4;

export interface AttemptResult {
  readonly point: PointInfo;
  readonly snapshot: SnapshotDetail;
  readonly plans: readonly DiskPlan[];
  /** Why no disk was read incrementally although there was a base; empty otherwise. */
  readonly fullBecause: string;
  readonly renewals: number;
  readonly reconnects: number;
  readonly transport: Transport;
  readonly proxy: string | undefined;
}

/** @throws Setback when it is worth another attempt */
export async function attemptBackup(context: JobContext, order: AttemptOrder): Promise<AttemptResult> {
  await using held = new AsyncDisposableStack();
  const name = snapshotName(context, order.attempt);
  await context.note.addSnapshot(name);
  held.defer(() => removeSnapshot(context, order.server.id, name));
  held.defer(() => settleHotAdded(context));
  const snapshot = await inStep(context, 'snapshot', () => takeSnapshot(context, order.server, name));
  const lock = held.use(await inStep(context, 'lock', () => acquireLock(context, order.server.id, 'backup')));
  // What could not be detached at its time is asked for once more while the lock still says whose it is.
  held.defer(() => settleHotAdded(context));
  try {
    return await backUpLocked(context, order, snapshot, lock);
  } catch (error) {
    throw await explainLockedFailure(context, lock, error);
  }
}

async function backUpLocked(
  context: JobContext,
  order: AttemptOrder,
  snapshot: SnapshotDetail,
  lock: HeldLock,
): Promise<AttemptResult> {
  const signal = linkedAbort(context.signal, lock.lease.signal).signal;
  await inStep(context, 'lock', () => checkStillLatest(context, order.server, snapshot));
  const { server, job } = order;
  const { deviceIds, id: snapshotId } = snapshot;
  if (deviceIds.length === 0)
    throw new Refusal(`${server.name} has no disks`, 'there is nothing to back up; leave it out');
  await using door = await openDoor(context, {
    server,
    lock,
    transport: job.transport,
    deviceIds,
    snapshotId,
    isLastAttempt: order.attempt >= MAX_ATTEMPTS,
    signal,
  });
  const cloneCheck =
    door.proxy === undefined
      ? undefined
      : new CloneCheck(context, { server, lock, base: order.base, proxy: door.proxy, signal });
  const session: Session = { order, snapshot, lock, door, cloneCheck, signal, reconnects: 0 };
  const { plans, reasons } = await inStep(context, 'changed-areas', () => planDisks(context, session));
  const isIncremental = plans.some((plan) => plan.isIncremental);
  const point = await storePoint(context, session, plans, isIncremental ? order.base : undefined);
  if (context.settings.verify) await inStep(context, 'verify', () => verifyStored(context, session, point));
  return {
    point,
    snapshot,
    plans,
    fullBecause: isIncremental ? '' : reasons,
    renewals: lock.lease.renewals,
    reconnects: session.reconnects,
    transport: door.transport,
    proxy: door.proxy,
  };
}

/** The lock serves the latest snapshot: if somebody took another one in between, its bytes would be read. */
async function checkStillLatest(
  context: JobContext,
  server: ServerItem,
  snapshot: SnapshotDetail,
): Promise<void> {
  const latest = (await context.scp.snapshots(server.id)).find((known) => known.isLatest);
  if (latest !== undefined && latest.id !== snapshot.id)
    throw new Setback(
      'snapshot-superseded',
      `snapshot ${latest.name} was taken before ${server.name} could be locked`,
    );
}

/** What a failure under the lock means: the lock's loss explains everything that failed after it. */
async function explainLockedFailure(context: JobContext, lock: HeldLock, error: unknown): Promise<unknown> {
  if (context.signal.aborted || error instanceof Setback) return error;
  const cause = error instanceof Error && error.name === 'JobFailed' ? error.cause : error;
  const explained = explainDataPath(cause);
  // From the data plane a lost lock looks like a refused export or a failed request, so the platform is asked.
  const isDataPath = explained instanceof Setback || cause instanceof NbdRefused || cause instanceof NbdError;
  if (isDataPath) await lock.lease.check().catch(() => {});
  if (lock.lease.signal.aborted) return lock.lease.signal.reason;
  return explained instanceof Setback ? explained : error;
}
