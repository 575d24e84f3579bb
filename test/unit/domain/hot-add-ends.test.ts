import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BaseImage } from '../../../simulator/store/base-image.ts';
import { DiskImage } from '../../../simulator/store/disk-image.ts';
import { PROXY, bytesOf, clones, lease, liveDisks, proxyWorld, restoreLease, uuidOf } from './proxy-world.ts';
import { codeOf } from './refusal.ts';
import { DISK, GRAIN, SERVER, type SmallWorld, emptyDisk, finish } from './small-world.ts';

interface Pulled {
  readonly id: string;
  readonly why: string;
}

interface Attached extends SmallWorld {
  readonly snapshotId: string;
  readonly resourceId: string;
  readonly pulled: Pulled[];
}

/** Both disks of the source are attached to the proxy on host-b, as clones. */
async function attached(): Promise<Attached> {
  const pulled: Pulled[] = [];
  const guestPort = {
    plugged: () => undefined,
    unplug: () => undefined,
    pulled: ({ id }: { id: string }, why: string) => void pulled.push({ id, why }),
  };
  const small = proxyWorld({}, { proxyHostId: 'host-b', guestPort });
  const leased = await lease(small);
  await finish(
    small,
    small.world.hotAdd.add(PROXY, clones(small, leased.snapshotId, 'ide0', 'virtio0'), 'me'),
  );
  expect(small.world.hotAdd.list(PROXY)).toHaveLength(2);
  return { ...small, ...leased, pulled };
}

describe('hot-added disks go by themselves', () => {
  const causes: readonly [string, RegExp, (small: Attached) => unknown][] = [
    [
      'when the proxy is powered off',
      /powered off/,
      (small) => finish(small, small.world.servers.stop(PROXY, { force: true }, 'me')),
    ],
    [
      'when the proxy is shut down',
      /powered off/,
      (small) => finish(small, small.world.servers.stop(PROXY, { force: false }, 'me')),
    ],
    ["when the proxy's host is offline", /host host-b/, ({ world }) => world.setHostOnline('host-b', false)],
    ['when the datastore is offline', /store-1/, ({ world }) => world.setDatastoreOnline('store-1', false)],
    ['when the lock time is over', /expired/, ({ clock }) => clock.advanceBy(600_000)],
    [
      'when the resource is expired now',
      /expired/,
      ({ world, resourceId }) => world.backupResources.expireNow(resourceId),
    ],
    [
      'when the resource is deleted',
      /released/,
      ({ world, resourceId }) => world.backupResources.delete(resourceId, 'me'),
    ],
    ['when the resource is pre-empted', /cancelled/, ({ world }) => world.backupResources.preempt(SERVER)],
    ["when the resource's host is lost", /failed/, ({ world }) => world.setHostOnline('host-a', false)],
  ];

  it.each(causes)('%s', async (_title, why, cause) => {
    const small = await attached();
    const device = small.world.hotAdd.device(PROXY, uuidOf(small, 'ide0'));
    await cause(small);
    const ids = ['ide0', 'virtio0'].map((deviceId) => uuidOf(small, deviceId));
    expect(small.world.hotAdd.list()).toEqual([]);
    expect(small.pulled.map(({ id }) => id)).toEqual(ids);
    expect(small.pulled.every((pulled) => why.test(pulled.why))).toBe(true);
    expect(small.world.servers.get(PROXY).disks).toHaveLength(1);
    expect(small.world.hotAdd.slots(PROXY).used).toBe(1);
    expect(codeOf(() => device?.read(0, 1))).toBe('DISK_NOT_ATTACHED');
    expect(codeOf(() => device?.write(0, Buffer.from('x')))).toBe('DISK_NOT_ATTACHED');
    const gone = small.journal.entries.filter((entry) => entry.type === 'state' && entry.to === 'deleted');
    expect(gone).toMatchObject(
      ids.map((id) => ({ entity: 'hot-added-disk', id, from: 'attached', server: PROXY })),
    );
  });

  it('once each, also where the guest lets go of all when the first is pulled', async () => {
    const releases: (() => void)[] = [];
    const guestPort = {
      plugged: () => undefined,
      unplug: (_disk: unknown, released: () => void) => void releases.push(released),
      pulled: () => {
        for (const release of releases) release();
      },
    };
    const small = proxyWorld({}, { guestPort });
    const { snapshotId, resourceId } = await lease(small);
    await finish(small, small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0', 'virtio0'), 'me'));
    small.world.hotAdd.remove(PROXY, [uuidOf(small, 'virtio0')], 'me');
    await small.clock.advanceBy(1_500);
    small.world.backupResources.expireNow(resourceId);
    const gone = small.journal.entries.filter((entry) => entry.type === 'state' && entry.to === 'deleted');
    expect(gone.map((entry) => entry.type === 'state' && entry.why)).toEqual([
      'its backup resource is expired',
      'removed by me',
    ]);
    expect(small.world.servers.get(PROXY).disks.map(({ deviceId }) => deviceId)).toEqual([DISK]);
  });

  it('not before the proxy is really off', async () => {
    const { world, clock, pulled } = await attached();
    world.servers.stop(PROXY, { force: false }, 'me');
    await clock.advanceBy(3_999);
    expect([world.servers.get(PROXY).status, world.hotAdd.list().length, pulled.length]).toEqual([
      'stopping',
      2,
      0,
    ]);
    await clock.advanceBy(1);
    expect([world.servers.get(PROXY).status, world.hotAdd.list().length, pulled.length]).toEqual([
      'stopped',
      0,
      2,
    ]);
  });

  it('only those of the server whose resource ended', async () => {
    const small = proxyWorld();
    const { world } = small;
    const { snapshotId, resourceId } = await lease(small);
    await finish(small, world.hotAdd.add(PROXY, clones(small, snapshotId, DISK), 'me'));
    await finish(small, world.servers.edit('proxy-2', { osName: '' }, 'me'));
    const other = world.snapshots.create('proxy-2', { name: 's', description: '' }, 'me');
    await finish(small, other);
    const request = { serverId: 'proxy-2', type: 'backup', lockTimeSeconds: 600 } as const;
    await finish(small, world.backupResources.create(request, 'me'));
    const diskId = uuidOf(small, DISK, 'proxy-2');
    const disk = { diskId, purpose: 'backup', snapshotId: other.snapshotId } as const;
    await finish(small, world.hotAdd.add(PROXY, [disk], 'me'));
    world.backupResources.expireNow(resourceId);
    expect(world.hotAdd.list()).toMatchObject([{ id: diskId, slot: 'virtio1' }]);
    world.backupResources.create({ serverId: SERVER, type: 'backup', lockTimeSeconds: 60 }, 'me');
    await small.clock.advanceBy(2_000);
    await finish(small, world.hotAdd.add(PROXY, clones(small, snapshotId, DISK), 'me'));
    expect(world.hotAdd.list().map(({ slot }) => slot)).toEqual(['virtio0', 'virtio1']);
  });

  it('and keep their snapshot until then', async () => {
    const small = await attached();
    const { world, snapshotId, resourceId } = small;
    const remove = () => world.snapshots.delete(SERVER, [snapshotId], 'me');
    const revert = () => world.snapshots.recover(SERVER, snapshotId, { backup: false, powerOn: false }, 'me');
    expect([codeOf(remove), codeOf(revert)]).toEqual(['SNAPSHOT_IN_USE', 'SNAPSHOT_IN_USE']);
    world.backupResources.delete(resourceId, 'me');
    expect(codeOf(remove)).toBe('no error');
  });

  it('keep a snapshot that is not the one of the resource', async () => {
    const small = proxyWorld();
    const { world } = small;
    const old = world.snapshots.create(SERVER, { name: 'old', description: '' }, 'me');
    await finish(small, old);
    await lease(small);
    await finish(small, world.hotAdd.add(PROXY, clones(small, old.snapshotId, DISK), 'me'));
    const remove = () => world.snapshots.delete(SERVER, [old.snapshotId], 'me');
    expect(codeOf(remove)).toBe('SNAPSHOT_IN_USE');
    await finish(small, world.hotAdd.remove(PROXY, [uuidOf(small, DISK)], 'me'));
    expect(codeOf(remove)).toBe('no error');
  });
});

const clonesOf = (made: { readonly mock: { readonly results: readonly { readonly value: unknown }[] } }) =>
  made.mock.results.flatMap(({ value }) => (value instanceof DiskImage ? [value] : []));

describe('the memory of linked clones', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('is given back at the end, the snapshot keeping its own', async () => {
    const made = vi.spyOn(DiskImage, 'cloneOf');
    const small = proxyWorld();
    const { world } = small;
    await world.guest.write(SERVER, DISK, 0, Buffer.from('kept'));
    const { snapshotId, resourceId } = await lease(small);
    await finish(small, world.hotAdd.add(PROXY, clones(small, snapshotId, DISK), 'me'));
    const [clone] = clonesOf(made);
    const device = world.hotAdd.device(PROXY, uuidOf(small, DISK));
    for (let block = 0; block < 5; block++) await device?.write(block * GRAIN + 1, Buffer.from('guest'));
    expect(clone?.keptBlockCount).toBe(6);
    world.backupResources.expireNow(resourceId);
    expect(clone?.keptBlockCount).toBe(1);
    await finish(small, world.snapshots.delete(SERVER, [snapshotId], 'me'));
    expect(Buffer.from(await world.guest.read(SERVER, DISK, 0, 4)).toString()).toBe('kept');
  });

  it('is given back when a write that waits for its base image has landed', async () => {
    const made = vi.spyOn(DiskImage, 'cloneOf');
    let deliver = (): void => undefined;
    const base: BaseImage = {
      sizeBytes: 2 * GRAIN,
      isHole: () => false,
      read: async (_offset, length) => {
        await new Promise<void>((resolve) => {
          deliver = resolve;
        });
        return Buffer.alloc(length, 7);
      },
    };
    const disks = [emptyDisk(DISK, 2 * GRAIN, { content: { kind: 'image', file: 'f' } })];
    const small = proxyWorld({ disks }, { baseImages: () => base });
    const { snapshotId, resourceId } = await lease(small);
    await finish(small, small.world.hotAdd.add(PROXY, clones(small, snapshotId, DISK), 'me'));
    const written = small.world.hotAdd.device(PROXY, uuidOf(small, DISK))?.write(5, Buffer.from('late'));
    small.world.backupResources.expireNow(resourceId);
    deliver();
    await written;
    await small.clock.drain();
    expect(clonesOf(made)[0]?.keptBlockCount).toBe(0);
  });
});

describe('a proxy', () => {
  it('is snapshotted and tracked without its hot-added disks', async () => {
    const small = await attached();
    const { world } = small;
    await finish(small, world.cbt.set(PROXY, 'enable', undefined, 'me'));
    expect(world.cbt.status(PROXY).disks.map(({ deviceId }) => deviceId)).toEqual([DISK]);
    expect(codeOf(() => world.cbt.set(PROXY, 'enable', ['virtio0'], 'me'))).toBe('UNKNOWN_DISK');
    const made = world.snapshots.create(PROXY, { name: 'p', description: '' }, 'me');
    await finish(small, made);
    const snapshot = world.snapshots.get(PROXY, made.snapshotId);
    expect(snapshot.disks.map(({ deviceId }) => deviceId)).toEqual([DISK]);
    expect(snapshot.server.disks.map(({ deviceId }) => deviceId)).toEqual([DISK]);
    await world.hotAdd.device(PROXY, uuidOf(small, DISK))?.write(0, Buffer.from('x'));
    const query = { deviceId: DISK, snapshotId: made.snapshotId, checkpointId: 0, startOffset: 0 };
    expect(world.cbt.changedAreas(PROXY, query).areas).toEqual([]);
    expect(codeOf(() => world.guest.write(PROXY, 'virtio0', 0, Buffer.from('x')))).toBe('UNKNOWN_DISK');
  });

  it('does not change the change history of the source by what its guest writes to a clone', async () => {
    const small = proxyWorld();
    const { world } = small;
    await finish(small, world.cbt.set(SERVER, 'enable', undefined, 'me'));
    const first = await lease(small);
    await finish(small, world.hotAdd.add(PROXY, clones(small, first.snapshotId, DISK), 'me'));
    await world.hotAdd.device(PROXY, uuidOf(small, DISK))?.write(0, Buffer.from('x'));
    const second = world.snapshots.create(SERVER, { name: 'second', description: '' }, 'me');
    await finish(small, second);
    const { checkpointId } = world.snapshots.get(SERVER, first.snapshotId);
    const query = { deviceId: DISK, snapshotId: second.snapshotId, checkpointId, startOffset: 0 };
    expect(world.cbt.changedAreas(SERVER, query).areas).toEqual([]);
  });

  it('costs its datastore nothing for what is lent to it', async () => {
    const small = await attached();
    const used = () => small.world.datastores.map(({ usedMb }) => usedMb);
    const before = used();
    await small.world.hotAdd.device(PROXY, uuidOf(small, DISK))?.write(0, Buffer.alloc(2 * GRAIN, 1));
    expect(used()).toEqual(before);
    expect(small.world.servers.get(PROXY).disks[1]).toMatchObject({
      allocatedBytes: 2 * GRAIN,
      purpose: 'backup',
    });
  });

  it('remains one while disks are attached to it', async () => {
    const small = await attached();
    const { world } = small;
    expect(codeOf(() => world.servers.edit(PROXY, { osName: '' }, 'me'))).toBe('DISK_ATTACHED');
    expect(codeOf(() => world.servers.edit(PROXY, { name: 'renamed' }, 'me'))).toBe('no error');
    world.backupResources.preempt(SERVER);
    await small.clock.advanceBy(1_000);
    await finish(small, world.servers.edit(PROXY, { osName: '' }, 'me'));
    expect(world.servers.get(PROXY)).toMatchObject({ osName: '', name: 'renamed' });
  });

  it('remains one when disks were attached while it was being edited', async () => {
    const small = proxyWorld();
    const { world } = small;
    const { snapshotId } = await lease(small);
    const add = world.hotAdd.add(PROXY, clones(small, snapshotId, DISK), 'me');
    await small.clock.advanceBy(1_800);
    const edit = world.servers.edit(PROXY, { osName: '' }, 'me');
    expect((await finish(small, add)).status).toBe('finish');
    expect((await finish(small, edit)).status).toBe('failure');
    expect(world.servers.get(PROXY).osName).toBe('Backup Proxy');
  });

  it('becomes one by an edit', async () => {
    const small = proxyWorld();
    const { world } = small;
    await finish(small, world.servers.edit(PROXY, { osName: '' }, 'me'));
    const { snapshotId } = await lease(small);
    const add = () => world.hotAdd.add(PROXY, clones(small, snapshotId, DISK), 'me');
    expect(codeOf(add)).toBe('NOT_A_PROXY');
    await finish(small, world.servers.edit(PROXY, { osName: 'Backup Proxy' }, 'me'));
    expect(codeOf(add)).toBe('no error');
  });

  it('can be deleted only when it is off, and then has none', async () => {
    const small = await attached();
    const { world } = small;
    expect(codeOf(() => world.servers.delete(PROXY, 'me'))).toBe('SERVER_STATE');
    await finish(small, world.servers.stop(PROXY, { force: true }, 'me'));
    await finish(small, world.servers.delete(PROXY, 'me'));
    expect(world.hotAdd.list(PROXY)).toEqual([]);
    expect(world.hotAdd.device(PROXY, uuidOf(small, DISK))).toBeUndefined();
  });
});

describe('a restore through a hot-added disk', () => {
  it('is whole when its maker deletes the resource, and lets the server start', async () => {
    const small = proxyWorld({ isRunning: false });
    const { world } = small;
    const broken = await restoreLease(small);
    await finish(small, world.hotAdd.add(PROXY, liveDisks(small, DISK), 'me'));
    await world.hotAdd.device(PROXY, uuidOf(small, DISK))?.zero(0, GRAIN, true);
    await finish(small, world.servers.stop(PROXY, { force: true }, 'me'));
    world.backupResources.expireNow(broken.resourceId);
    expect(codeOf(() => world.servers.start(SERVER, 'me'))).toBe('RESTORE_INCOMPLETE');
    const { resourceId } = await restoreLease(small);
    await finish(small, world.servers.start(PROXY, 'me'));
    await finish(small, world.hotAdd.add(PROXY, liveDisks(small, DISK), 'me'));
    await world.hotAdd.device(PROXY, uuidOf(small, DISK))?.write(1, Buffer.from('whole'));
    expect(await bytesOf(small, uuidOf(small, DISK), 0, 6)).toBe('\0whole');
    expect(codeOf(() => world.servers.start(SERVER, 'me'))).toBe('SERVER_LOCKED');
    world.backupResources.delete(resourceId, 'me');
    await small.clock.advanceBy(1_000);
    expect(codeOf(() => world.servers.start(SERVER, 'me'))).toBe('no error');
  });

  it('expires the checkpoints with its first write, once, and not by reading', async () => {
    const small = proxyWorld({ isRunning: false });
    const { world } = small;
    await finish(small, world.cbt.set(SERVER, 'enable', undefined, 'me'));
    await restoreLease(small);
    await finish(small, world.hotAdd.add(PROXY, liveDisks(small, DISK, 'virtio0'), 'me'));
    const expiries = () =>
      small.journal.entries.filter((one) => one.type === 'state' && one.to === 'expired');
    const devices = [DISK, 'virtio0'].map((deviceId) => world.hotAdd.device(PROXY, uuidOf(small, deviceId)));
    for (const device of devices) await device?.read(0, 512);
    expect(expiries()).toEqual([]);
    for (const device of devices) await device?.write(0, Buffer.from('x'));
    expect(expiries()).toMatchObject([{ entity: 'cbt', server: SERVER }]);
  });
});
