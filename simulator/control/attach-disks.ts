/**
 * What a backup product does until it can read a server's disks in a proxy's guest, as one call: for people who want to
 * look at hot-added disks without a product at hand.
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { Server, World } from '../domain/world-api.ts';

const ACTOR = 'control interface';
/** The longest lock there is. */
const LOCK_TIME_SECONDS = 7200;
/** How long the guest may take to show the disks. */
const SHOW_MS = 30_000;

/**
 * A snapshot, unless one is named, a backup resource, unless one runs, and linked clones of all disks on the proxy.
 * Waits for every task, and until the guest shows the disks; where time stands still, that is until somebody moves it.
 * @throws ApiError as the calls and their tasks do
 */
export async function attachDisks(
  world: World,
  proxy: Server,
  source: Server,
  snapshotId: string | undefined,
): Promise<{ snapshotId: string; disks: readonly string[] }> {
  const { id: serverId } = source;
  const snapshot = snapshotId ?? (await takeSnapshot(world, serverId));
  const held = world.backupResources
    .list()
    .some((one) => one.serverId === serverId && one.status === 'running');
  const lock = { serverId, type: 'backup', lockTimeSeconds: LOCK_TIME_SECONDS } as const;
  if (!held) await taskEnd(world, world.backupResources.create(lock, ACTOR).taskId);
  const disks = world.snapshots.get(serverId, snapshot).disks.map(({ deviceId }) => deviceId);
  const own = source.disks.filter(({ deviceId }) => disks.includes(deviceId));
  const wanted = own.map(({ uuid }) => ({
    diskId: uuid,
    purpose: 'backup' as const,
    snapshotId: snapshot,
    sourceServerId: serverId,
  }));
  const ids = wanted.map(({ diskId }) => diskId);
  const shown = whenShown(world, proxy.id, ids);
  await taskEnd(world, world.hotAdd.add(proxy.id, wanted, ACTOR).taskId);
  await shown;
  return { snapshotId: snapshot, disks: ids };
}

/** Takes all hot-added disks off the proxy. @throws ApiError */
export async function detachDisks(world: World, proxy: Server): Promise<void> {
  const ids = world.hotAdd.list(proxy.id).map(({ id }) => id);
  if (ids.length > 0) await taskEnd(world, world.hotAdd.remove(proxy.id, ids, ACTOR).taskId);
}

async function takeSnapshot(world: World, serverId: string): Promise<string> {
  const options = { name: 'control interface', description: 'to look at its disks in a proxy' };
  const { taskId, snapshotId } = world.snapshots.create(serverId, options, ACTOR);
  await taskEnd(world, taskId);
  return snapshotId;
}

/** @throws ApiError with the task's reason when it fails */
function taskEnd(world: World, taskId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const { endMs, status, description } = world.tasks.get(taskId);
      if (endMs === undefined) return;
      unwatch();
      if (status === 'finish') resolve();
      else reject(new ApiError('CONFLICT', description));
    };
    const unwatch = world.journal.watch((entry) => {
      // Later: an entry is written while the task is still being changed.
      if (entry.type === 'task' && entry.task === taskId) queueMicrotask(look);
    });
    look();
  });
}

/** Resolves when the guest has shown all the disks, or has had its time. */
function whenShown(world: World, proxyId: string, diskIds: readonly string[]): Promise<void> {
  const missing = new Set(diskIds);
  return new Promise((resolve) => {
    const finish = (): void => {
      timer.cancel();
      unwatch();
      resolve();
    };
    const timer = world.clock.setTimer(world.clock.now() + SHOW_MS, finish);
    const unwatch = world.journal.watch((entry) => {
      if (entry.type !== 'guest.device' || entry.server !== proxyId || entry.change !== 'appears') return;
      missing.delete(entry.disk);
      // Later: an entry is written before the effect is to be seen everywhere.
      if (missing.size === 0) queueMicrotask(finish);
    });
  });
}
