/**
 * A world with two proxies and two servers, moved by random steps, and a guest that keeps its own books.
 *
 * `web` runs and is backed up; `old` is off and is restored. Each proxy has room for three disks beside its own.
 */
import { createIdSource } from '../../../src/kernel/ids.ts';
import { Journal, type JournalEntry } from '../../../src/kernel/journal.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { createWorld } from '../../../simulator/domain/create-world.ts';
import { DEFAULT_SETTINGS } from '../../../simulator/domain/default-settings.ts';
import type { GuestPort, HotAddRequest, HotAddedDisk } from '../../../simulator/domain/hot-add-api.ts';
import type { World } from '../../../simulator/domain/world-api.ts';
import { proxySpec } from '../../unit/domain/proxy-world.ts';
import { codeOf } from '../../unit/domain/refusal.ts';
import { GRAIN, emptyDisk, inventory, serverSpec } from '../../unit/domain/small-world.ts';

export const PROXIES = ['proxy-1', 'proxy-2'] as const;
export const SOURCES = ['web', 'old'] as const;
export const DISK_LIMIT = 4;
export const CELLS = 3;

export type Proxy = (typeof PROXIES)[number];
export type Source = (typeof SOURCES)[number];

/** What the guests of the proxies were told, taken at its word. */
export class BookkeepingGuest implements GuestPort {
  readonly devices = new Map<string, HotAddedDisk>();
  readonly waiting: (() => void)[] = [];
  letsGoAtOnce = true;

  plugged(disks: readonly HotAddedDisk[]): void {
    for (const disk of disks) this.devices.set(keyOf(disk), disk);
  }

  unplug(disk: HotAddedDisk, released: () => void): void {
    const leave = (): void => {
      // A device that came later under the same id is another one.
      if (this.devices.get(keyOf(disk))?.attachedAtMs === disk.attachedAtMs) this.devices.delete(keyOf(disk));
      released();
    };
    if (this.letsGoAtOnce) leave();
    else this.waiting.push(leave);
  }

  pulled(disk: HotAddedDisk): void {
    this.devices.delete(keyOf(disk));
  }
}

export const keyOf = (disk: { readonly proxyId: string; readonly id: string }): string =>
  `${disk.proxyId}/${disk.id}`;

export class HotAddLife {
  nowMs = 1_000_000;
  readonly guest = new BookkeepingGuest();
  readonly journal = new Journal({ now: () => this.nowMs });
  readonly world: World = createWorld({
    id: 'w',
    seed: 'hot-add',
    clock: {
      now: () => this.nowMs,
      setTimer: () => ({ cancel: () => undefined }),
      hold: () => () => undefined,
    },
    ids: createIdSource(createRng('hot-add')),
    rng: createRng('hot-add'),
    journal: this.journal,
    inventory: inventory([
      ...SOURCES.map((id) =>
        serverSpec({
          id,
          name: id,
          isRunning: id === 'web',
          disks: ['ide0', 'ide1'].map((deviceId) => emptyDisk(deviceId, 4 * GRAIN)),
        }),
      ),
      ...PROXIES.map((id) => proxySpec(id)),
    ]),
    settings: {
      diskLimit: DISK_LIMIT,
      unplugTimeoutSeconds: 3,
      // Shorter than adding a disk, so that a proxy can be back before its task ends.
      taskMs: { ...DEFAULT_SETTINGS.taskMs, start: 300, stop: 600 },
    },
    guestPort: this.guest,
  });
  readonly snapshotId: string;

  constructor() {
    for (const deviceId of ['ide0', 'ide1'])
      void this.world.guest.write('web', deviceId, 0, Buffer.from(`as it was on ${deviceId}`));
    this.snapshotId = this.world.snapshots.create('web', { name: 's', description: '' }, 'me').snapshotId;
    this.wait(5_000);
    for (const source of SOURCES) this.lease(source);
    this.wait(5_000);
  }

  wait(ms: number): void {
    this.nowMs += ms;
    this.world.settle();
  }

  lease(source: Source): void {
    const type = source === 'web' ? 'backup' : 'restore';
    const request = { serverId: source, type, lockTimeSeconds: 60 } as const;
    codeOf(() => this.world.backupResources.create(request, 'me'));
  }

  expire(source: Source): void {
    for (const { id, serverId, status } of this.world.backupResources.list())
      if (serverId === source && status === 'running') this.world.backupResources.expireNow(id);
  }

  /** Disks by number: 0 and 1 are those of `web`, 2 and 3 those of `old`. */
  request(disk: number): HotAddRequest {
    const source = disk < 2 ? 'web' : 'old';
    const diskId = this.world.servers.get(source).disks[disk % 2]?.uuid ?? '';
    return source === 'web'
      ? { diskId, purpose: 'backup', snapshotId: this.snapshotId }
      : { diskId, purpose: 'restore' };
  }

  /** Pieces of the story of one task, oldest first. */
  entriesOf(taskId: string): (JournalEntry & { type: 'task' })[] {
    return this.journal.entries.filter(
      (entry) => entry.type === 'task' && entry.task === taskId,
    ) as (JournalEntry & {
      type: 'task';
    })[];
  }

  /** Ids of the disks that were attached to the proxy at the instant. */
  attachedAt(proxyId: string, atMs: number): string[] {
    return this.journal.entries.flatMap((entry) =>
      entry.type === 'state' && entry.to === 'attached' && entry.server === proxyId && entry.t === atMs
        ? [entry.id]
        : [],
    );
  }

  /** Everything that is lent is given back. */
  end(): void {
    this.wait(10_000);
    for (const source of SOURCES) this.expire(source);
    this.wait(60_000);
  }
}
