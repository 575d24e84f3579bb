import { describe, expect, it } from 'vitest';
import type { GuestPort, HotAddedDisk } from '../../../simulator/domain/hot-add-api.ts';
import { PROXY, clones, lease, proxyWorld, uuidOf } from './proxy-world.ts';
import { codeOf } from './refusal.ts';
import { SERVER, type SmallWorld, finish } from './small-world.ts';

interface Asked {
  readonly disk: HotAddedDisk;
  readonly released: () => void;
}

/** A guest that lets go when the test says so, and what it was told. */
class StubbornGuest implements GuestPort {
  readonly told: string[] = [];
  readonly asked: Asked[] = [];

  plugged(disks: readonly HotAddedDisk[]): void {
    this.told.push(`plugged ${disks.map(({ sourceDeviceId }) => sourceDeviceId).join(' ')}`);
  }

  unplug(disk: HotAddedDisk, released: () => void): void {
    this.told.push(`unplug ${disk.sourceDeviceId}`);
    this.asked.push({ disk, released });
  }

  pulled({ sourceDeviceId }: HotAddedDisk): void {
    this.told.push(`pulled ${sourceDeviceId}`);
  }

  letGo(at: number): void {
    const asked = this.asked[at];
    if (asked === undefined) throw new Error(`nothing was asked ${at}`);
    asked.released();
  }
}

interface Held extends SmallWorld {
  readonly guestPort: StubbornGuest;
  readonly ids: readonly string[];
  readonly snapshotId: string;
  readonly resourceId: string;
}

async function held(): Promise<Held> {
  const guestPort = new StubbornGuest();
  const small = proxyWorld({}, { guestPort });
  const leased = await lease(small);
  await finish(
    small,
    small.world.hotAdd.add(PROXY, clones(small, leased.snapshotId, 'virtio0', 'ide0'), 'me'),
  );
  const ids = ['virtio0', 'ide0'].map((deviceId) => uuidOf(small, deviceId));
  return { ...small, ...leased, guestPort, ids };
}

const statusOf = ({ world }: SmallWorld, { taskId }: { taskId: string }) => world.tasks.get(taskId);

describe('a removal', () => {
  it.each([
    ['from a server that is no proxy', SERVER, ['x'], 'NOT_A_PROXY'],
    ['of nothing', PROXY, [], 'INVALID_PARAMETER'],
    ['of a disk that is not there', PROXY, ['x'], 'DISK_NOT_ATTACHED'],
  ])('%s is refused', async (_title, server, ids, code) => {
    const { world } = await held();
    expect(codeOf(() => world.hotAdd.remove(server, ids, 'me'))).toBe(code);
  });

  it('is refused as a whole when one of its disks is not there', async () => {
    const small = await held();
    expect(codeOf(() => small.world.hotAdd.remove(PROXY, [...small.ids, 'x'], 'me'))).toBe(
      'DISK_NOT_ATTACHED',
    );
    await small.clock.advanceBy(5_000);
    expect(small.world.hotAdd.list()).toHaveLength(2);
  });

  it('asks the guest when it is due, in the order of the call, and ends when all disks are released', async () => {
    const small = await held();
    const { world, clock, guestPort, ids } = small;
    const task = world.hotAdd.remove(PROXY, [...ids, ...ids], 'me');
    await clock.advanceBy(999);
    expect(guestPort.told).toEqual(['plugged virtio0 ide0']);
    await clock.advanceBy(1);
    expect(guestPort.told.slice(1)).toEqual(['unplug virtio0', 'unplug ide0']);
    guestPort.letGo(1);
    expect(world.hotAdd.list().map(({ id }) => id)).toEqual([ids[0]]);
    await clock.advanceBy(20_000);
    expect(statusOf(small, task)).toMatchObject({ status: 'doing', progress: 99 });
    guestPort.letGo(0);
    expect(statusOf(small, task)).toMatchObject({ status: 'finish', progress: 100, endMs: clock.now() });
    expect(world.hotAdd.list()).toEqual([]);
    expect(guestPort.told).not.toContain('pulled ide0');
  });

  it('keeps the disk readable until it is released', async () => {
    const { world, clock, guestPort, ids } = await held();
    const [id = ''] = ids;
    world.hotAdd.remove(PROXY, [id], 'me');
    await clock.advanceBy(1_500);
    expect(codeOf(() => world.hotAdd.device(PROXY, id)?.read(0, 512))).toBe('no error');
    guestPort.letGo(0);
    expect(world.hotAdd.device(PROXY, id)).toBeUndefined();
  });

  it('fails when the guest does not let go in time; the disk stays, and the proxy takes the next task', async () => {
    const small = await held();
    const { world, clock, guestPort, ids } = small;
    const task = world.hotAdd.remove(PROXY, ids, 'me');
    await clock.advanceBy(2_000);
    guestPort.letGo(0);
    await clock.advanceBy(58_999);
    expect(statusOf(small, task).status).toBe('doing');
    await clock.advanceBy(1);
    expect(statusOf(small, task)).toMatchObject({
      status: 'failure',
      description: expect.stringContaining('did not release') as string,
    });
    expect(world.hotAdd.list().map(({ id }) => id)).toEqual([ids[1]]);
    const again = world.hotAdd.remove(PROXY, [ids[1] ?? ''], 'me');
    await clock.advanceBy(1_000);
    guestPort.letGo(2);
    expect(statusOf(small, again).status).toBe('finish');
  });

  it('waits as long as the world is told to', async () => {
    const small = proxyWorld({}, { settings: { unplugTimeoutSeconds: 5 }, guestPort: new StubbornGuest() });
    const { snapshotId } = await lease(small);
    await finish(small, small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'me'));
    const task = small.world.hotAdd.remove(PROXY, [uuidOf(small, 'ide0')], 'me');
    await small.clock.advanceBy(5_999);
    expect(statusOf(small, task).status).toBe('doing');
    await small.clock.advanceBy(1);
    expect(statusOf(small, task).status).toBe('failure');
  });

  it('that came too late takes the disk away when the guest lets go at last', async () => {
    const { world, clock, guestPort, ids } = await held();
    world.hotAdd.remove(PROXY, ids, 'me');
    await clock.advanceBy(100_000);
    guestPort.letGo(0);
    guestPort.letGo(1);
    expect(world.hotAdd.list()).toEqual([]);
  });

  it('that came too late leaves alone what was attached anew', async () => {
    const small = await held();
    const { world, clock, guestPort, ids } = small;
    world.hotAdd.remove(PROXY, ids, 'me');
    await clock.advanceBy(100_000);
    await finish(small, world.servers.stop(PROXY, { force: true }, 'me'));
    await finish(small, world.servers.start(PROXY, 'me'));
    await finish(small, world.hotAdd.add(PROXY, clones(small, small.snapshotId, 'ide0', 'virtio0'), 'me'));
    guestPort.letGo(0);
    guestPort.letGo(1);
    expect(world.hotAdd.list()).toHaveLength(2);
  });

  it('ends the first task when the guest answers the request of the second', async () => {
    const small = await held();
    const { world, clock, guestPort, ids } = small;
    const [id = ''] = ids;
    world.hotAdd.remove(PROXY, [id], 'me');
    await clock.advanceBy(61_000);
    const second = world.hotAdd.remove(PROXY, [id], 'me');
    await clock.advanceBy(1_000);
    guestPort.letGo(0);
    expect(statusOf(small, second).status).toBe('finish');
  });

  it('fails at once when a disk is pulled meanwhile', async () => {
    const small = await held();
    const { world, clock, guestPort, ids } = small;
    const task = world.hotAdd.remove(PROXY, ids, 'me');
    await clock.advanceBy(1_500);
    guestPort.letGo(0);
    world.backupResources.expireNow(small.resourceId);
    expect(statusOf(small, task)).toMatchObject({
      status: 'failure',
      endMs: clock.now(),
      description: expect.stringContaining('detached meanwhile') as string,
    });
    expect(guestPort.told.at(-1)).toBe('pulled ide0');
    expect(guestPort.told).not.toContain('pulled virtio0');
    guestPort.letGo(1);
    await clock.advanceBy(100_000);
    expect(statusOf(small, task).status).toBe('failure');
  });

  it('fails without asking when a disk is gone before it is due', async () => {
    const small = await held();
    const { world, guestPort, ids } = small;
    const task = world.hotAdd.remove(PROXY, ids, 'me');
    await finish(small, world.servers.stop(PROXY, { force: true }, 'me'));
    expect(await finish(small, task)).toMatchObject({ status: 'failure' });
    expect(guestPort.asked).toEqual([]);
  });

  it('tells its steps in the journal', async () => {
    const small = await held();
    const { taskId } = small.world.hotAdd.remove(PROXY, small.ids, 'me');
    await small.clock.advanceBy(3_000);
    for (const at of [0, 1]) small.guestPort.letGo(at);
    const lines = small.journal.entries.flatMap((entry) =>
      entry.type === 'task' && entry.task === taskId
        ? [`${entry.progress} ${entry.status}: ${entry.description ?? ''}`]
        : [],
    );
    expect(lines).toEqual([
      '-2 waiting: ',
      '0 doing: ',
      '0 doing: checked 2 disks',
      '99 doing: the guest is asked to let go',
      '99 doing: detached',
      '100 finish: ',
    ]);
    const ends = small.journal.entries.filter((entry) => entry.type === 'state' && entry.to === 'deleted');
    expect(ends).toMatchObject([
      { why: 'removed by me', detail: { slot: 'virtio0' } },
      { why: 'removed by me' },
    ]);
  });
});

describe('the guest', () => {
  it('is told of the disks of a call together, once, and can read them then', async () => {
    const seen: (readonly HotAddedDisk[])[] = [];
    const readable: boolean[] = [];
    const small = proxyWorld(
      {},
      {
        guestPort: {
          plugged(disks) {
            seen.push(disks);
            for (const { id } of disks) readable.push(small.world.hotAdd.device(PROXY, id) !== undefined);
          },
          unplug: (_disk, released) => released(),
          pulled: () => undefined,
        },
      },
    );
    const { snapshotId } = await lease(small);
    await finish(small, small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'virtio0', 'ide0'), 'me'));
    expect(seen).toEqual([small.world.hotAdd.list()]);
    expect(readable).toEqual([true, true]);
  });

  it('is told nothing of a task that failed', async () => {
    const small = await held();
    const { world, guestPort } = small;
    const old = guestPort.told.length;
    const other = uuidOf(small, 'ide0');
    world.hotAdd.remove(PROXY, [other], 'me');
    const loser = world.hotAdd.remove(PROXY, [other], 'me');
    await finish(small, loser);
    expect(guestPort.told.slice(old)).toEqual([]);
  });
});
