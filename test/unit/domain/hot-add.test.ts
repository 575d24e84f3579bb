import { describe, expect, it } from 'vitest';
import {
  OTHER_PROXY,
  PROXY,
  bytesOf,
  clones,
  lease,
  liveDisks,
  proxySpec,
  proxyWorld,
  restoreLease,
  uuidOf,
} from './proxy-world.ts';
import { GRAIN, SERVER, emptyDisk, finish, serverSpec, smallWorld } from './small-world.ts';

describe('a hot-added linked clone', () => {
  it('shows the snapshot of a running server, under the disk id, in the lowest free virtio slot', async () => {
    const small = proxyWorld();
    const { world } = small;
    await world.guest.write(SERVER, 'ide0', 10, Buffer.from('before'));
    const { snapshotId, resourceId } = await lease(small);
    await world.guest.write(SERVER, 'ide0', 10, Buffer.from('after!'));
    const added = world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0', 'virtio0'), 'me');
    expect(world.hotAdd.list()).toEqual([]);
    expect(await finish(small, added)).toEqual({ status: 'finish', description: '' });
    const id = uuidOf(small, 'ide0');
    expect(world.hotAdd.list(PROXY)).toMatchObject([
      {
        id,
        proxyId: PROXY,
        slot: 'virtio0',
        purpose: 'backup',
        sourceServerId: SERVER,
        snapshotId,
        resourceId,
      },
      { slot: 'virtio1', sourceDeviceId: 'virtio0', sizeBytes: 8 * GRAIN + 512 },
    ]);
    expect(await bytesOf(small, id, 10, 6)).toBe('before');
    expect(world.servers.get(PROXY).disks.map(({ deviceId, purpose }) => [deviceId, purpose])).toEqual([
      ['ide0', 'normal'],
      ['virtio0', 'backup'],
      ['virtio1', 'backup'],
    ]);
  });

  it('leaves the slots of the proxy to its own disks', async () => {
    const small = smallWorld([
      serverSpec(),
      proxySpec(PROXY, { disks: [emptyDisk('ide0', GRAIN), emptyDisk('virtio0', GRAIN)] }),
    ]);
    const { snapshotId } = await lease(small);
    await finish(small, small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'me'));
    expect(small.world.hotAdd.list().map(({ slot }) => slot)).toEqual(['virtio1']);
  });

  it('does not keep its source off', async () => {
    const small = proxyWorld({ isRunning: false });
    const { world } = small;
    const { snapshotId } = await lease(small);
    await finish(small, world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'me'));
    expect((await finish(small, world.servers.start(SERVER, 'me'))).status).toBe('finish');
    expect(world.hotAdd.list()).toHaveLength(1);
  });

  it('keeps what the guest writes, away from the snapshot and from a clone on another proxy', async () => {
    const small = proxyWorld();
    const { world } = small;
    await world.guest.write(SERVER, 'ide0', 0, Buffer.from('source'));
    const { snapshotId } = await lease(small);
    const id = uuidOf(small, 'ide0');
    for (const proxy of [PROXY, OTHER_PROXY])
      await finish(small, world.hotAdd.add(proxy, clones(small, snapshotId, 'ide0'), 'me'));
    await world.hotAdd.device(PROXY, id)?.write(0, Buffer.from('signed'));
    expect(await bytesOf(small, id, 0, 6)).toBe('signed');
    expect(await bytesOf(small, id, 0, 6, OTHER_PROXY)).toBe('source');
    const frozen = await world.guest.readSnapshot(SERVER, snapshotId, 'ide0', 0, 6);
    expect(Buffer.from(frozen).toString()).toBe('source');
  });

  it('is removed when the guest has let go', async () => {
    const small = proxyWorld();
    const { world } = small;
    const { snapshotId } = await lease(small);
    await finish(small, world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'me'));
    const id = uuidOf(small, 'ide0');
    const device = world.hotAdd.device(PROXY, id);
    expect(await finish(small, world.hotAdd.remove(PROXY, [id], 'me'))).toMatchObject({ status: 'finish' });
    expect(world.hotAdd.list()).toEqual([]);
    expect(world.hotAdd.device(PROXY, id)).toBeUndefined();
    expect(() => device?.read(0, 1)).toThrow();
  });
});

describe('a hot-added disk itself', () => {
  it('takes a restore: the bytes land on the source, whose checkpoints expire', async () => {
    const small = proxyWorld({ isRunning: false });
    const { world } = small;
    await finish(small, world.cbt.set(SERVER, 'enable', undefined, 'me'));
    const { resourceId } = await restoreLease(small);
    await finish(small, world.hotAdd.add(PROXY, liveDisks(small, 'ide0'), 'me'));
    await world.hotAdd.device(PROXY, uuidOf(small, 'ide0'))?.write(5, Buffer.from('restored'));
    expect(Buffer.from(await world.guest.read(SERVER, 'ide0', 5, 8)).toString()).toBe('restored');
    expect(small.journal.entries).toContainEqual(
      expect.objectContaining({ type: 'state', entity: 'cbt', to: 'expired' }),
    );
    world.backupResources.expireNow(resourceId);
    expect(world.hotAdd.list()).toEqual([]);
    expect(world.servers.get(SERVER).isRestoreIncomplete).toBe(true);
  });
});
