/** Random lives of two proxies: adds, removals, power, leases, datastores and a guest that may be stubborn. */
import * as fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { API_ERRORS } from '../../../src/contract/errors.ts';
import type { HotAddedDisk } from '../../../simulator/domain/hot-add-api.ts';
import { DiskImage } from '../../../simulator/store/disk-image.ts';
import { codeOf } from '../../unit/domain/refusal.ts';
import { GRAIN } from '../../unit/domain/small-world.ts';
import { CELLS, DISK_LIMIT, HotAddLife, PROXIES, SOURCES, keyOf } from './hot-add-life.ts';

const proxy = fc.constantFrom(...PROXIES);
const source = fc.constantFrom(...SOURCES);
const disks = fc.oneof(
  { weight: 3, arbitrary: fc.nat(3).map((disk) => [disk]) },
  { weight: 2, arbitrary: fc.uniqueArray(fc.nat(3), { minLength: 2, maxLength: 4 }) },
);
const kind = <Kind extends string>(name: Kind) => fc.constant(name);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: kind('add'), proxy, disks }) },
  { weight: 5, arbitrary: fc.record({ kind: kind('remove'), proxy, disks }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: kind('write'), proxy, disk: fc.nat(3), cell: fc.nat(CELLS - 1) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('stop'), proxy }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('start'), proxy }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('expire'), source }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('lease'), source }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('store'), isOnline: fc.nat(5).map((dice) => dice > 0) }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('guest'), letsGoAtOnce: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('let go') }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('wait'), ms: fc.constant(60_000) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: kind('wait'),
      ms: fc.constantFrom(0, 1, 200, 500, 999, 1_000, 1_999, 2_000, 2_000, 3_000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Call {
  readonly taskId: string;
  readonly proxy: string;
  /** Of the disks to add; absent for a removal. */
  readonly added?: readonly string[];
}

/** The guest writes marks, at one place in each of the first blocks of a disk. */
const MARK_BYTES = 6;
const UNWRITTEN = '\0'.repeat(MARK_BYTES);
const markAt = (cell: number): number => cell * GRAIN + 100;
const cells = (read: (offset: number) => Buffer): string[] =>
  Array.from({ length: CELLS }, (_, cell) => read(markAt(cell)).toString());

const CONFLICT = API_ERRORS.HOTADD_CONFLICT.message;

class Story {
  readonly life = new HotAddLife();
  readonly calls: Call[] = [];
  /** Bytes that the guest wrote, by attachment and cell. */
  readonly written = new Map<string, string>();
  #marks = 0;

  live(given: Step): void {
    const { life } = this;
    const { world, guest } = life;
    switch (given.kind) {
      case 'wait':
        return life.wait(given.ms);
      case 'add':
        return this.add(given.proxy, given.disks);
      case 'remove':
        return this.remove(given.proxy, given.disks);
      case 'write':
        return this.write(given.proxy, given.disk, given.cell);
      case 'stop':
        return void codeOf(() => world.servers.stop(given.proxy, { force: false }, 'me'));
      case 'start':
        return void codeOf(() => world.servers.start(given.proxy, 'me'));
      case 'lease':
        return life.lease(given.source);
      case 'expire':
        return life.expire(given.source);
      case 'store':
        return world.setDatastoreOnline('store-1', given.isOnline);
      case 'guest':
        guest.letsGoAtOnce = given.letsGoAtOnce;
        return;
      case 'let go':
        for (const leave of guest.waiting.splice(0)) leave();
    }
  }

  add(proxyId: string, numbers: readonly number[]): void {
    const requests = numbers.map((number) => this.life.request(number));
    codeOf(() => {
      const { taskId } = this.life.world.hotAdd.add(proxyId, requests, 'me');
      const added = requests.map(({ diskId }) => diskId);
      this.calls.push({ taskId, proxy: proxyId, added });
    });
  }

  remove(proxyId: string, numbers: readonly number[]): void {
    const attached = this.life.world.hotAdd.list(proxyId);
    const ids = numbers.map((number) => (attached[number] ?? { id: this.life.request(number).diskId }).id);
    codeOf(() => {
      const { taskId } = this.life.world.hotAdd.remove(proxyId, ids, 'me');
      this.calls.push({ taskId, proxy: proxyId });
    });
  }

  write(proxyId: string, number: number, cell: number): void {
    const { diskId, purpose } = this.life.request(number);
    const disk = this.life.world.hotAdd.list(proxyId).find(({ id }) => id === diskId);
    const device = this.life.world.hotAdd.device(proxyId, diskId);
    expect(device === undefined).toBe(disk === undefined);
    if (disk === undefined) return;
    const mark = String(++this.#marks).padStart(MARK_BYTES, '0');
    void device?.write(markAt(cell), Buffer.from(mark));
    if (purpose === 'backup') this.written.set(this.cellKey(disk, cell), mark);
  }

  cellKey(disk: HotAddedDisk, cell: number): string {
    return `${keyOf(disk)}/${disk.attachedAtMs}/${cell}`;
  }

  check(): void {
    const { world, guest } = this.life;
    const list = world.hotAdd.list();
    expect(list.map(keyOf).toSorted()).toEqual([...guest.devices.keys()].toSorted());
    for (const proxyId of PROXIES) this.checkProxy(proxyId);
    const live = list.filter(({ purpose }) => purpose === 'restore').map(({ id }) => id);
    expect(new Set(live).size).toBe(live.length);
    for (const disk of list) this.checkDisk(disk);
    this.checkSnapshot();
  }

  checkProxy(proxyId: string): void {
    const { world } = this.life;
    const disks = world.hotAdd.list(proxyId);
    const { used, limit } = world.hotAdd.slots(proxyId);
    expect([used, limit]).toEqual([disks.length + 1, DISK_LIMIT]);
    expect(used).toBeLessThanOrEqual(limit);
    expect(new Set(disks.map(({ slot }) => slot)).size).toBe(disks.length);
    expect(new Set(disks.map(({ id }) => id)).size).toBe(disks.length);
    const { status, disks: shown } = world.servers.get(proxyId);
    if (disks.length > 0) expect(['running', 'stopping']).toContain(status);
    expect(shown.slice(1).map(({ uuid, deviceId }) => [uuid, deviceId])).toEqual(
      disks.map(({ id, slot }) => [id, slot]),
    );
  }

  checkDisk(disk: HotAddedDisk): void {
    const { world } = this.life;
    const resource = world.backupResources.get(disk.resourceId ?? '');
    expect(resource).toMatchObject({ status: 'running', type: disk.purpose, serverId: disk.sourceServerId });
    expect(world.datastores.every(({ id, isOnline }) => id !== 'store-1' || isOnline)).toBe(true);
    if (disk.purpose !== 'backup') return;
    const device = world.hotAdd.device(disk.proxyId, disk.id);
    const read = cells((offset) => {
      const pieces = device?.read(offset, MARK_BYTES);
      if (pieces === undefined || pieces instanceof Promise) throw new Error('not read at once');
      return Buffer.concat(pieces);
    });
    expect(read).toEqual(read.map((_, cell) => this.written.get(this.cellKey(disk, cell)) ?? UNWRITTEN));
  }

  checkSnapshot(): void {
    const { world, snapshotId } = this.life;
    for (const deviceId of ['ide0', 'ide1']) {
      const read = (offset: number, length: number): Buffer => {
        const bytes = world.guest.readSnapshot('web', snapshotId, deviceId, offset, length);
        if (bytes instanceof Promise) throw new Error('not read at once');
        return Buffer.from(bytes);
      };
      const then = `as it was on ${deviceId}`;
      expect([read(0, then.length).toString(), ...cells((offset) => read(offset, MARK_BYTES))]).toEqual([
        then,
        ...cells(() => Buffer.from(UNWRITTEN)),
      ]);
    }
  }

  /** Tasks of a proxy never work side by side; a call loses exactly when another one was at work. */
  checkTasks(): void {
    const { life } = this;
    // By place in the journal: a task may end at the instant of a call, before it or after it.
    const worksUntil = new Map<string, number>();
    for (const { taskId, proxy: proxyId, added } of this.calls) {
      const entries = life.entriesOf(taskId);
      const isBeaten = entries.at(-1)?.description?.startsWith(CONFLICT) === true;
      expect(isBeaten, `task ${taskId}`).toBe((entries[0]?.n ?? 0) < (worksUntil.get(proxyId) ?? 0));
      if (!isBeaten) worksUntil.set(proxyId, entries.at(-1)?.n ?? 0);
      if (added !== undefined) this.checkAdded(taskId, proxyId, added);
    }
  }

  /** All of them at the task's end, or none at all. */
  checkAdded(taskId: string, proxyId: string, added: readonly string[]): void {
    const entries = this.life.entriesOf(taskId);
    const end = entries.at(-1);
    const said = entries.find(({ description }) => description?.startsWith('attached as') === true);
    const attached = this.life.attachedAt(proxyId, end?.t ?? 0);
    if (end?.status === 'finish') expect(attached).toEqual(added);
    else expect(said).toBeUndefined();
    // Where a task lost the race, the winner may have ended at the same instant.
    const isBeaten = end?.description?.startsWith(CONFLICT) === true;
    if (end?.status === 'failure' && !isBeaten) expect(attached).toEqual([]);
  }
}

describe('two proxies', () => {
  const made = vi.spyOn(DiskImage, 'cloneOf');
  afterAll(() => {
    made.mockRestore();
  });

  it('keep their promises through any life', () => {
    const ends = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 90, size: 'max' }), (steps) => {
        made.mockClear();
        const story = new Story();
        for (const given of steps) {
          story.live(given);
          story.check();
        }
        story.life.end();
        story.check();
        story.checkTasks();
        expect(story.life.world.hotAdd.list()).toEqual([]);
        // The one block that was really written before the snapshot.
        for (const { value } of made.mock.results) expect((value as DiskImage).keptBlockCount).toBe(1);
        for (const { taskId } of story.calls) count(ends, story.life.world.tasks.get(taskId));
      }),
      { numRuns: 100 },
    );
    // The lives were rich enough to mean something.
    for (const end of [
      'finish',
      'HOTADD_CONFLICT',
      'SERVER_STATE',
      'NO_BACKUP_RESOURCE',
      'UNPLUG_TIMEOUT',
      'DISK_ATTACHED',
    ])
      expect(ends.get(end) ?? 0, end).toBeGreaterThan(0);
  });
});

function count(ends: Map<string, number>, task: { status: string; description: string }): void {
  const code = Object.entries(API_ERRORS).find(([, { message }]) =>
    task.description.startsWith(message),
  )?.[0];
  const end = code ?? task.status;
  ends.set(end, (ends.get(end) ?? 0) + 1);
}
