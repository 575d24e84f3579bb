/**
 * What a backup product does until it can read a server's disks in a proxy's guest, as one call: for people who want to
 * look at hot-added disks without a product at hand.
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { Server, World } from '../domain/world-api.ts';
import type { Steering } from './steering.ts';

const ACTOR = 'control interface';
/** The longest lock there is. */
const LOCK_TIME_SECONDS = 7200;
/** How long the guest may take to show the disks. */
const SHOW_MS = 30_000;

/** A world, and the hand on its clock: where time jumps when all wait for it, waiting for a task must make it jump. */
export interface AttachStage {
  readonly world: World;
  readonly steering: Steering;
}

/**
 * A snapshot, unless one is named, a backup resource, unless one runs, and linked clones of all disks on the proxy.
 * Waits for every task, and until the guest shows the disks; where time is moved by hand, until it was moved.
 * @throws ApiError as the calls and their tasks do
 */
export async function attachDisks(
  stage: AttachStage,
  proxy: Server,
  source: Server,
  snapshotId: string | undefined,
): Promise<{ snapshotId: string; disks: readonly string[] }> {
  const { backupResources, hotAdd, snapshots } = stage.world;
  const { id: serverId } = source;
  const snapshot = snapshotId ?? (await takeSnapshot(stage, serverId));
  const { disks } = snapshots.get(serverId, snapshot);
  const isHeld = backupResources.list().some((one) => one.serverId === serverId && one.status === 'running');
  const lock = { serverId, type: 'backup', lockTimeSeconds: LOCK_TIME_SECONDS } as const;
  if (!isHeld) await taskEnd(stage, backupResources.create(lock, ACTOR).taskId);
  const ids = source.disks
    .filter((disk) => disks.some(({ deviceId }) => deviceId === disk.deviceId))
    .map(({ uuid }) => uuid);
  const wanted = ids.map((diskId) => ({
    diskId,
    purpose: 'backup' as const,
    snapshotId: snapshot,
    sourceServerId: serverId,
  }));
  const { taskId } = hotAdd.add(proxy.id, wanted, ACTOR);
  const shown = whenShown(stage, proxy.id, ids);
  await taskEnd(stage, taskId);
  await shown;
  return { snapshotId: snapshot, disks: ids };
}

/** Takes all hot-added disks off the proxy. @throws ApiError */
export async function detachDisks(stage: AttachStage, proxy: Server): Promise<void> {
  const { hotAdd } = stage.world;
  const ids = hotAdd.list(proxy.id).map(({ id }) => id);
  if (ids.length > 0) await taskEnd(stage, hotAdd.remove(proxy.id, ids, ACTOR).taskId);
}

async function takeSnapshot(stage: AttachStage, serverId: string): Promise<string> {
  const options = { name: 'control interface', description: 'to look at its disks in a proxy' };
  const { taskId, snapshotId } = stage.world.snapshots.create(serverId, options, ACTOR);
  await taskEnd(stage, taskId);
  return snapshotId;
}

/** @throws ApiError with the task's reason when it fails */
async function taskEnd(stage: AttachStage, taskId: string): Promise<void> {
  const { tasks } = stage.world;
  await until(stage, () => tasks.get(taskId).endMs !== undefined);
  const { status, description } = tasks.get(taskId);
  if (status !== 'finish') throw new ApiError('CONFLICT', description);
}

/** Resolves when the guest has shown all the disks, or has had its time. */
async function whenShown(stage: AttachStage, proxyId: string, diskIds: readonly string[]): Promise<void> {
  const { clock, journal } = stage.world;
  const missing = new Set(diskIds);
  const unwatch = journal.watch((entry) => {
    if (entry.type === 'guest.device' && entry.server === proxyId && entry.change === 'appears')
      missing.delete(entry.disk);
  });
  const endMs = clock.now() + SHOW_MS;
  await until(stage, () => missing.size === 0 || clock.now() >= endMs, endMs);
  unwatch();
}

/** Looks at every entry of the journal, after every jump of time, and at `atMs`. */
function until({ world, steering }: AttachStage, isDone: () => boolean, atMs?: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!isDone()) return;
      unwatch();
      timer?.cancel();
      resolve();
    };
    // Later: an entry is written while its effect is still coming about.
    const unwatch = world.journal.watch(() => queueMicrotask(look));
    const timer = atMs === undefined ? undefined : world.clock.setTimer(atMs, look);
    look();
    jump(steering, isDone).then(look, reject);
  });
}

async function jump(steering: Steering, isDone: () => boolean): Promise<void> {
  while (steering.mode === 'virtual' && !isDone()) {
    const nextMs = steering.nextTimerMs();
    if (nextMs === undefined) return;
    await steering.advance(nextMs - steering.now());
  }
}
