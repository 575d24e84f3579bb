import { describe, expect, it } from 'vitest';
import type { ServerSpec } from '../../../simulator/domain/inventory.ts';
import type { HotAddRequest } from '../../../simulator/domain/hot-add-api.ts';
import {
  OTHER_PROXY,
  PROXY,
  clones,
  lease,
  liveDisks,
  proxySpec,
  proxyWorld,
  restoreLease,
  uuidOf,
} from './proxy-world.ts';
import { codeOf } from './refusal.ts';
import { GRAIN, SERVER, type SmallWorld, emptyDisk, finish, inventory, smallWorld } from './small-world.ts';

/** The code with which the call is refused; nothing may have come of it. `no error`: its task has begun. */
function refusal(small: SmallWorld, disks: readonly HotAddRequest[], proxy = PROXY): string {
  const before = small.world.hotAdd.list();
  const tasks = small.world.tasks.list().length;
  const code = codeOf(() => small.world.hotAdd.add(proxy, disks, 'me'));
  expect(small.world.hotAdd.list()).toEqual(before);
  expect(small.world.tasks.list()).toHaveLength(code === 'no error' ? tasks + 1 : tasks);
  return code;
}

async function refusalBy(proxy: Partial<ServerSpec>, source: Partial<ServerSpec> = {}): Promise<string> {
  const small = smallWorld([...inventoryServers(source), proxySpec(PROXY, proxy)]);
  const { snapshotId } = await lease(small);
  return refusal(small, clones(small, snapshotId, 'ide0'));
}

const inventoryServers = (source: Partial<ServerSpec>): ServerSpec[] => [
  proxySpec(SERVER, { osName: '', disks: [emptyDisk('ide0', 4 * GRAIN)], ...source }),
];

describe('adding disks is refused', () => {
  it.each([
    ['to a server that is no proxy', { osName: '' }, 'NOT_A_PROXY'],
    ['to a proxy of another type', { osName: 'backup proxy' }, 'NOT_A_PROXY'],
    ['to a proxy that is off', { isRunning: false }, 'SERVER_STATE'],
    ['to a proxy without vmtools', { vmtools: 0 }, 'NO_VMTOOLS'],
    ['to a proxy whose vmtools failed', { vmtools: -1 }, 'NO_VMTOOLS'],
  ] as const)('%s', async (_title, proxy, code) => {
    expect(await refusalBy(proxy)).toBe(code);
  });

  it('to a proxy that does not exist', async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    expect(refusal(small, clones(small, snapshotId, 'ide0'), 'nobody')).toBe('NOT_FOUND');
  });

  it('to a proxy whose host does not reach the datastore of the disk', async () => {
    const disks = [emptyDisk('ide0', 4 * GRAIN, { datastoreId: 'store-2' })];
    expect(await refusalBy({}, { hostId: 'host-b', disks })).toBe('DATASTORE_UNREACHABLE');
    expect(await refusalBy({ hostId: 'host-c' }, { hostId: 'host-b', disks })).toBe('no error');
  });

  it('while the datastore or the host of the proxy is offline', async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    const disks = clones(small, snapshotId, 'ide0');
    small.world.setDatastoreOnline('store-1', false);
    expect(refusal(small, disks)).toBe('DATASTORE_UNREACHABLE');
    small.world.setDatastoreOnline('store-1', true);
    small.world.setHostOnline('host-a', false);
    expect(refusal(small, disks)).toBe('SERVER_STATE');
  });

  it('to a proxy of another resource pool', async () => {
    const given = inventory([...inventoryServers({}), proxySpec(PROXY, { hostId: 'host-z' })]);
    const [pool] = given.pools;
    const [cluster] = given.clusters;
    const [host] = given.hosts;
    if (!pool || !cluster || !host) throw new Error('an empty inventory');
    const small = smallWorld([], {
      inventory: {
        ...given,
        pools: [pool, { ...pool, id: 'pool-2' }],
        clusters: [cluster, { ...cluster, id: 'cluster-2', poolId: 'pool-2' }],
        hosts: [...given.hosts, { ...host, id: 'host-z', clusterId: 'cluster-2' }],
        datastores: given.datastores.map((store) => ({ ...store, hostIds: [...store.hostIds, 'host-z'] })),
      },
    });
    const { snapshotId } = await lease(small);
    expect(refusal(small, clones(small, snapshotId, 'ide0'))).toBe('OTHER_POOL');
  });

  it('for no disks, and for one disk twice', async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    expect(refusal(small, [])).toBe('INVALID_PARAMETER');
    expect(refusal(small, clones(small, snapshotId, 'ide0', 'virtio0', 'ide0'))).toBe('INVALID_PARAMETER');
  });

  it('for disks that nobody has, or another server than the one named', async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    const [disk] = clones(small, snapshotId, 'ide0');
    if (disk === undefined) throw new Error('no disk');
    expect(refusal(small, [{ ...disk, diskId: 'ide0' }])).toBe('UNKNOWN_DISK');
    expect(refusal(small, [{ ...disk, sourceServerId: OTHER_PROXY }])).toBe('UNKNOWN_DISK');
    expect(refusal(small, [{ ...disk, sourceServerId: 'nobody' }])).toBe('UNKNOWN_DISK');
    expect(refusal(small, [{ ...disk, sourceServerId: SERVER }])).toBe('no error');
    const { vmId } = small.world.servers.get(SERVER);
    expect(refusal(small, [{ ...disk, sourceServerId: vmId }], OTHER_PROXY)).toBe('no error');
  });

  it('for a backup without a snapshot and for a restore with one', async () => {
    const small = proxyWorld({ isRunning: false });
    const { snapshotId } = await lease(small);
    const diskId = uuidOf(small, 'ide0');
    expect(refusal(small, [{ diskId, purpose: 'backup' }])).toBe('INVALID_PARAMETER');
    expect(refusal(small, [{ diskId, purpose: 'restore', snapshotId }])).toBe('INVALID_PARAMETER');
  });

  it('for snapshots that are unknown, of another server, or not ready', async () => {
    const small = proxyWorld();
    const { world } = small;
    const foreign = world.snapshots.create(OTHER_PROXY, { name: 'f', description: '' }, 'me');
    await finish(small, foreign);
    await lease(small);
    expect(refusal(small, clones(small, 'nothing', 'ide0'))).toBe('UNKNOWN_SNAPSHOT');
    expect(refusal(small, clones(small, foreign.snapshotId, 'ide0'))).toBe('UNKNOWN_SNAPSHOT');
    const { snapshotId } = world.snapshots.create(SERVER, { name: 't', description: '' }, 'me');
    expect(refusal(small, clones(small, snapshotId, 'ide0'))).toBe('UNKNOWN_SNAPSHOT');
  });

  it('without a running backup resource of the right type', async () => {
    const small = proxyWorld({ isRunning: false });
    const { world } = small;
    const made = world.snapshots.create(SERVER, { name: 's', description: '' }, 'me');
    await finish(small, made);
    const backup = clones(small, made.snapshotId, 'ide0');
    const restore = liveDisks(small, 'ide0');
    expect([refusal(small, backup), refusal(small, restore)]).toEqual(Array(2).fill('NO_BACKUP_RESOURCE'));
    const request = { serverId: SERVER, type: 'backup', lockTimeSeconds: 60 } as const;
    const pending = world.backupResources.create(request, 'me');
    expect(refusal(small, backup)).toBe('NO_BACKUP_RESOURCE');
    await finish(small, pending);
    expect([refusal(small, restore), refusal(small, backup)]).toEqual(['NO_BACKUP_RESOURCE', 'no error']);
    world.backupResources.expireNow(pending.resourceId);
    const { resourceId } = await restoreLease(small);
    expect([refusal(small, backup), refusal(small, restore)]).toEqual(['NO_BACKUP_RESOURCE', 'no error']);
    world.backupResources.delete(resourceId, 'me');
    expect(refusal(small, restore)).toBe('NO_BACKUP_RESOURCE');
  });

  it('of a disk that the proxy has, from whatever snapshot', async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    await finish(small, small.world.hotAdd.add(PROXY, clones(small, snapshotId, 'ide0'), 'me'));
    expect(refusal(small, clones(small, snapshotId, 'virtio0', 'ide0'))).toBe('DISK_ATTACHED');
    expect(refusal(small, clones(small, snapshotId, 'ide0'), OTHER_PROXY)).toBe('no error');
  });

  it('of a disk to restore that any proxy has', async () => {
    const small = proxyWorld({ isRunning: false });
    await restoreLease(small);
    await finish(small, small.world.hotAdd.add(PROXY, liveDisks(small, 'ide0'), 'me'));
    expect(refusal(small, liveDisks(small, 'ide0'), OTHER_PROXY)).toBe('DISK_ATTACHED');
    expect(refusal(small, liveDisks(small, 'virtio0'), OTHER_PROXY)).toBe('no error');
  });

  it("of the proxy's own disk", async () => {
    const small = proxyWorld();
    const { snapshotId } = await lease(small);
    // What is being backed up becomes a proxy.
    await finish(small, small.world.servers.edit(SERVER, { osName: 'Backup Proxy' }, 'me'));
    expect(refusal(small, clones(small, snapshotId, 'ide0'), SERVER)).toBe('DISK_ATTACHED');
    expect(refusal(small, clones(small, snapshotId, 'ide0'))).toBe('no error');
  });

  it.each([
    ['6.11.3', 5, 'DISK_LIMIT'],
    ['6.11.3', 6, 'no error'],
    ['6.11.1', 5, 'DISK_LIMIT'],
    ['6.11.0', 6, 'no error'],
    ['6.10.0', 5, 'no error'],
  ])(
    'beyond the slots of a proxy, own disks included (pool %s, limit set to %i)',
    async (version, diskLimit, code) => {
      const disks = Array.from({ length: 5 }, (_, at) => emptyDisk(`ide${at}`, GRAIN));
      const given = inventory([...inventoryServers({ disks }), proxySpec(PROXY)]);
      const small = smallWorld([], {
        inventory: { ...given, pools: given.pools.map((pool) => ({ ...pool, version })) },
        settings: { diskLimit },
      });
      const { snapshotId } = await lease(small);
      const all = clones(small, snapshotId, ...disks.map(({ deviceId }) => deviceId));
      expect(refusal(small, all)).toBe(code);
    },
  );

  it('beyond 16 disks in pools before 6.11.1', async () => {
    const disks = Array.from({ length: 16 }, (_, at) => emptyDisk(`ide${at}`, GRAIN));
    const given = inventory([...inventoryServers({ disks }), proxySpec(PROXY)]);
    const small = smallWorld([], {
      inventory: { ...given, pools: given.pools.map((pool) => ({ ...pool, version: '6.11.0' })) },
    });
    const { snapshotId } = await lease(small);
    const all = clones(small, snapshotId, ...disks.map(({ deviceId }) => deviceId));
    expect(small.world.hotAdd.slots(PROXY)).toEqual({ used: 1, limit: 16 });
    expect(refusal(small, all)).toBe('DISK_LIMIT');
    await finish(small, small.world.hotAdd.add(PROXY, all.slice(1), 'me'));
    expect(small.world.hotAdd.slots(PROXY)).toEqual({ used: 16, limit: 16 });
  });

  it('beyond 64 disks otherwise', () => {
    expect(proxyWorld().world.hotAdd.slots(PROXY)).toEqual({ used: 1, limit: 64 });
  });
});

describe('a disk that is wanted for good', () => {
  it('needs a source that is off and free of backup resources, and then keeps it off', async () => {
    const small = proxyWorld();
    const { world } = small;
    const disks: HotAddRequest[] = [{ diskId: uuidOf(small, 'ide0'), purpose: 'normal' }];
    expect(refusal(small, disks)).toBe('SERVER_STATE');
    await finish(small, world.servers.stop(SERVER, { force: true }, 'me'));
    const { resourceId } = await restoreLease(small);
    expect(refusal(small, disks)).toBe('SERVER_LOCKED');
    world.backupResources.delete(resourceId, 'me');
    await small.clock.advanceBy(1_000);
    await finish(small, world.hotAdd.add(PROXY, disks, 'me'));
    expect(world.hotAdd.list(PROXY)).toMatchObject([{ purpose: 'normal' }]);
    expect(codeOf(() => world.servers.start(SERVER, 'me'))).toBe('DISK_ATTACHED');
    const restore = { serverId: SERVER, type: 'restore', lockTimeSeconds: 60 } as const;
    expect(codeOf(() => world.backupResources.create(restore, 'me'))).toBe('DISK_ATTACHED');
    const { snapshotId, resourceId: backup } = await lease(small);
    world.backupResources.delete(backup, 'me');
    await small.clock.advanceBy(1_000);
    const revert = () => world.snapshots.recover(SERVER, snapshotId, { backup: false, powerOn: false }, 'me');
    expect(codeOf(revert)).toBe('DISK_ATTACHED');
    await finish(small, world.hotAdd.remove(PROXY, [uuidOf(small, 'ide0')], 'me'));
    expect(codeOf(() => world.servers.start(SERVER, 'me'))).toBe('no error');
  });

  it('is tracked as any write of a guest is, and expires nothing', async () => {
    const small = proxyWorld({ isRunning: false });
    const { world } = small;
    const diskId = uuidOf(small, 'ide0');
    await finish(small, world.cbt.set(SERVER, 'enable', undefined, 'me'));
    const first = world.snapshots.create(SERVER, { name: 'a', description: '' }, 'me');
    await finish(small, first);
    await finish(small, world.hotAdd.add(PROXY, [{ diskId, purpose: 'normal' }], 'me'));
    await world.hotAdd.device(PROXY, diskId)?.write(3 * GRAIN, Buffer.from('x'));
    const second = world.snapshots.create(SERVER, { name: 'b', description: '' }, 'me');
    await finish(small, second);
    const { checkpointId } = world.snapshots.get(SERVER, first.snapshotId);
    const query = { deviceId: 'ide0', snapshotId: second.snapshotId, checkpointId, startOffset: 0 };
    expect(world.cbt.changedAreas(SERVER, query).areas).toEqual([{ start: 3 * GRAIN, length: GRAIN }]);
  });

  it('goes when its server is deleted', async () => {
    const small = proxyWorld({ isRunning: false });
    const { world } = small;
    await finish(
      small,
      world.hotAdd.add(PROXY, [{ diskId: uuidOf(small, 'ide0'), purpose: 'normal' }], 'me'),
    );
    await finish(small, world.servers.delete(SERVER, 'me'));
    expect(world.hotAdd.list()).toEqual([]);
    expect(small.journal.entries).toContainEqual(
      expect.objectContaining({ entity: 'hot-added-disk', to: 'deleted', why: 'erp-01 is deleted' }),
    );
  });
});
