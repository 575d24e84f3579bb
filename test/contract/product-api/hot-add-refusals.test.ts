/** Every refusal of the HotAdd calls, at both doors, in the envelope of the door and without an effect. */
import { describe, expect, it } from 'vitest';
import { API_ERRORS, type ApiErrorCode } from '../../../src/contract/errors.ts';
import type { DiskSpec, InventorySpec } from '../../../simulator/domain/inventory.ts';
import { type Answer, first, type TestbedOptions } from '../../integration/http/api-testbed.ts';
import {
  createHotAddTestbed,
  type DiskBody,
  DOORS,
  type Door,
  type HotAddTestbed,
  withPoolVersion,
  withProxy,
} from '../../integration/http/hot-add-testbed.ts';

type Call = (testbed: HotAddTestbed, door: Door) => Promise<Answer>;

interface Refusal {
  readonly what: string;
  readonly code: ApiErrorCode;
  readonly options?: TestbedOptions;
  /** Part of the message. */
  readonly names?: string;
  readonly call: Call;
}

/** Adds the server's first disk under a running backup resource, with something changed. */
const addOne =
  (change: DiskBody = {}, serverId?: string): Call =>
  async (testbed, door) => {
    const { snapshotId } = await testbed.lease();
    const disks = testbed.clones(snapshotId, 'ide0').map((disk) => ({ ...disk, ...change }));
    return door.add(disks, serverId === undefined ? {} : { serverId });
  };

/** Another server that is no proxy. */
const otherOf = ({ world, server }: HotAddTestbed): string =>
  first(world.servers.list().filter(({ id, osName }) => id !== server.id && osName === '')).id;

const NOBODY = 'a1b2c3d4-0001-4000-8000-00000000beef';

const onDatastore = (disks: readonly DiskSpec[], datastoreId: string): readonly DiskSpec[] =>
  disks.map((disk) => ({ ...disk, datastoreId }));

/** The proxies in a resource pool of their own. */
const inOtherPool = (inventory: InventorySpec): InventorySpec => {
  const { pools, clusters, hosts, datastores } = inventory;
  const poolId = '7481c2c8-0000-4000-8000-000000000002';
  const elsewhere: InventorySpec = {
    ...inventory,
    pools: [...pools, { ...first(pools), id: poolId, name: 'pool-2' }],
    clusters: [...clusters, { ...first(clusters), id: 'c-2', name: 'hci-2', poolId }],
    hosts: [...hosts, { ...first(hosts), id: 'h-2', name: 'h-2', clusterId: 'c-2' }],
    datastores: [...datastores, { ...first(datastores), id: 'd-2', clusterId: 'c-2', hostIds: ['h-2'] }],
  };
  return withProxy(({ disks }) => ({ hostId: 'h-2', disks: onDatastore(disks, 'd-2') }))(elsewhere);
};

/** A platform that is new enough, and the pool of the proxies is not. */
const inOlderPool: TestbedOptions['change'] = (inventory) => {
  const { pools, ...more } = inOtherPool(inventory);
  return { ...more, pools: pools.map((pool, at) => (at === 0 ? pool : { ...pool, version: '6.11.1' })) };
};

/** The proxies on the host that reaches one of the two datastores only. */
const onOtherHost: TestbedOptions['change'] = (inventory) => {
  const [shared, narrow] = inventory.datastores;
  const { id: hostId } = first(inventory.hosts.filter(({ id }) => !narrow?.hostIds.includes(id)));
  return withProxy(({ disks }) => ({ hostId, disks: onDatastore(disks, shared?.id ?? '') }))(inventory);
};

const REFUSED_ADDS: readonly Refusal[] = [
  { what: 'no such proxy', code: 'NOT_FOUND', names: NOBODY, call: addOne({}, NOBODY) },
  {
    what: 'a server that is no proxy',
    code: 'NOT_A_PROXY',
    call: async (testbed, door) =>
      door.add([{ disk_id: testbed.diskId('ide0') }], { serverId: otherOf(testbed) }),
  },
  {
    what: 'a proxy that is off',
    code: 'SERVER_STATE',
    names: 'stopped',
    options: { change: withProxy(() => ({ isRunning: false })) },
    call: addOne(),
  },
  {
    what: 'a proxy without vmtools',
    code: 'NO_VMTOOLS',
    options: { change: withProxy(() => ({ vmtools: 0 })) },
    call: addOne(),
  },
  { what: 'a disk of another pool', code: 'OTHER_POOL', options: { change: inOtherPool }, call: addOne() },
  {
    what: 'a datastore out of reach',
    code: 'DATASTORE_UNREACHABLE',
    options: { change: onOtherHost },
    call: async (testbed, door) => {
      const { snapshotId } = await testbed.lease();
      // ide0 is in reach, and is not added either.
      return door.add(testbed.clones(snapshotId));
    },
  },
  {
    what: 'more disks than there are slots',
    code: 'DISK_LIMIT',
    names: '1 of 3 are taken, 3 more are wanted',
    options: { settings: { diskLimit: 3 } },
    call: async (testbed, door) => door.add(testbed.clones((await testbed.lease()).snapshotId)),
  },
  { what: 'an unknown disk', code: 'UNKNOWN_DISK', names: 'none', call: addOne({ disk_id: 'none' }) },
  {
    what: 'a disk of another server than named',
    code: 'UNKNOWN_DISK',
    call: async (testbed, door) => {
      const { snapshotId } = await testbed.lease();
      const [disk] = testbed.clones(snapshotId, 'ide0');
      return door.add([{ ...disk, source_server_id: otherOf(testbed) }]);
    },
  },
  {
    what: 'an unknown snapshot',
    code: 'UNKNOWN_SNAPSHOT',
    names: 'none',
    call: addOne({ snapshot_id: 'none' }),
  },
  {
    what: 'the snapshot of another server',
    code: 'UNKNOWN_SNAPSHOT',
    call: async (testbed, door) => {
      const { call, finish } = testbed;
      const taken = await call('snapshots.create', { server_id: otherOf(testbed) }, { body: { name: 'x' } });
      await finish(taken.body.data.task_id);
      return addOne({ snapshot_id: String(taken.body.data.resource_id) })(testbed, door);
    },
  },
  {
    what: 'no backup resource',
    code: 'NO_BACKUP_RESOURCE',
    call: async (testbed, door) => {
      const { snapshotId, resourceId } = await testbed.lease();
      testbed.world.backupResources.expireNow(resourceId);
      return door.add(testbed.clones(snapshotId, 'ide0'));
    },
  },
  {
    what: 'a restore under a resource for backup',
    code: 'NO_BACKUP_RESOURCE',
    call: addOne({ application_type: 'restore', snapshot_id: undefined }),
  },
  {
    what: 'a disk that is attached already',
    code: 'DISK_ATTACHED',
    call: async (testbed, door) => {
      const { snapshotId } = await testbed.lease();
      const disks = testbed.clones(snapshotId, 'ide0');
      await testbed.outcome(await door.add(disks));
      const again = await door.add(disks);
      await testbed.outcome(await door.remove([testbed.diskId('ide0')]));
      return again;
    },
  },
  {
    what: 'a pool before 6.11.3',
    code: 'UNKNOWN_PATH',
    names: '6.11.3',
    options: { change: withPoolVersion('6.11.1') },
    call: addOne(),
  },
  {
    what: 'an administrator of less',
    code: 'FORBIDDEN',
    options: { role: 'custom_admin' },
    call: addOneAsIs,
  },
  { what: 'a tenant', code: 'FORBIDDEN', options: { role: 'tenant' }, call: addOneAsIs },
];

/** Rights come before anything that there is. */
function addOneAsIs(testbed: HotAddTestbed, door: Door): Promise<Answer> {
  return door.add([{ disk_id: testbed.diskId('ide0') }]);
}

const REFUSED_REMOVALS: readonly Refusal[] = [
  {
    what: 'no such proxy',
    code: 'NOT_FOUND',
    call: (_testbed, door) => door.remove(['d'], { serverId: NOBODY }),
  },
  {
    what: 'a server that is no proxy',
    code: 'NOT_A_PROXY',
    call: (testbed, door) => door.remove([testbed.diskId('ide0')], { serverId: testbed.server.id }),
  },
  {
    what: 'a disk that is not attached',
    code: 'DISK_NOT_ATTACHED',
    call: (testbed, door) => door.remove([testbed.diskId('ide0')]),
  },
  {
    what: 'a disk that is the proxy\u2019s own',
    code: 'DISK_NOT_ATTACHED',
    call: (testbed, door) => door.remove([testbed.diskId('ide0', testbed.proxy)]),
  },
  {
    what: 'a pool before 6.11.3',
    code: 'UNKNOWN_PATH',
    options: { change: withPoolVersion('6.11.1') },
    call: (_testbed, door) => door.remove(['d']),
  },
  {
    what: 'a proxy in a pool before 6.11.3, at a newer platform',
    code: 'UNKNOWN_PATH',
    options: { change: inOlderPool },
    call: (_testbed, door) => door.remove(['d']),
  },
  {
    what: 'an administrator of less',
    code: 'FORBIDDEN',
    options: { role: 'custom_admin' },
    call: (_testbed, door) => door.remove(['d']),
  },
];

const hotAddTasks = ({ world }: HotAddTestbed): number =>
  world.tasks.list().filter(({ action, status }) => action.startsWith('hotadd') && status !== 'finish')
    .length;

const both = (refusals: readonly Refusal[]) =>
  DOORS.flatMap(({ door }) => refusals.map((refusal) => ({ door, ...refusal })));

describe('a refused HotAdd call has no task and changes nothing', () => {
  it.each(both(REFUSED_ADDS))(
    '$door adding: $what is $code',
    async ({ door, code, options, names, call }) => {
      const testbed = createHotAddTestbed(options);
      const { status, body } = await call(testbed, testbed.doors[door]);
      expect(body).toEqual(testbed.doors[door].refusal(API_ERRORS[code].status, body.message));
      expect(status).toBe(API_ERRORS[code].status);
      expect(body.message).toContain(API_ERRORS[code].message);
      expect(body.message).toContain(names ?? '');
      expect(hotAddTasks(testbed)).toBe(0);
      expect(testbed.attached()).toEqual([]);
    },
  );

  it.each(both(REFUSED_REMOVALS))('$door removing: $what is $code', async ({ door, code, options, call }) => {
    const testbed = createHotAddTestbed(options);
    const { status, body } = await call(testbed, testbed.doors[door]);
    expect(body).toEqual(testbed.doors[door].refusal(API_ERRORS[code].status, body.message));
    expect(status).toBe(API_ERRORS[code].status);
    expect(body.message).toContain(API_ERRORS[code].message);
    expect(hotAddTasks(testbed)).toBe(0);
  });
});

describe('a body that is wrong', () => {
  const good = { disk_id: 'd', application_type: 'backup', snapshot_id: 's' };
  const adds: readonly (readonly [unknown, string, string])[] = [
    [undefined, 'disks: is required', 'disks: is required'],
    [[], 'disks: must not have fewer than 1 items', 'disks: must not have fewer than 1 items'],
    ['d', 'disks: must be array', 'disks: must be array'],
    [[{}], 'disks.0.disk_id: is required', 'disks.0.diskId: is required'],
    [[{ ...good, disk_id: 5 }], 'disks.0.disk_id: must be string', 'disks.0.diskId: must be string'],
    [[{ ...good, disk_id: '' }], 'disks.0.disk_id: must not', 'disks.0.diskId: must not'],
    [
      [good, { ...good, disk_id: 'e', application_type: 'clone' }],
      'disks.1.application_type: must be one of backup, restore, normal',
      'disks.1.applicationType: must be one of backup, restore, normal',
    ],
    [[good, good], 'disks.1.disk_id: d is there twice', 'disks.1.diskId: d is there twice'],
    [
      [{ ...good, snapshot_id: undefined }],
      'disks.0.snapshot_id: is required for a disk',
      'disks.0.snapshotId: is required for a disk',
    ],
    [
      [{ ...good, application_type: 'restore' }],
      'disks.0.snapshot_id: goes with a disk',
      'disks.0.snapshotId: goes with a disk',
    ],
    [
      [{ ...good, snapshot_id: 'x'.repeat(129) }],
      'disks.0.snapshot_id: must not have more than 128',
      'disks.0.snapshotId: must not have more than 128',
    ],
  ];

  it.each(adds)('adding %j is a 400 that names the field', async (disks, atScp, atHci) => {
    const { doors } = createHotAddTestbed();
    for (const [door, field] of [
      [doors.SCP, atScp],
      [doors.HCI, atHci],
    ] as const) {
      const { status, body } = await door.add(disks);
      expect(status).toBe(400);
      expect(body).toEqual(door.refusal(400, expect.stringContaining(`(${field}`)));
    }
  });

  const removals: readonly (readonly [unknown, string])[] = [
    [undefined, ': is required'],
    [[], ': must not have fewer than 1 items'],
    ['d', ': must be array'],
    [['d', 5], '.1: must be string'],
    [['d', 'e', 'd'], '.2: d is there twice'],
  ];

  it.each(removals)('removing %j is a 400 that names the field', async (diskIds, complaint) => {
    const { doors } = createHotAddTestbed();
    for (const [door, field] of [
      [doors.SCP, 'disk_ids'],
      [doors.HCI, 'diskIds'],
    ] as const) {
      const { status, body } = await door.remove(diskIds);
      expect(status).toBe(400);
      expect(body).toEqual(door.refusal(400, expect.stringContaining(`(${field}${complaint}`)));
    }
  });

  it('names another action than to delete', async () => {
    const { call, proxy } = createHotAddTestbed();
    const body = { action: 'remove', disk_ids: ['d'] };
    const answer = await call('hot-add.remove', { server_id: proxy.id }, { body });
    expect(answer).toMatchObject({ status: 400, body: { errcode: '400' } });
    expect(answer.body.message).toContain('(action: must be one of delete)');
  });
});

describe('a snapshot whose clone is attached', () => {
  it('cannot be deleted until the disk is removed', async () => {
    const testbed = createHotAddTestbed();
    const { call, server, finish, doors } = testbed;
    const { snapshotId, resourceId } = await testbed.lease();
    await testbed.outcome(await doors.SCP.add(testbed.clones(snapshotId, 'ide0')));
    const params = { server_id: server.id, snapshot_id: snapshotId };
    const refused = await call('snapshots.delete', params);
    expect(refused).toMatchObject({ status: 400, body: { code: 400, data: {} } });
    expect(refused.body.message).toContain(API_ERRORS.SNAPSHOT_IN_USE.message);
    await testbed.outcome(await doors.SCP.remove([testbed.diskId('ide0')]));
    const released = await call('backup-resources.delete', { backup_resources_id: resourceId });
    await finish(released.body.data.task_id);
    expect((await call('snapshots.delete', params)).status).toBe(200);
  });
});

describe('a task that fails', () => {
  it('because the proxy was powered off has nothing added', async () => {
    const testbed = createHotAddTestbed();
    const { call, proxy, doors } = testbed;
    const { snapshotId } = await testbed.lease();
    const added = await doors.SCP.add(testbed.clones(snapshotId));
    const off = await call('servers.stop', { server_id: proxy.id }, { body: { force: 1 } });
    expect(off.status).toBe(201);
    const { status, description } = await testbed.outcome(added);
    expect(status).toBe('failure');
    expect(description).toContain(API_ERRORS.SERVER_STATE.message);
    expect(testbed.attached()).toEqual([]);
  });

  it('because the backup resource ended says so', async () => {
    const testbed = createHotAddTestbed();
    const { snapshotId, resourceId } = await testbed.lease();
    const added = await testbed.doors.HCI.add(testbed.clones(snapshotId));
    testbed.world.backupResources.expireNow(resourceId);
    const { status, description } = await testbed.outcome(added);
    expect(status).toBe('failure');
    expect(description).toContain(API_ERRORS.NO_BACKUP_RESOURCE.message);
  });

  it('because the guest does not let go keeps the disk', async () => {
    const stubborn = { plugged: () => undefined, unplug: () => undefined, pulled: () => undefined };
    const testbed = createHotAddTestbed({ guestPort: stubborn });
    const { snapshotId } = await testbed.lease();
    await testbed.outcome(await testbed.doors.SCP.add(testbed.clones(snapshotId, 'ide0')));
    const { status, description } = await testbed.outcome(
      await testbed.doors.SCP.remove([testbed.diskId('ide0')]),
    );
    expect(status).toBe('failure');
    expect(description).toContain(API_ERRORS.UNPLUG_TIMEOUT.message);
    expect(testbed.attached()).toEqual([testbed.diskId('ide0')]);
  });
});
