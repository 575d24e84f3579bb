import { describe, expect, it } from 'vitest';
import { codeOf } from './refusal.ts';
import {
  DISK,
  SERVER,
  START_MS,
  type SmallWorld,
  emptyDisk,
  finish,
  serverSpec,
  smallWorld,
} from './small-world.ts';

type Kind = 'backup' | 'restore';

const stopped = (): SmallWorld => smallWorld([serverSpec({ isRunning: false })]);

async function withSnapshot(small: SmallWorld): Promise<string> {
  const made = small.world.snapshots.create(SERVER, { name: 's', description: '' }, 'me');
  await finish(small, made);
  return made.snapshotId;
}

function create(small: SmallWorld, type: Kind, lockTimeSeconds = 60, more: object = {}) {
  return small.world.backupResources.create({ serverId: SERVER, type, lockTimeSeconds, ...more }, 'me');
}

/** A running resource and the instant at which it began to run. */
async function running(small: SmallWorld, type: Kind, lockTimeSeconds = 60) {
  if (type === 'backup') await withSnapshot(small);
  const { taskId, resourceId } = create(small, type, lockTimeSeconds);
  await finish(small, { taskId });
  return { id: resourceId, sinceMs: small.world.tasks.get(taskId).endMs ?? 0 };
}

const statusOf = (small: SmallWorld, id: string): string => small.world.backupResources.get(id).status;

describe('a backup resource', () => {
  it('is pending until its task ends, then runs for its lock time', async () => {
    const small = smallWorld();
    await withSnapshot(small);
    const { taskId, resourceId } = create(small, 'backup', 600);
    expect(small.world.backupResources.get(resourceId)).toMatchObject({
      status: 'pending',
      remainSeconds: 600,
      owner: 'me',
      hostId: 'host-a',
      clusterId: 'cluster-1',
    });
    await finish(small, { taskId });
    expect(small.world.backupResources.get(resourceId)).toMatchObject({
      status: 'running',
      remainSeconds: 600,
    });
    await small.clock.advanceBy(1);
    expect(small.world.backupResources.get(resourceId).remainSeconds).toBe(600);
    await small.clock.advanceBy(1_500);
    expect(small.world.backupResources.get(resourceId).remainSeconds).toBe(599);
  });

  it('is made by a task on the server, which the journal links to the resource', async () => {
    const small = stopped();
    const { taskId, resourceId } = create(small, 'restore');
    expect(small.world.tasks.get(taskId)).toMatchObject({ objectType: 'VM', objectId: SERVER });
    expect(small.journal.entries.filter((entry) => entry.type === 'task')).toMatchObject([
      { task: taskId, object: resourceId, server: SERVER },
    ]);
  });

  it('has an id of two UUIDs', async () => {
    const { id } = await running(smallWorld(), 'backup');
    expect(id).toMatch(/^[0-9a-f-]{36}:[0-9a-f-]{36}$/);
  });

  it.each([59, 7201, 60.5, -1, Number.NaN])('refuses a lock time of %d seconds by name', (seconds) => {
    const small = stopped();
    expect(() => create(small, 'restore', seconds)).toThrow(/lock_time/);
    expect(small.world.backupResources.list()).toEqual([]);
  });

  it.each([60, 7200])('takes a lock time of %d seconds', async (seconds) => {
    const small = stopped();
    expect(create(small, 'restore', seconds).resourceId).toBeTruthy();
  });

  it('runs until a millisecond before its deadline and is expired at the deadline itself', async () => {
    const small = smallWorld();
    const { id, sinceMs } = await running(small, 'backup');
    await small.clock.advanceTo(sinceMs + 59_999);
    expect(statusOf(small, id)).toBe('running');
    await small.clock.advanceTo(sinceMs + 60_000);
    expect(small.world.backupResources.get(id)).toMatchObject({ status: 'expired', remainSeconds: 0 });
  });

  it('is expired for a command at the deadline even when no timer has fired', async () => {
    let nowMs = START_MS;
    const small = stopped();
    const { id, sinceMs } = await running(small, 'restore');
    Object.assign(small.clock, { now: () => nowMs });
    nowMs = sinceMs + 60_000;
    expect(codeOf(() => small.world.backupResources.renew(id, 60, 'me'))).toBe('RESOURCE_GONE');
    expect(statusOf(small, id)).toBe('expired');
  });

  it('is renewed a millisecond before the deadline, and the time is replaced, not added', async () => {
    const small = smallWorld();
    const { id, sinceMs } = await running(small, 'backup', 600);
    await small.clock.advanceTo(sinceMs + 599_999);
    small.world.backupResources.renew(id, 60, 'me');
    expect(small.world.backupResources.get(id).remainSeconds).toBe(60);
    await small.clock.advanceBy(59_999);
    expect(statusOf(small, id)).toBe('running');
    await small.clock.advanceBy(1);
    expect(statusOf(small, id)).toBe('expired');
  });

  it('cannot be renewed at the deadline, nor deleted', async () => {
    const small = smallWorld();
    const { id, sinceMs } = await running(small, 'backup');
    await small.clock.advanceTo(sinceMs + 60_000);
    expect(codeOf(() => small.world.backupResources.renew(id, 60, 'me'))).toBe('RESOURCE_GONE');
    expect(codeOf(() => small.world.backupResources.delete(id, 'me'))).toBe('RESOURCE_GONE');
  });

  it('refuses a renewal with a wrong lock time and keeps its deadline', async () => {
    const small = smallWorld();
    const { id } = await running(small, 'backup', 600);
    expect(codeOf(() => small.world.backupResources.renew(id, 10, 'me'))).toBe('INVALID_PARAMETER');
    expect(small.world.backupResources.get(id).remainSeconds).toBe(600);
  });

  it('takes a renewal while pending as the lock time to begin with', async () => {
    const small = stopped();
    const { taskId, resourceId } = create(small, 'restore', 60);
    small.world.backupResources.renew(resourceId, 900, 'me');
    await finish(small, { taskId });
    expect(small.world.backupResources.get(resourceId).remainSeconds).toBe(900);
  });

  it('answers as expired for five minutes, then is gone', async () => {
    const small = smallWorld();
    const { id, sinceMs } = await running(small, 'backup');
    await small.clock.advanceTo(sinceMs + 60_000 + 299_999);
    expect(statusOf(small, id)).toBe('expired');
    await small.clock.advanceBy(1);
    expect(codeOf(() => statusOf(small, id))).toBe('RESOURCE_GONE');
  });

  it('lasts a day when renewed every minute', async () => {
    const small = smallWorld();
    const { id } = await running(small, 'backup', 120);
    for (let minute = 0; minute < 24 * 60; minute++) {
      await small.clock.advanceBy(60_000);
      small.world.backupResources.renew(id, 120, 'me');
    }
    expect(statusOf(small, id)).toBe('running');
  });

  it('is released by its deletion', async () => {
    const small = smallWorld();
    const { id } = await running(small, 'backup');
    await finish(small, small.world.backupResources.delete(id, 'me'));
    expect(statusOf(small, id)).toBe('released');
    expect(codeOf(() => small.world.backupResources.delete(id, 'me'))).toBe('RESOURCE_GONE');
  });

  it('never runs when it is deleted while pending', async () => {
    const small = stopped();
    const { taskId, resourceId } = create(small, 'restore');
    small.world.backupResources.delete(resourceId, 'me');
    expect(await finish(small, { taskId })).toMatchObject({ status: 'failure' });
    expect(statusOf(small, resourceId)).toBe('released');
  });

  it('ends at once on request, as expired', async () => {
    const small = smallWorld();
    const { id } = await running(small, 'backup');
    small.world.backupResources.expireNow(id);
    expect(statusOf(small, id)).toBe('expired');
  });

  it('is unknown when nobody made it', () => {
    expect(codeOf(() => smallWorld().world.backupResources.get('a:b'))).toBe('RESOURCE_GONE');
  });
});

describe('the lock on a server', () => {
  it('makes a second create occupied: accepted, failed, and readable as such', async () => {
    const small = smallWorld();
    const first = await running(small, 'backup');
    const second = create(small, 'backup');
    expect(statusOf(small, second.resourceId)).toBe('pending');
    expect(await finish(small, second)).toEqual({
      status: 'failure',
      description: 'The virtual machine is occupied by another backup task. (erp-01)',
    });
    expect(statusOf(small, second.resourceId)).toBe('occupied');
    expect(statusOf(small, first.id)).toBe('running');
  });

  it('is held by a pending one too', async () => {
    const small = stopped();
    const first = create(small, 'restore');
    const second = create(small, 'restore');
    await finish(small, second);
    expect([first, second].map(({ resourceId }) => statusOf(small, resourceId))).toEqual([
      'running',
      'occupied',
    ]);
  });

  it.each(['deleted', 'expired', 'cancelled'])('is free again once the holder is %s', async (how) => {
    const small = smallWorld();
    const first = await running(small, 'backup');
    if (how === 'deleted') small.world.backupResources.delete(first.id, 'me');
    if (how === 'expired') await small.clock.advanceBy(60_000);
    if (how === 'cancelled') small.world.backupResources.preempt(SERVER);
    const second = create(small, 'backup');
    expect(await finish(small, second)).toMatchObject({ status: 'finish' });
  });

  it('can be taken by somebody outside for a time', async () => {
    const small = stopped();
    small.world.backupResources.occupy(SERVER, 30);
    const early = create(small, 'restore');
    await finish(small, early);
    expect(statusOf(small, early.resourceId)).toBe('occupied');
    await small.clock.advanceTo(START_MS + 30_000);
    const late = create(small, 'restore');
    expect(await finish(small, late)).toMatchObject({ status: 'finish' });
  });

  it('is taken away by a platform job: running and pending ones are cancelled', async () => {
    const small = smallWorld();
    const { id } = await running(small, 'backup');
    small.world.backupResources.preempt(SERVER);
    expect(statusOf(small, id)).toBe('cancelled');
    const pending = create(small, 'backup');
    small.world.backupResources.preempt(SERVER);
    expect(await finish(small, pending)).toMatchObject({ status: 'failure' });
    expect(statusOf(small, pending.resourceId)).toBe('cancelled');
  });
});

describe('creating a backup resource', () => {
  it.each([
    ['turbo mode', { isTurboMode: true }],
    ['a backup proxy', { osName: 'Backup Proxy' }],
    ['a desktop in revert mode', { isDesktopRevert: true }],
  ])('is refused for %s', (_, more) => {
    const small = smallWorld([serverSpec({ ...more, isRunning: false })]);
    expect(codeOf(() => create(small, 'restore'))).toBe('SERVER_INELIGIBLE');
  });

  it('is refused for a server with internal snapshots', async () => {
    const small = smallWorld();
    await finish(
      small,
      small.world.snapshots.create(SERVER, { name: 'a', description: '', type: 'qcow2' }, 'me'),
    );
    expect(codeOf(() => create(small, 'backup'))).toBe('SERVER_INELIGIBLE');
  });

  it('needs a snapshot that is ready, for a backup', () => {
    const small = smallWorld();
    expect(codeOf(() => create(small, 'backup'))).toBe('UNKNOWN_SNAPSHOT');
    expect(small.world.backupResources.list()).toEqual([]);
  });

  it('is refused while a task runs on the server', () => {
    const small = smallWorld();
    small.world.snapshots.create(SERVER, { name: 's', description: '' }, 'me');
    expect(codeOf(() => create(small, 'backup'))).toBe('SERVER_BUSY');
  });

  it('is refused for a restore while the server runs', () => {
    expect(codeOf(() => create(smallWorld(), 'restore'))).toBe('SERVER_STATE');
  });

  it('takes a host that reaches all disks: the wished one, else the one with the fewest resources', async () => {
    const names = ['one', 'two', 'three', 'four'];
    const disks = [emptyDisk('ide0', 65_536), emptyDisk('ide1', 65_536, { datastoreId: 'store-2' })];
    const small = smallWorld(names.map((id) => serverSpec({ id, name: id, isRunning: false, disks })));
    const hostFor = (serverId: string, hostId?: string): string => {
      const { resourceId } = create(small, 'restore', 60, { serverId, ...(hostId && { hostId }) });
      return small.world.backupResources.get(resourceId).hostId;
    };
    expect(hostFor('one', 'host-a')).toBe('host-b');
    expect(hostFor('two')).toBe('host-c');
    expect(hostFor('three', 'host-c')).toBe('host-c');
    expect(hostFor('four')).toBe('host-b');
    expect([...small.world.backupResources.countByHost()]).toEqual([
      ['host-b', 2],
      ['host-c', 2],
    ]);
  });

  it('finds no host when none that reaches the disks is online', () => {
    const small = stopped();
    for (const host of ['host-a', 'host-b', 'host-c']) small.world.setHostOnline(host, false);
    expect(codeOf(() => create(small, 'restore'))).toBe('NO_HOST');
    small.world.setHostOnline('host-b', true);
    expect(codeOf(() => create(small, 'restore'))).toBe('no error');
  });

  it('finds no host for a datastore that is offline', () => {
    const small = stopped();
    small.world.setDatastoreOnline('store-1', false);
    expect(codeOf(() => create(small, 'restore'))).toBe('NO_HOST');
  });
});

describe('a host that goes away', () => {
  it('fails the resources that it serves and cuts their connections', async () => {
    const small = smallWorld();
    const { id } = await running(small, 'backup');
    const cuts: string[] = [];
    small.world.exports.open(`${id}/${DISK}`, { id: 1, isTls: false, cut: (why) => cuts.push(why) });
    small.world.setHostOnline('host-a', false);
    expect(statusOf(small, id)).toBe('failed');
    expect(cuts).toEqual(['host host-a is offline']);
  });
});

describe('supports', () => {
  it('names NBD and NBDSSL, and HotAdd unless the world does not offer it', () => {
    expect(smallWorld().world.backupResources.supports(SERVER)).toEqual({
      versions: ['6.10.0', '6.11.3'],
      transportModes: ['nbd', 'nbd_ssl', 'hotadd'],
    });
    const silent = smallWorld(undefined, { settings: { isHotAddOffered: false } });
    expect(silent.world.backupResources.supports(SERVER).transportModes).toEqual(['nbd', 'nbd_ssl']);
  });

  it.each([
    [true, ['nbd', 'hotadd']],
    [false, ['nbd']],
  ])('names no NBDSSL in a world without TLS, HotAdd offered: %s', (isHotAddOffered, modes) => {
    const { world } = smallWorld(undefined, { settings: { isTlsOffered: false, isHotAddOffered } });
    expect(world.backupResources.supports(SERVER).transportModes).toEqual(modes);
  });
});
