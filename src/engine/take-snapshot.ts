/** The snapshot that a backup reads, or that ends the interval of a differential restore. */
import { messageOf } from '../repository/errors.ts';
import { TransportError } from '../sdk/http-transport.ts';
import type { ServerItem, SnapshotDetail } from '../sdk/scp-client-api.ts';
import { type JobContext, pause, report, TASK_TIMEOUT_MS, warn } from './job-context.ts';
import { outliveLocks } from './outlive-locks.ts';
import { findSnapshots, releaseContextOf, releaseSnapshot } from './release.ts';
import { retryWhileTaken } from './wait-while-taken.ts';

/** Longest name or description of a snapshot, characters. @source SCP OpenAPI 6.11.1, snapshots */
const MAX_TEXT = 90;

/** A name that no other run uses; it is noted before the platform hears of it. */
export function snapshotName(context: JobContext, attempt: number): string {
  return `${context.settings.tag}-${context.note.record.runId}-${attempt}`;
}

/** Takes it, waiting while the server is busy, and returns it with its checkpoint and configuration. */
export async function takeSnapshot(
  context: JobContext,
  server: ServerItem,
  name: string,
): Promise<SnapshotDetail> {
  const patience = {
    clock: context.env.clock,
    signal: context.signal,
    maxMs: context.settings.busyWaitMs,
    onWait: (reason: string) => report(context, { step: 'snapshot', message: `waiting: ${reason}` }),
  };
  const id = await retryWhileTaken(patience, () => createSnapshot(context, server, name));
  context.note.learnSnapshotId(name, id);
  return context.scp.snapshot(server.id, id);
}

async function createSnapshot(context: JobContext, server: ServerItem, name: string): Promise<string> {
  const description = `${context.settings.tag} backup of ${server.name}`.slice(0, MAX_TEXT);
  try {
    const started = await context.scp.createSnapshot(server.id, { name, description });
    await context.scp.waitForTask(started.taskId, { timeoutMs: TASK_TIMEOUT_MS });
    return started.snapshotId ?? (await findByName(context, server.id, name));
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return findAfterSilence(context, server.id, name, error);
  }
}

/** No answer at all: the snapshot may have been taken. Its name is unique, so the list tells. */
async function findAfterSilence(
  context: JobContext,
  serverId: string,
  name: string,
  silence: TransportError,
): Promise<string> {
  for (let round = 0; round < SETTLE_ROUNDS; round++) {
    const found = (await context.scp.snapshots(serverId)).find((snapshot) => snapshot.name === name);
    if (found === undefined) throw silence;
    if (found.status === 'normal') return found.id;
    await pause(context, SETTLE_POLL_MS);
  }
  throw silence;
}

const SETTLE_POLL_MS = 2000;
const SETTLE_ROUNDS = 900;

async function findByName(context: JobContext, serverId: string, name: string): Promise<string> {
  const [id] = await findSnapshots(context.scp, serverId, name);
  if (id === undefined) throw new Error(`snapshot ${name} was taken but the platform does not list it`);
  return id;
}

/** Never before the lock is over. Never throws: what stays is in the note, and the warning says so. */
export async function removeSnapshot(context: JobContext, serverId: string, name: string): Promise<void> {
  report(context, { step: 'release' });
  try {
    await outliveLocks(releaseContextOf(context), context.note);
    const known = context.note.record.snapshots.find((snapshot) => snapshot.name === name);
    await releaseSnapshot(releaseContextOf(context), serverId, name, known?.id);
    context.note.dropSnapshot(name);
  } catch (error) {
    warn(
      context,
      `snapshot ${name} could not be removed (${messageOf(error)}); ` +
        'the next run or "backlot cleanup" tries again',
    );
  }
}
