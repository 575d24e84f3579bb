/** Platforms whose HotAdd does wrong. */
import { ApiError } from '../../src/contract/errors.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import type { Task } from '../../simulator/domain/world-api.ts';
import type { ExportDevice } from '../../simulator/nbd/export-device.ts';
import type { Mutant } from './mutant.ts';
import { passOn, patch, withRead } from './simulator-mutants.ts';

export const HOTADD_SIMULATOR_MUTANTS: readonly Mutant[] = [
  {
    id: 'two-disk-tasks-at-once',
    breaks: 'simulator',
    title: 'lets a second disk task on a proxy run with the first one',
    killers: ['S043-race-lost-to-a-stranger', 'S044-two-engines-on-one-proxy'],
    seams: () => ({
      world: (hosted) => {
        patch(hosted.world.hotAdd, 'add', (original) => (proxyId, disks, actor) => {
          const running = diskTaskOn(hosted, proxyId);
          if (running === undefined) return original(proxyId, disks, actor);
          afterTask(hosted, running, () => original(proxyId, disks, actor));
          return { taskId: running.id };
        });
        patch(hosted.world.hotAdd, 'remove', (original) => (proxyId, ids, actor) => {
          const running = diskTaskOn(hosted, proxyId);
          if (running === undefined) return original(proxyId, ids, actor);
          afterTask(hosted, running, () => original(proxyId, ids, actor));
          return { taskId: running.id };
        });
      },
    }),
  },
  {
    id: 'adds-part-of-the-disks',
    breaks: 'simulator',
    title: 'attaches all disks of a call but the last, and calls the task done',
    killers: ['S054-devices-in-another-order'],
    seams: () => ({
      world: ({ world }) =>
        patch(
          world.hotAdd,
          'add',
          (original) => (proxyId, disks, actor) =>
            original(proxyId, disks.length > 1 ? disks.slice(0, -1) : disks, actor),
        ),
    }),
  },
  {
    id: 'clone-of-the-live-disk',
    breaks: 'simulator',
    title: 'hot-adds the live disk in place of the snapshot',
    killers: ['S084-guest-writes-while-disks-are-attached'],
    seams: () => ({
      world: ({ world }) =>
        patch(world.hotAdd, 'device', (original) => (proxyId, diskId) => {
          const device = original(proxyId, diskId);
          const disk = world.hotAdd.list(proxyId).find(({ id }) => id === diskId);
          if (device === undefined || disk?.purpose !== 'backup') return device;
          return withRead(device, async (offset, length) => [
            Uint8Array.from(await world.guest.read(disk.sourceServerId, disk.sourceDeviceId, offset, length)),
          ]);
        }),
    }),
  },
  {
    id: 'clone-writes-reach-the-snapshot',
    breaks: 'simulator',
    title: 'lets what a proxy writes to a linked clone into the snapshot',
    killers: ['S057-signature-written-to-the-clone'],
    seams: () => ({ world: leakClones }),
  },
];

function diskTaskOn({ world }: HostedWorld, proxyId: string): Task | undefined {
  return world.tasks
    .list()
    .find(
      ({ action, serverId, endMs }) =>
        action.startsWith('hotadd.') && serverId === proxyId && endMs === undefined,
    );
}

/** What is refused by then is not done, and nobody hears of it. */
function afterTask({ world }: HostedWorld, task: Task, act: () => unknown): void {
  const attempt = (): void => {
    try {
      act();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  };
  const stop = world.journal.watch((entry) => {
    if (entry.type !== 'task' || entry.task !== task.id) return;
    if (entry.status === 'waiting' || entry.status === 'doing') return;
    stop();
    // The task's own effects come first; they are noted after its end.
    world.clock.setTimer(world.clock.now() + 1, attempt);
  });
}

/** Bytes written to a clone, by source disk: they show in every other clone and in the exports of the snapshot too. */
function leakClones({ world }: HostedWorld): void {
  const writes = new Map<string, { readonly offset: number; readonly data: Uint8Array }[]>();
  patch(world.hotAdd, 'device', (original) => (proxyId, diskId) => {
    const device = original(proxyId, diskId);
    const disk = world.hotAdd.list(proxyId).find(({ id }) => id === diskId);
    if (device === undefined || disk?.purpose !== 'backup') return device;
    const key = `${disk.sourceServerId}/${disk.sourceDeviceId}`;
    return {
      ...passOn(device),
      write: (offset, data) => {
        writes.set(key, [...(writes.get(key) ?? []), { offset, data: Uint8Array.from(data) }]);
        return device.write(offset, data);
      },
    };
  });
  patch(world.exports, 'open', (original) => (name, connection) => {
    const opened = original(name, connection);
    if (typeof opened === 'string') return opened;
    const slash = name.lastIndexOf('/');
    const resource = world.backupResources.list().find(({ id }) => id === name.slice(0, slash));
    const leaked = writes.get(`${resource?.serverId}/${name.slice(slash + 1)}`) ?? [];
    return { ...opened, device: overlaid(opened.device, leaked) };
  });
}

function overlaid(
  device: ExportDevice,
  writes: readonly { readonly offset: number; readonly data: Uint8Array }[],
): ExportDevice {
  return withRead(device, async (offset, length) => {
    const whole = Uint8Array.from(Buffer.concat([...(await device.read(offset, length))]));
    for (const write of writes) {
      const begin = Math.max(write.offset, offset);
      const end = Math.min(write.offset + write.data.length, offset + length);
      if (begin < end)
        whole.set(write.data.subarray(begin - write.offset, end - write.offset), begin - offset);
    }
    return [whole];
  });
}
