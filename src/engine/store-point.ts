/** Moves the planned ranges of all disks into a restore point, and compares the point with its source. */
import { messageOf } from '../repository/errors.ts';
import type { PointInfo, PointWriter } from '../repository/repository-api.ts';
import { parallelReads, type Session, withDisk } from './attempt-session.ts';
import { type Base, distrustKey, distrustNote, verifiedKey, verifiedNote } from './choose-base.ts';
import type { DiskPlan } from './disk-plan.ts';
import { inStep, type JobContext, report, warn } from './job-context.ts';
import { Refusal } from './job-failed.ts';
import { writePointNotes } from './point-notes.ts';
import type { OpenDisk } from './proxy-agent.ts';
import { totalBytes } from './ranges.ts';
import { transferDisk } from './transfer-disk.ts';
import { VerificationFailed, verifyDisk } from './verify-point.ts';

export async function storePoint(
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
    return await inStep(context, 'commit', () => writer.commit(pointNotes(context, session, plans)));
  } catch (error) {
    await writer.abort().catch(() => {});
    throw error;
  }
}

function pointNotes({ settings }: JobContext, session: Session, plans: readonly DiskPlan[]) {
  const { order, snapshot } = session;
  const tracked = plans.map((plan) => plan.deviceId).filter((id) => order.trackedDisks.has(id));
  return writePointNotes({
    snapshotId: snapshot.id,
    checkpointId: snapshot.checkpointId,
    trackedDisks: tracked,
    transport: session.door.transport,
    ...(settings.verify ? { isToBeVerified: true } : {}),
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

export async function verifyStored(context: JobContext, session: Session, point: PointInfo): Promise<void> {
  const { repository } = context.env;
  const reader = await repository.open(point.id);
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
    // Where it cannot be written, the point is not noted as verified either, and nothing builds on it.
    await repository.writeNote(distrustKey(point.id), distrustNote(error.message)).catch(() => {});
    throw new Refusal(
      `restore point ${point.id} is wrong: ${error.message}`,
      'do not restore from it; the next backup will be a full one',
    );
  }
  await repository
    .writeNote(verifiedKey(point.serverId), verifiedNote(point.id))
    .catch((error: unknown) =>
      warn(context, `that the point is verified could not be noted: ${messageOf(error)}; the next is full`),
    );
}
