/** Platforms that do wrong; the harness must not take their word. */
import type { ExportDevice } from '../../simulator/nbd/export-device.ts';
import { ApiError } from '../../src/contract/errors.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import type { Mutant } from './mutant.ts';

export const SIMULATOR_MUTANTS: readonly Mutant[] = [
  {
    id: 'cbt-misses-a-block',
    breaks: 'simulator',
    title: 'leaves the last changed area out of the list',
    killers: ['S002-full-and-three-incrementals'],
    seams: () => ({
      world: ({ world }) =>
        patch(world.cbt, 'changedAreas', (original) => (serverId, query) => {
          const answer = original(serverId, query);
          return query.checkpointId === 0 ? answer : { ...answer, areas: answer.areas.slice(0, -1) };
        }),
    }),
  },
  {
    id: 'ended-lock-can-be-read',
    breaks: 'simulator',
    title: 'goes on serving data after the backup resource has ended',
    killers: ['S012-expiry-right-after-renewal'],
    seams: () => ({
      world: ({ world }) =>
        patch(world.exports, 'open', (original) => (name, connection) => {
          const lenient = { id: connection.id, isTls: connection.isTls, cut: () => undefined };
          const opened = original(name, lenient);
          if (typeof opened === 'string') return opened;
          const { device } = opened;
          const read: Read = (offset, length) =>
            attempt(() => device.read(offset, length)) ?? [new Uint8Array(length)];
          return { ...opened, device: withRead(device, read) };
        }),
    }),
  },
  {
    id: 'reads-the-live-disk',
    breaks: 'simulator',
    title: 'serves the live disk in place of the snapshot',
    killers: ['S036-guest-writes-during-the-backup'],
    seams: () => ({
      world: (hosted) =>
        patchDevices(hosted, (device, serverId, deviceId) =>
          withRead(device, async (offset, length) => [
            Uint8Array.from(await hosted.world.guest.read(serverId, deviceId, offset, length)),
          ]),
        ),
    }),
  },
  {
    id: 'zeros-are-not-written',
    breaks: 'simulator',
    title: 'answers a write of zeros with success and does nothing',
    killers: ['S030-restore-over-the-server'],
    seams: () => ({
      world: (hosted) =>
        patchDevices(hosted, (device) => {
          const nothing = (): void => undefined;
          return { ...passOn(device), zero: nothing, trim: nothing };
        }),
    }),
  },
  {
    id: 'half-restore-starts',
    breaks: 'simulator',
    title: 'starts a server that holds half a restore',
    killers: ['S031-restore-lock-lost-in-mid-write'],
    seams: () => ({
      world: ({ world }) =>
        patch(world.servers, 'start', (original) => (id, actor) => {
          try {
            return original(id, actor);
          } catch (error) {
            const [task] = world.tasks.list().filter(({ status }) => status === 'finish');
            if (!(error instanceof ApiError) || task === undefined) throw error;
            return { taskId: task.id };
          }
        }),
    }),
  },
  {
    id: 'keeps-a-snapshot',
    breaks: 'simulator',
    title: 'says that a snapshot is deleted and leaves it',
    killers: ['S001-full-backup-and-restore'],
    seams: () => ({
      world: ({ world }) =>
        patch(world.snapshots, 'delete', () => () => {
          const [task] = world.tasks.list().filter(({ status }) => status === 'finish');
          if (task === undefined) throw new ApiError('INTERNAL');
          return { taskId: task.id };
        }),
    }),
  },
];

export type Read = ExportDevice['read'];

/** Replaces one method of an object that others hold too. */
export function patch<T extends object, K extends keyof T>(
  target: T,
  key: K,
  make: (original: T[K]) => T[K],
): void {
  const original = target[key];
  const bound: unknown = typeof original === 'function' ? original.bind(target) : original;
  Object.defineProperty(target, key, { value: make(bound as T[K]), configurable: true, writable: true });
}

function patchDevices(
  { world }: HostedWorld,
  change: (device: ExportDevice, serverId: string, deviceId: string) => ExportDevice,
): void {
  patch(world.exports, 'open', (original) => (name, connection) => {
    const opened = original(name, connection);
    if (typeof opened === 'string') return opened;
    const slash = name.lastIndexOf('/');
    const resource = world.backupResources.list().find(({ id }) => id === name.slice(0, slash));
    return { ...opened, device: change(opened.device, resource?.serverId ?? '', name.slice(slash + 1)) };
  });
}

export function withRead(device: ExportDevice, read: Read): ExportDevice {
  return { ...passOn(device), read };
}

export function passOn(device: ExportDevice): ExportDevice {
  return {
    sizeBytes: device.sizeBytes,
    isReadOnly: device.isReadOnly,
    metaContexts: device.metaContexts,
    read: (offset, length) => device.read(offset, length),
    write: (offset, data) => device.write(offset, data),
    zero: (offset, length, mayTrim) => device.zero(offset, length, mayTrim),
    trim: (offset, length) => device.trim(offset, length),
    flush: () => device.flush(),
    blockStatus: (context, offset, length, maxExtents) =>
      device.blockStatus(context, offset, length, maxExtents),
  };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
