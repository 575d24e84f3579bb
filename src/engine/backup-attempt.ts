/** One attempt at a backup: everything from the snapshot to its removal, within one lock period. */
import { NbdError, NbdRefused } from '../nbd/client/errors.ts';
import type { PointInfo, PointWriter } from '../repository/repository-api.ts';
import type { ServerItem, SnapshotDetail } from '../sdk/scp-client-api.ts';
import { acquireLock, type HeldLock } from './acquire-lock.ts';
import {
  type Base,
  distrustKey,
  distrustNote,
  sinceCheckpointOf,
  whyMapIsVoid,
  whyNotAncestor,
} from './choose-base.ts';
import { CloneCheck } from './clone-check.ts';
import { type DiskPlan, planDisk } from './disk-plan.ts';
import type { DiskDoor } from './disk-door.ts';
import type { BackupJob, Transport } from './engine-api.ts';
import { inStep, type JobContext, report, warn } from './job-context.ts';
import { Refusal } from './job-failed.ts';
import { explainDataPath } from './nbd-endpoint.ts';
import { openDoor } from './open-door.ts';
import { writePointNotes } from './point-notes.ts';
import type { OpenDisk } from './proxy-agent.ts';
import { totalBytes } from './ranges.ts';
import { settleHotAdded } from './release-hot-added.ts';
import { Setback } from './setback.ts';
import { removeSnapshot, snapshotName, takeSnapshot } from './take-snapshot.ts';
import { transferDisk } from './transfer-disk.ts';
import { VerificationFailed, verifyDisk } from './verify-point.ts';

/** Attempts at one backup, each from the snapshot on. */
export const MAX_ATTEMPTS = 4;

export interface AttemptOrder {
  readonly job: BackupJob;
  readonly server: ServerItem;
  readonly trackedDisks: ReadonlySet<string>;
  readonly base: Base | undefined;
  readonly mayReset: boolean;
  /** From 1. */
  readonly attempt: number;
}

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

/** What the steps of an attempt share once the server is locked. */
interface Session {
  readonly order: AttemptOrder;
  readonly snapshot: SnapshotDetail;
  readonly lock: HeldLock;
  readonly door: DiskDoor;
  /** Over HotAdd only: elsewhere nobody can write to what is read. */
  readonly cloneCheck: CloneCheck | undefined;
  /** Aborted with the job or with the loss of the lock. */
  readonly signal: AbortSignal;
  reconnects: number;
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
  const signal = AbortSignal.any([context.signal, lock.lease.signal]);
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

async function planDisks(
  context: JobContext,
  session: Session,
): Promise<{ plans: readonly DiskPlan[]; reasons: string }> {
  const { order, snapshot } = session;
  const history = order.base === undefined ? '' : whyNotAncestor(order.base, snapshot.checkpointId);
  const base = history === '' ? order.base : undefined;
  const plans: DiskPlan[] = [];
  const reasons = new Set(history === '' ? [] : [history]);
  for (const deviceId of snapshot.deviceIds) {
    const { plan, because } = await planOne(context, session, deviceId, base);
    plans.push(plan);
    if (because !== '') reasons.add(`${deviceId}: ${because}`);
    for (const step of plan.stepsDown) warn(context, `${deviceId} is read by ${plan.method}: ${step}`);
  }
  const isMixed = plans.some((plan) => plan.isIncremental) && reasons.size > 0;
  if (isMixed) for (const reason of reasons) warn(context, `read as a whole: ${reason}`);
  return { plans, reasons: [...reasons].join('; ') };
}

/** The exact size of a disk is what its export says; the configuration rounds. */
async function planOne(
  context: JobContext,
  session: Session,
  deviceId: string,
  base: Base | undefined,
): Promise<{ plan: DiskPlan; because: string }> {
  const { order, snapshot, signal } = session;
  const isTracked = order.trackedDisks.has(deviceId);
  return withDisk(session, deviceId, 1, async (nbd) => {
    const disk = { deviceId, sizeBytes: nbd.info.sizeBytes, isTracked };
    const isVoid = base === undefined ? '' : whyMapIsVoid(base, disk);
    if (isVoid !== '') throw new Setback('disk-resized', isVoid);
    const since = base && sinceCheckpointOf(base, disk);
    const plan = await planDisk({
      scp: context.scp.with({ signal }),
      serverId: order.server.id,
      snapshot,
      deviceId,
      isTracked,
      sinceCheckpoint: since?.since,
      mayReset: order.mayReset,
      nbd,
      signal,
    });
    await session.cloneCheck?.check(nbd, plan);
    const refused = since !== undefined && since.since === undefined ? since.because : '';
    return { plan, because: plan.isIncremental ? '' : refused || (plan.stepsDown[0] ?? '') };
  });
}

async function storePoint(
  context: JobContext,
  session: Session,
  plans: readonly DiskPlan[],
  base: Base | undefined,
): Promise<PointInfo> {
  const { server } = session.order;
  const writer = await context.env.repository.begin({
    serverId: server.id,
    serverName: server.name,
    ...(base === undefined ? { kind: 'full' } : { kind: 'incremental', baseId: base.point.id }),
    disks: plans.map(({ deviceId, sizeBytes }) => ({ deviceId, sizeBytes })),
  });
  try {
    await inStep(context, 'transfer', () => transferAll(context, session, plans, writer, base !== undefined));
    return await inStep(context, 'commit', () => writer.commit(pointNotes(session, plans)));
  } catch (error) {
    await writer.abort().catch(() => {});
    throw error;
  }
}

function pointNotes(session: Session, plans: readonly DiskPlan[]) {
  const { order, snapshot } = session;
  const tracked = plans.map((plan) => plan.deviceId).filter((id) => order.trackedDisks.has(id));
  return writePointNotes({
    snapshotId: snapshot.id,
    checkpointId: snapshot.checkpointId,
    trackedDisks: tracked,
    transport: session.door.transport,
    poolId: order.server.poolId,
    vmconf: snapshot.vmconf,
  });
}

async function transferAll(
  context: JobContext,
  session: Session,
  plans: readonly DiskPlan[],
  writer: PointWriter,
  hasBase: boolean,
): Promise<void> {
  const totalOfAll = plans.reduce((sum, plan) => sum + totalBytes(plan.ranges), 0);
  let done = 0;
  for (const plan of plans)
    await withDisk(session, plan.deviceId, context.settings.connections, async (nbd) => {
      await transferDisk({
        plan,
        nbd: sameSize(nbd, plan),
        writer,
        hasBase,
        readBytes: context.settings.readBytes,
        parallel: parallelReads(context),
        signal: session.signal,
        onBytes: (bytes) => {
          done += bytes;
          report(context, {
            step: 'transfer',
            deviceId: plan.deviceId,
            doneBytes: done,
            totalBytes: totalOfAll,
          });
        },
      });
      await session.cloneCheck?.check(nbd, plan);
    });
}

function sameSize(nbd: OpenDisk, plan: DiskPlan): OpenDisk {
  if (nbd.info.sizeBytes === plan.sizeBytes) return nbd;
  throw new Error(
    `${plan.deviceId} has ${nbd.info.sizeBytes} bytes now and had ${plan.sizeBytes} a moment ago`,
  );
}

async function verifyStored(context: JobContext, session: Session, point: PointInfo): Promise<void> {
  const reader = await context.env.repository.open(point.id);
  try {
    for (const { deviceId } of point.disks)
      await withDisk(session, deviceId, context.settings.connections, (nbd) =>
        verifyDisk({
          reader,
          deviceId,
          nbd,
          readBytes: context.settings.readBytes,
          parallel: parallelReads(context),
          signal: session.signal,
        }),
      );
  } catch (error) {
    if (!(error instanceof VerificationFailed)) throw error;
    await context.env.repository.writeNote(distrustKey(point.id), distrustNote(error.message));
    throw new Refusal(
      `restore point ${point.id} is wrong: ${error.message}`,
      'do not restore from it; the next backup will be a full one',
    );
  }
}

/** Keeps every connection's pipeline full without holding more than about 16 pieces each. */
function parallelReads(context: JobContext): number {
  return context.settings.connections * 8;
}

function withDisk<T>(
  session: Session,
  deviceId: string,
  connections: number,
  work: (nbd: OpenDisk) => Promise<T>,
): Promise<T> {
  return session.door.use(deviceId, connections, (nbd) =>
    work(nbd).finally(() => {
      session.reconnects += nbd.reconnects;
    }),
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
