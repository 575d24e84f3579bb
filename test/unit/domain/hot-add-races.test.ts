import { describe, expect, it } from 'vitest';
import { API_ERRORS } from '../../../src/contract/errors.ts';
import type { ApiErrorCode } from '../../../src/contract/errors.ts';
import {
  OTHER_PROXY,
  PROXY,
  clones,
  lease,
  liveDisks,
  proxyWorld,
  restoreLease,
  uuidOf,
} from './proxy-world.ts';
import { codeOf } from './refusal.ts';
import { SERVER, type SmallWorld, finish } from './small-world.ts';

const failed = (code: ApiErrorCode) => ({
  status: 'failure',
  description: expect.stringContaining(API_ERRORS[code].message) as string,
});
const WON = { status: 'finish', description: '' };

const devicesOn = ({ world }: SmallWorld, proxy = PROXY) =>
  world.hotAdd.list(proxy).map((disk) => disk.sourceDeviceId);

/** A snapshot, a resource, and `virtio0` attached already. */
async function halfAdded(small: SmallWorld): Promise<{ snapshotId: string; resourceId: string }> {
  const leased = await lease(small);
  await finish(small, small.world.hotAdd.add(PROXY, clones(small, leased.snapshotId, 'virtio0'), 'me'));
  return leased;
}

describe('two HotAdd tasks on one proxy', () => {
  it('in the same millisecond: the second call is accepted and its task fails, with nothing added', async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    const winner = small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'one');
    const loser = small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'virtio0'), 'two');
    expect(await finish(small, loser)).toEqual(failed('HOTADD_CONFLICT'));
    expect(devicesOn(small)).toEqual([]);
    expect(await finish(small, winner)).toEqual(WON);
    expect(devicesOn(small)).toEqual(['ide0']);
  });

  it('add against remove: the remove fails and the disk stays', async () => {
    const small = proxyWorld();
    const { snapshotId } = await halfAdded(small);
    const add = small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'one');
    const remove = small.world.hotAdd.remove(PROXY, [uuidOf(small, 'virtio0')], 'two');
    expect([await finish(small, remove), await finish(small, add)]).toEqual([failed('HOTADD_CONFLICT'), WON]);
    expect(devicesOn(small)).toEqual(['virtio0', 'ide0']);
  });

  it('remove against add: the add fails', async () => {
    const small = proxyWorld();
    const { snapshotId } = await halfAdded(small);
    const remove = small.world.hotAdd.remove(PROXY, [uuidOf(small, 'virtio0')], 'one');
    await small.clock.advanceBy(999);
    const add = small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'two');
    expect([await finish(small, add), await finish(small, remove)]).toEqual([failed('HOTADD_CONFLICT'), WON]);
    expect(devicesOn(small)).toEqual([]);
  });

  it('remove against remove of the same disk: the second fails with the race, not with the missing disk', async () => {
    const small = proxyWorld();
    await halfAdded(small);
    const id = uuidOf(small, 'virtio0');
    const [one, two] = [1, 2].map(() => small.world.hotAdd.remove(PROXY, [id], 'me'));
    if (!one || !two) throw new Error('no tasks');
    expect([await finish(small, two), await finish(small, one)]).toEqual([failed('HOTADD_CONFLICT'), WON]);
  });

  it('add against remove of the very disks that are being added, and of the very disks that are being removed', async () => {
    const small = proxyWorld();
    const { world } = small;
    const { snapshotId } = await halfAdded(small);
    const ide = clones(small, snapshotId, 'ide0');
    const add = world.hotAdd.add(PROXY, ide, 'one');
    const early = world.hotAdd.remove(PROXY, [uuidOf(small, 'ide0')], 'two');
    expect([await finish(small, early), await finish(small, add)]).toEqual([failed('HOTADD_CONFLICT'), WON]);
    const remove = world.hotAdd.remove(PROXY, [uuidOf(small, 'ide0')], 'one');
    const again = world.hotAdd.add(PROXY, ide, 'two');
    expect([await finish(small, again), await finish(small, remove)]).toEqual([
      failed('HOTADD_CONFLICT'),
      WON,
    ]);
    expect(devicesOn(small)).toEqual(['virtio0']);
  });

  it('remove against add of the same disk to restore: the add meets the race, not the disk that is going', async () => {
    const small = proxyWorld({ isRunning: false });
    const { world } = small;
    await restoreLease(small);
    const disks = liveDisks(small, 'ide0');
    await finish(small, world.hotAdd.add(PROXY, disks, 'me'));
    const remove = world.hotAdd.remove(PROXY, [uuidOf(small, 'ide0')], 'one');
    expect(codeOf(() => world.hotAdd.add(OTHER_PROXY, disks, 'two'))).toBe('DISK_ATTACHED');
    const add = world.hotAdd.add(PROXY, disks, 'two');
    expect([await finish(small, add), await finish(small, remove)]).toEqual([failed('HOTADD_CONFLICT'), WON]);
  });

  it('a call that nothing can save is refused at once all the same', async () => {
    const small = proxyWorld();
    const { world } = small;
    const { snapshotId } = await halfAdded(small);
    world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'one');
    expect(codeOf(() => world.hotAdd.add(PROXY, clones(small, 'nothing', 'ide0'), 'two'))).toBe(
      'UNKNOWN_SNAPSHOT',
    );
    expect(codeOf(() => world.hotAdd.remove(PROXY, [], 'two'))).toBe('INVALID_PARAMETER');
  });

  it('three at once: the third fails too, although the second is over', async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    const disks = clones(small, snapshotId, 'ide0');
    small.world.hotAdd.add(PROXY, disks, 'one');
    const two = small.world.hotAdd.add(PROXY, disks, 'two');
    expect(await finish(small, two)).toEqual(failed('HOTADD_CONFLICT'));
    const three = small.world.hotAdd.add(PROXY, disks, 'three');
    expect(await finish(small, three)).toEqual(failed('HOTADD_CONFLICT'));
  });

  it('one after the other, at the very instant at which the first ends, both succeed', async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    const one = small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'one');
    await small.clock.advanceBy(2_000);
    const two = small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'virtio0'), 'two');
    expect([await finish(small, one), await finish(small, two)]).toEqual([WON, WON]);
    expect(devicesOn(small)).toEqual(['ide0', 'virtio0']);
  });

  it('on two proxies at once: both succeed', async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    const disks = clones(small, snapshotId, 'ide0');
    const tasks = [PROXY, OTHER_PROXY].map((proxy) => small.world.hotAdd.add(proxy, disks, 'me'));
    for (const task of tasks) expect(await finish(small, task)).toEqual(WON);
    expect(small.world.hotAdd.list().map(({ proxyId }) => proxyId)).toEqual([PROXY, OTHER_PROXY]);
  });

  it('a restored disk that two proxies are given at once: one gets it', async () => {
    const small = proxyWorld({ isRunning: false });
    await restoreLease(small);
    const disks = liveDisks(small, 'ide0');
    const [one, two] = [PROXY, OTHER_PROXY].map((proxy) => small.world.hotAdd.add(proxy, disks, 'me'));
    if (!one || !two) throw new Error('no tasks');
    expect([await finish(small, one), await finish(small, two)]).toEqual([WON, failed('DISK_ATTACHED')]);
    expect(small.world.hotAdd.list().map(({ proxyId }) => proxyId)).toEqual([PROXY]);
  });
});

describe('an add task', () => {
  const changes: readonly [
    string,
    ApiErrorCode,
    (small: SmallWorld, leased: { resourceId: string }) => void,
  ][] = [
    [
      'the proxy was powered off',
      'SERVER_STATE',
      ({ world }) => world.servers.stop(PROXY, { force: true }, 'me'),
    ],
    [
      'the proxy is being shut down',
      'SERVER_STATE',
      ({ world }) => world.servers.stop(PROXY, { force: false }, 'me'),
    ],
    ["the proxy's host went offline", 'SERVER_STATE', ({ world }) => world.setHostOnline('host-b', false)],
    [
      'the datastore went offline',
      'DATASTORE_UNREACHABLE',
      ({ world }) => world.setDatastoreOnline('store-1', false),
    ],
    [
      'the backup resource has expired',
      'NO_BACKUP_RESOURCE',
      ({ world }, { resourceId }) => world.backupResources.expireNow(resourceId),
    ],
    [
      'the proxy is none any more',
      'NOT_A_PROXY',
      ({ world }) => world.servers.edit(PROXY, { osName: '' }, 'me'),
    ],
  ];

  it.each(changes)('fails at its end, with nothing added, when %s meanwhile', async (_why, code, change) => {
    const small = proxyWorld({}, { proxyHostId: 'host-b' });
    const leased = await lease(small);
    const task = small.world.hotAdd.add(PROXY, clones(small, leased.snapshotId, 'ide0', 'virtio0'), 'me');
    await small.clock.advanceBy(100);
    change(small, leased);
    await small.clock.advanceBy(1_899);
    expect(small.world.tasks.get(task.taskId).status).toBe('doing');
    expect(await finish(small, task)).toEqual(failed(code));
    expect(small.world.hotAdd.list()).toEqual([]);
  });

  it('fails when its snapshot is being deleted meanwhile', async () => {
    const small = proxyWorld();
    const { world } = small;
    const old = world.snapshots.create(SERVER, { name: 'old', description: '' }, 'me');
    await finish(small, old);
    await lease(small);
    const task = world.hotAdd.add(PROXY, clones(small, old.snapshotId, 'ide0'), 'me');
    await small.clock.advanceBy(1_500);
    world.snapshots.delete(SERVER, [old.snapshotId], 'me');
    expect(await finish(small, task)).toEqual(failed('UNKNOWN_SNAPSHOT'));
  });

  it('fails when another backup resource has taken the place of its own', async () => {
    const small = proxyWorld({}, { taskMs: { 'backup-resource.create': 100 } });
    const { world } = small;
    const leased = await lease(small);
    const task = world.hotAdd.add(PROXY, clones(small, leased.snapshotId, 'ide0'), 'me');
    world.backupResources.expireNow(leased.resourceId);
    const again = { serverId: SERVER, type: 'backup', lockTimeSeconds: 60 } as const;
    await finish(small, world.backupResources.create(again, 'me'));
    expect(await finish(small, task)).toEqual(failed('NO_BACKUP_RESOURCE'));
  });

  it('fails when the proxy was off and on again meanwhile', async () => {
    const small = proxyWorld({}, { taskMs: { start: 200 } });
    const { world } = small;
    const { snapshotId } = await lease(small);
    const task = world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'me');
    await finish(small, world.servers.stop(PROXY, { force: true }, 'me'));
    await finish(small, world.servers.start(PROXY, 'me'));
    expect(world.tasks.get(task.taskId).status).toBe('doing');
    expect(await finish(small, task)).toEqual(failed('SERVER_STATE'));
  });

  it('leaves the proxy usable, whatever way it ends', async () => {
    const small = proxyWorld();
    const { world } = small;
    const { snapshotId, resourceId } = await lease(small);
    const disks = clones(small, snapshotId, 'ide0');
    const task = world.hotAdd.add(PROXY, disks, 'me');
    world.backupResources.expireNow(resourceId);
    await finish(small, task);
    const again = await lease(small);
    const second = world.hotAdd.add(PROXY, clones(small, again.snapshotId, 'ide0'), 'me');
    expect(await finish(small, second)).toEqual(WON);
    expect(codeOf(() => world.servers.stop(PROXY, { force: true }, 'me'))).toBe('no error');
  });

  it('tells its steps in the journal', async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    const { taskId } = small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0', 'virtio0'), 'me');
    await finish(small, { taskId });
    const lines = small.journal.entries.flatMap((entry) =>
      entry.type === 'task' && entry.task === taskId ? [`${entry.status}: ${entry.description ?? ''}`] : [],
    );
    expect(lines).toEqual([
      'waiting: ',
      'doing: ',
      'doing: checked 2 disks',
      'doing: linked clones created',
      'doing: attached as virtio0, virtio1',
      'finish: ',
    ]);
  });
});
