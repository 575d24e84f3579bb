/** Random lives of a server with two small disks, against arrays of bytes. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/contract/errors.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { Journal } from '../../../src/kernel/journal.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { createWorld } from '../../../simulator/domain/create-world.ts';
import type { World } from '../../../simulator/domain/world-api.ts';
import { DEFAULT_SETTINGS } from '../../../simulator/domain/default-settings.ts';
import { SERVER, START_MS, emptyDisk, inventory, serverSpec } from '../../unit/domain/small-world.ts';
import { ByteModel, type ModelDisk, type ModelSnapshot, askChanged } from './byte-model.ts';

const GRAIN = 512;
const SIZES = { ide0: 11 * GRAIN + 100, virtio0: 5 * GRAIN };

const GRID = 4;
const place = {
  disk: fc.nat(1),
  /** In quarters of a block, so that borders of blocks are met often. */
  at: fc.nat(12 * GRID),
  quarters: fc.oneof(fc.integer({ min: 1, max: 3 * GRID }), fc.constant(12 * GRID)),
  isHalved: fc.boolean(),
};
const change = (kind: 'zero' | 'trim' | 'synthetic' | 'copy') =>
  fc.record({ kind: fc.constant(kind), ...place });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('write' as const), fill: fc.nat(255), ...place }),
  },
  { weight: 2, arbitrary: change('zero') },
  { weight: 2, arbitrary: change('trim') },
  { weight: 3, arbitrary: change('synthetic') },
  { weight: 3, arbitrary: change('copy') },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('snapshot' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revert' as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('enable' as const, 'enable' as const, 'disable' as const),
      disks: fc.subarray(['ide0', 'virtio0'], { minLength: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Everything takes no time, so that the test needs no clock. */
function instantWorld(): World {
  const clock = new VirtualClock(START_MS);
  const rng = createRng('history');
  const names = Object.keys(DEFAULT_SETTINGS.taskMs);
  const taskMs = Object.fromEntries(names.map((name) => [name, 0])) as typeof DEFAULT_SETTINGS.taskMs;
  const disks = Object.entries(SIZES).map(([deviceId, size]) => emptyDisk(deviceId, size));
  return createWorld({
    id: 'w',
    seed: 'history',
    clock,
    ids: createIdSource(rng),
    rng,
    journal: new Journal({ now: () => clock.now(), capacity: 10 }),
    inventory: inventory([serverSpec({ isRunning: false, disks })]),
    settings: {
      granularityBytes: GRAIN,
      taskMs,
      mergeBytesPerSecond: 0,
      snapshotLimit: 1000,
      changedAreasCoverBytes: 7 * GRAIN,
      changedAreasPerPage: 2,
    },
  });
}

function rangeOf(given: { at: number; quarters: number }, size: number): { offset: number; length: number } {
  const offset = Math.min((given.at * GRAIN) / GRID, size - 1);
  return { offset, length: Math.min((given.quarters * GRAIN) / GRID, size - offset) };
}

function bytesOf(world: World, disk: ModelDisk): Uint8Array {
  return world.guest.read(SERVER, disk.deviceId, 0, disk.bytes.length) as Uint8Array;
}

class Life {
  readonly world = instantWorld();
  readonly model = new ByteModel(SIZES, GRAIN);
  readonly kept: ModelSnapshot[] = [];

  live(given: Step): void {
    const { world, model } = this;
    switch (given.kind) {
      case 'write':
      case 'zero':
      case 'trim':
      case 'synthetic':
      case 'copy':
        return this.change(given);
      case 'snapshot': {
        const { snapshotId } = world.snapshots.create(SERVER, { name: 's', description: '' }, 'test');
        model.snapshot(snapshotId, world.snapshots.get(SERVER, snapshotId).checkpointId);
        this.kept.push(...model.history.slice(-1));
        return;
      }
      case 'delete': {
        const [gone] = this.kept.splice(given.which % Math.max(this.kept.length, 1), 1);
        if (gone !== undefined) world.snapshots.delete(SERVER, [gone.id], 'test');
        return;
      }
      case 'revert': {
        const back = this.kept[given.which % Math.max(this.kept.length, 1)];
        if (back === undefined) return;
        world.snapshots.recover(SERVER, back.id, { backup: false, powerOn: false }, 'test');
        model.revert(back);
        return;
      }
      case 'enable':
      case 'disable':
        world.cbt.set(SERVER, given.kind, given.disks, 'test');
        model[given.kind](model.disks.filter((disk) => given.disks.includes(disk.deviceId)));
        return;
      case 'reset':
        world.cbt.set(SERVER, 'reset', undefined, 'test');
        model.reset();
    }
  }

  change(given: Extract<Step, { disk: number }>): void {
    const { guest } = this.world;
    const disk = this.model.disks[given.disk];
    if (disk === undefined) return;
    const size = disk.bytes.length;
    const { offset, length } = rangeOf(given, size);
    const firstBlock = Math.floor(offset / GRAIN);
    const count = Math.max(1, Math.floor(length / GRAIN));
    switch (given.kind) {
      case 'write': {
        const data = new Uint8Array(length).map((_, at) => (given.fill === 0 ? 0 : (given.fill + at) & 255));
        void guest.write(SERVER, disk.deviceId, offset, data);
        return this.model.write(disk, offset, data);
      }
      case 'zero':
        void guest.zero(SERVER, disk.deviceId, offset, length);
        return this.model.write(disk, offset, new Uint8Array(length));
      case 'trim':
        guest.trim(SERVER, disk.deviceId, offset, length);
        return this.model.trim(disk, offset, length);
      case 'synthetic': {
        guest.writeSynthetic(SERVER, disk.deviceId, firstBlock, count);
        const end = Math.min((firstBlock + count) * GRAIN, size);
        return this.model.write(
          disk,
          firstBlock * GRAIN,
          bytesOf(this.world, disk).slice(firstBlock * GRAIN, end),
        );
      }
      // As a restore does: what the disk (or its twin) holds is written somewhere, perhaps in two halves.
      case 'copy': {
        const source = this.model.disks[1 - given.disk] ?? disk;
        const data = source.bytes.slice(0, Math.min(source.bytes.length, size - firstBlock * GRAIN));
        const half = given.isHalved ? Math.min(200, data.length) : data.length;
        void guest.write(SERVER, disk.deviceId, firstBlock * GRAIN, data.slice(0, half));
        void guest.write(SERVER, disk.deviceId, firstBlock * GRAIN + half, data.slice(half));
        return this.model.write(disk, firstBlock * GRAIN, data);
      }
    }
  }

  check(): void {
    for (const disk of this.model.disks) {
      expect(Buffer.from(bytesOf(this.world, disk)).equals(disk.bytes)).toBe(true);
      const { disks } = this.world.servers.get(SERVER);
      const found = disks.find((candidate) => candidate.deviceId === disk.deviceId);
      expect(found?.allocatedBytes).toBe(this.allocatedBytes(disk));
      for (const snapshot of this.kept) this.checkSnapshot(disk, snapshot);
    }
    expect(this.world.snapshots.list(SERVER).map((snapshot) => snapshot.id)).toEqual(
      this.kept.map((snapshot) => snapshot.id),
    );
  }

  checkSnapshot(disk: ModelDisk, snapshot: ModelSnapshot): void {
    const { deviceId } = disk;
    const then = snapshot.disks.get(deviceId)?.bytes ?? new Uint8Array();
    const { guest } = this.world;
    const bytes = guest.readSnapshot(SERVER, snapshot.id, deviceId, 0, then.length) as Uint8Array;
    expect(Buffer.from(bytes).equals(then)).toBe(true);
    for (const base of [undefined, ...this.model.history]) {
      const query = {
        serverId: SERVER,
        deviceId,
        snapshotId: snapshot.id,
        checkpointId: base?.checkpointId ?? 0,
      };
      expect(askChanged(this.world, query, then.length)).toEqual(this.model.changed(disk, snapshot, base));
    }
  }

  allocatedBytes(disk: ModelDisk): number {
    const size = disk.bytes.length;
    return disk.allocated.reduce(
      (sum, isAllocated, block) => sum + (isAllocated ? Math.min(GRAIN, size - block * GRAIN) : 0),
      0,
    );
  }
}

describe('a server with two disks', () => {
  it('holds on its disks and snapshots, and reports as changed, what arrays of bytes say', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), fc.boolean(), (steps, isTracked) => {
        const life = new Life();
        if (isTracked) life.live({ kind: 'enable', disks: ['ide0', 'virtio0'] });
        for (const given of steps) {
          life.live(given);
          life.world.settle();
        }
        life.check();
      }),
      { numRuns: 300 },
    );
  });

  it('refuses to delete or read what is not there', () => {
    const { world } = new Life();
    expect(() => world.snapshots.delete(SERVER, ['nothing'], 'test')).toThrow(ApiError);
    expect(() => world.guest.readSnapshot(SERVER, 'nothing', 'ide0', 0, 1)).toThrow(ApiError);
  });
});
