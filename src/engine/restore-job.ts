/** A restore from the point to the server: the target is prepared, locked, written, released, started if asked. */
import { linkedAbort } from '../kernel/linked-abort.ts';
import type { PointDiskInfo, PointReader } from '../repository/repository-api.ts';
import type { ServerItem } from '../sdk/scp-client-api.ts';
import { acquireLock, type HeldLock } from './acquire-lock.ts';
import { distrustKey } from './choose-base.ts';
import { planDifferential } from './differential.ts';
import type { DiskDoor } from './disk-door.ts';
import type { RestoreJob, RestoreResult } from './engine-api.ts';
import { inStep, type JobContext, report, TASK_TIMEOUT_MS, warn } from './job-context.ts';
import { JobAborted, JobFailed, Refusal } from './job-failed.ts';
import { forgetNewServer } from './new-server.ts';
import { openDoor } from './open-door.ts';
import type { OpenDisk } from './proxy-agent.ts';
import { type ByteRange, intersectionOf, totalBytes } from './ranges.ts';
import { settleHotAdded } from './release-hot-added.ts';
import { prepareExisting, prepareNew } from './restore-target.ts';
import { removeSnapshot } from './take-snapshot.ts';
import { retryWhileTaken } from './wait-while-taken.ts';
import { type WrittenDisk, writeDisk } from './write-disk.ts';

export async function runRestore(context: JobContext, job: RestoreJob): Promise<RestoreResult> {
  const startedAtMs = context.env.clock.now();
  const { repository } = context.env;
  const reader = await inStep(context, 'open', () => repository.open(job.pointId));
  if ((await repository.readNote(distrustKey(job.pointId)).catch(() => null)) !== undefined)
    warn(context, `restore point ${job.pointId} failed its verification: not every byte of it is right`);
  if (job.differential && job.to === 'new')
    throw new JobFailed(
      'target',
      new Refusal(
        'a new server differs from everything',
        'leave --differential out, or restore to the server that was backed up',
      ),
    );
  const server = await inStep(context, 'target', () =>
    job.to === 'new' ? prepareNew(context, job, reader) : prepareExisting(context, job),
  );
  const outcome = await write(context, job, reader, server);
  // The image is whole: from now on the new server is the user's.
  await inStep(context, 'finish', () => forgetNewServer(context.note));
  if (job.powerOn) await inStep(context, 'power-on', () => powerOn(context, server));
  return {
    pointId: job.pointId,
    server: { id: server.id, name: server.name },
    ...outcome,
    durationMs: context.env.clock.now() - startedAtMs,
    warnings: context.warnings,
  };
}

type WriteOutcome = Pick<RestoreResult, 'disks' | 'renewals' | 'transport' | 'proxy'>;

/** A snapshot that was taken to find the differences is gone before the target may be started. */
async function write(
  context: JobContext,
  job: RestoreJob,
  reader: PointReader,
  server: ServerItem,
): Promise<WriteOutcome & Pick<RestoreResult, 'differential' | 'wholeBecause'>> {
  if (!job.differential) return writeLocked(context, job, { reader, server });
  await using held = new AsyncDisposableStack();
  const { areas, wholeBecause } = await inStep(context, 'differential', () =>
    planDifferential(context, { reader, server }, (name) =>
      held.defer(() => removeSnapshot(context, server.id, name)),
    ),
  );
  const outcome = await writeLocked(context, job, { reader, server, areas });
  return { ...outcome, differential: areas.size > 0, wholeBecause };
}

interface WriteTarget {
  readonly reader: PointReader;
  readonly server: ServerItem;
  /** By slot; disks that are not among them are written whole. */
  readonly areas?: ReadonlyMap<string, readonly ByteRange[]>;
}

async function writeLocked(
  context: JobContext,
  job: RestoreJob,
  { reader, server, areas = new Map() }: WriteTarget,
): Promise<WriteOutcome> {
  await using held = new AsyncDisposableStack();
  held.defer(() => settleHotAdded(context));
  const lock = held.use(await inStep(context, 'lock', () => acquireLock(context, server.id, 'restore')));
  held.defer(() => settleHotAdded(context));
  const signal = linkedAbort(context.signal, lock.lease.signal).signal;
  const progress = { hasWritten: false };
  try {
    await using door = await openDoor(context, {
      server,
      lock,
      transport: job.transport,
      deviceIds: reader.info.disks.map((disk) => disk.deviceId),
      signal,
    });
    await inStep(context, 'check', () => checkDisks(door, reader, context.settings.connections));
    const disks = await inStep(context, 'write', () =>
      writeDisks(context, { reader, areas, door, signal, progress }),
    );
    await inStep(context, 'finish', () => lock.lease.check());
    const { transport, proxy } = door;
    return { transport, ...(proxy === undefined ? {} : { proxy }), disks, renewals: lock.lease.renewals };
  } catch (error) {
    // A lock that is lost but not yet missed would make this look like a fault of the network.
    if (!context.signal.aborted) await lock.lease.check().catch(() => {});
    throw describeFailure(context, { lock, server, error, hasWritten: progress.hasWritten });
  }
}

/** Before the first byte is written, all disks are looked at. */
async function checkDisks(door: DiskDoor, reader: PointReader, connections: number): Promise<void> {
  for (const disk of reader.info.disks)
    await door.use(disk.deviceId, connections, async (nbd) => checkDisk(nbd, disk));
}

function checkDisk(nbd: OpenDisk, disk: PointDiskInfo): void {
  if (nbd.info.isReadOnly)
    throw new Refusal(`${disk.deviceId} of the target is read-only`, 'check that the target is shut down');
  if (nbd.info.sizeBytes !== disk.sizeBytes)
    throw new Refusal(
      `${disk.deviceId} of the target has ${nbd.info.sizeBytes} bytes, the image ${disk.sizeBytes}`,
      'restore to a server whose disks have the same sizes, or to a new one with --to new',
    );
}

interface WriteOrder extends Pick<WriteTarget, 'areas'> {
  readonly reader: PointReader;
  readonly door: DiskDoor;
  readonly signal: AbortSignal;
  readonly progress: { hasWritten: boolean };
}

async function writeDisks(context: JobContext, order: WriteOrder): Promise<readonly WrittenDisk[]> {
  const { reader, areas, door, signal } = order;
  const { readBytes, connections } = context.settings;
  const { disks } = reader.info;
  const total = disks.reduce((sum, { deviceId }) => sum + totalBytes(dataIn(reader, deviceId, areas)), 0);
  const written: WrittenDisk[] = [];
  let done = 0;
  for (const { deviceId, sizeBytes } of disks) {
    const onBytes = (bytes: number): void => {
      done += bytes;
      report(context, { step: 'write', deviceId, doneBytes: done, totalBytes: total });
    };
    const write = (nbd: OpenDisk): Promise<WrittenDisk> => {
      checkDisk(nbd, { deviceId, sizeBytes });
      order.progress.hasWritten = true;
      const parallel = connections * 8;
      return writeDisk({
        reader,
        deviceId,
        sizeBytes,
        areas: areas?.get(deviceId),
        nbd,
        pieceBytes: readBytes,
        parallel,
        signal,
        onBytes,
      });
    };
    written.push(await door.use(deviceId, connections, async (nbd) => write(nbd)));
  }
  return written;
}

function dataIn(reader: PointReader, deviceId: string, areas: WriteTarget['areas']): readonly ByteRange[] {
  const data = reader.dataRanges(deviceId);
  const only = areas?.get(deviceId);
  return only === undefined ? data : intersectionOf(data, only);
}

/** After the first write the target holds neither its old image nor the new one, and must not be started. */
function describeFailure(
  context: JobContext,
  failure: { lock: HeldLock; server: ServerItem; error: unknown; hasWritten: boolean },
): JobFailed {
  const { lock, server, error, hasWritten } = failure;
  const step = error instanceof JobFailed ? error.step : 'write';
  const cause = rootCause(context, lock, error);
  if (!hasWritten) return new JobFailed(step, cause);
  return new JobFailed(step, cause, {
    unusableTarget: { id: server.id, name: server.name },
    hint: `${server.name} holds an incomplete image and was left off; do not start it, restore to it again`,
  });
}

function rootCause(context: JobContext, lock: HeldLock, error: unknown): unknown {
  const cause = error instanceof JobFailed ? error.cause : error;
  if (context.signal.aborted)
    return cause instanceof JobAborted ? cause : new JobAborted('aborted', { cause });
  return lock.lease.signal.aborted ? lock.lease.signal.reason : cause;
}

async function powerOn(context: JobContext, server: ServerItem): Promise<void> {
  const patience = { clock: context.env.clock, signal: context.signal, maxMs: context.settings.busyWaitMs };
  await retryWhileTaken(patience, async () => {
    const { taskId } = await context.scp.startServer(server.id);
    await context.scp.waitForTask(taskId, { timeoutMs: TASK_TIMEOUT_MS });
  });
}
