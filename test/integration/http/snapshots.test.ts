import { describe, expect, it } from 'vitest';
import { createTestbed, first, type Testbed } from './api-testbed.ts';

async function takeSnapshot({ call, finish, server }: Testbed, name: string, date?: string) {
  const answer = await call(
    'snapshots.create',
    { server_id: server.id },
    {
      body: { name, description: 'd', snap_type: 'external_qcow2' },
      ...(date === undefined ? {} : { date }),
    },
  );
  await finish(answer.body.data.task_id);
  return answer;
}

const list = async ({ call, server }: Testbed) =>
  (await call('snapshots.list', { server_id: server.id })).body.data as unknown as Record<string, unknown>[];

describe('snapshots', () => {
  it('are a plain array, with numbers for switches and UTC for time', async () => {
    const testbed = createTestbed();
    await takeSnapshot(testbed, 'one');
    await takeSnapshot(testbed, 'two');
    const [one, two] = await list(testbed);
    expect(one).toMatchObject({ name: 'one', parent_id: '', is_latest: 0, is_protected: 0, quiesced: 0 });
    expect(two).toMatchObject({ name: 'two', parent_id: one?.id, is_latest: 1, status: 'normal' });
    expect(one?.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('show booleans, an offset and the checkpoint as a string in the detail', async () => {
    const testbed = createTestbed();
    const { call, server } = testbed;
    const snapshot_id = String((await takeSnapshot(testbed, 'one')).body.data.resource_id);
    const { data } = (await call('snapshots.get', { server_id: server.id, snapshot_id })).body;
    expect(data).toMatchObject({ id: snapshot_id, is_protected: false, checkpoint_id: expect.any(String) });
    expect(data.created_at).toMatch(/\+08:00$/);
    const listed = first(await list(testbed));
    expect(Date.parse(String(data.created_at))).toBe(Date.parse(String(listed.created_at)));
  });

  it('are the same under every path of the detail', async () => {
    const testbed = createTestbed();
    const { call, send, server } = testbed;
    const snapshot_id = String((await takeSnapshot(testbed, 'one')).body.data.resource_id);
    const params = { server_id: server.id, snapshot_id };
    const v1 = await call('snapshots.get', params, { date: '20180725' });
    const v2 = await call('snapshots.get', params, { date: '20240725' });
    const hci = await send('GET', `/hci/vt/api/v1/snapshots/${snapshot_id}`);
    expect(v2.body).toEqual({ errcode: '', message: '', data: v1.body.data });
    expect(hci.body).toEqual(v1.body);
    expect((await send('GET', '/hci/vt/api/v1/snapshots/none')).status).toBe(400);
  });

  it('made through the older path have no resource_id in the answer', async () => {
    const answer = await takeSnapshot(createTestbed(), 'one', '20180725');
    expect(Object.keys(answer.body.data)).toEqual(['task_id']);
  });

  it('are renamed, protected, and then not deleted', async () => {
    const testbed = createTestbed();
    const { call, finish, server } = testbed;
    const snapshot_id = String((await takeSnapshot(testbed, 'one')).body.data.resource_id);
    const params = { server_id: server.id, snapshot_id };
    const edited = await call('snapshots.edit', params, { body: { name: 'kept', is_protected: 1 } });
    expect(edited.status).toBe(200);
    await finish(edited.body.data.task_id);
    expect(await list(testbed)).toMatchObject([{ name: 'kept', description: 'd', is_protected: 1 }]);
    expect(await call('snapshots.delete', params)).toMatchObject({ status: 400 });
  });

  it('are deleted several at once', async () => {
    const testbed = createTestbed();
    const { call, finish, server } = testbed;
    const one = (await takeSnapshot(testbed, 'one')).body.data.resource_id;
    const two = (await takeSnapshot(testbed, 'two')).body.data.resource_id;
    await takeSnapshot(testbed, 'three');
    const body = { action: 'delete', snapshot_ids: [one, two] };
    const answer = await call('snapshots.batch-delete', { server_id: server.id }, { body });
    expect(answer.status).toBe(201);
    expect(await finish(answer.body.data.task_id)).toBe('finish');
    expect((await list(testbed)).map(({ name }) => name)).toEqual(['three']);
    const loud = { ...body, action: 'Delete' };
    expect((await call('snapshots.batch-delete', { server_id: server.id }, { body: loud })).status).toBe(400);
  });

  it('are recovered to, with a snapshot of the present before', async () => {
    const testbed = createTestbed();
    const { call, finish, server } = testbed;
    const snapshot_id = String((await takeSnapshot(testbed, 'one')).body.data.resource_id);
    const stopped = await call('servers.stop', { server_id: server.id }, { body: { force: 1 } });
    await finish(stopped.body.data.task_id);
    const params = { server_id: server.id, snapshot_id };
    const answer = await call('snapshots.recovery', params, { body: { backup: 1, power_on: 0 } });
    expect(answer.status).toBe(201);
    expect(await finish(answer.body.data.task_id)).toBe('finish');
    expect(await list(testbed)).toHaveLength(2);
  });
});

describe('the configuration of a snapshot', () => {
  const toNumbers = (value: unknown): unknown => {
    if (typeof value === 'boolean') return value ? 1 : 0;
    if (Array.isArray(value)) return value.map(toNumbers);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toNumbers(inner)]));
  };

  it.each([
    ['as it came', (vmconf: unknown) => vmconf],
    ['with numbers for switches', toNumbers],
  ])('creates an equal server %s', async (_how, change) => {
    const testbed = createTestbed();
    const { call, finish, server, world } = testbed;
    const snapshot_id = String((await takeSnapshot(testbed, 'one')).body.data.resource_id);
    const detail = await call('snapshots.get', { server_id: server.id, snapshot_id });
    const vmconf = change(detail.body.data.vmconf) as Record<string, unknown>;
    const body = { ...vmconf, az_id: server.poolId, name: 'restored' };
    const created = await call('servers.create-from-config', {}, { body });
    expect(created).toMatchObject({ status: 200, body: { code: 0 } });
    expect(await finish(created.body.data.task_id)).toBe('finish');
    const copy = world.servers.get(String(created.body.data.uuid));
    const shapeOf = ({
      sockets,
      coresPerSocket,
      memoryMb,
      osKernel,
      osDistribution,
      disks,
    }: typeof server) => ({
      sockets,
      coresPerSocket,
      memoryMb,
      osKernel,
      osDistribution,
      disks: disks.map(({ deviceId, sizeBytes, preallocate }) => ({ deviceId, sizeBytes, preallocate })),
    });
    expect(shapeOf(copy)).toEqual(shapeOf(server));
    expect(copy).toMatchObject({ name: 'restored', status: 'stopped' });
  });

  it.each([
    ['az_id', { az_id: 'none' }],
    ['datastore', { datastore_id: 'none' }],
    ['hardware_option', { hardware_option: [] }],
    ['name', { name: '' }],
  ])('is refused with a bad %s', async (field, change) => {
    const testbed = createTestbed();
    const { call, server } = testbed;
    const snapshot_id = String((await takeSnapshot(testbed, 'one')).body.data.resource_id);
    const detail = await call('snapshots.get', { server_id: server.id, snapshot_id });
    const body = {
      ...(detail.body.data.vmconf as object),
      az_id: server.poolId,
      name: 'restored',
      ...change,
    };
    const answer = await call('servers.create-from-config', {}, { body });
    expect(answer).toMatchObject({ status: 400, body: { code: 400 } });
    expect(answer.body.message).toContain(field);
  });
});

describe('editing and deleting a server', () => {
  it('changes only what is sent, and removes it when it is off', async () => {
    const { call, finish, server, world } = createTestbed();
    const params = { server_id: server.id };
    const edited = await call('servers.edit', params, { body: { os_name: 'Backup Proxy', disks: [] } });
    expect(edited.status).toBe(200);
    await finish(edited.body.data.task_id);
    expect(world.servers.get(server.id)).toMatchObject({ osName: 'Backup Proxy', name: server.name });
    expect((await call('servers.delete', params, { body: { force: 1 } })).status).toBe(400);
    await finish((await call('servers.stop', params, { body: { force: true } })).body.data.task_id);
    const deleted = await call('servers.delete', params, { body: { force: 1 } });
    expect(deleted.status).toBe(200);
    await finish(deleted.body.data.task_id);
    expect((await call('servers.get', params)).status).toBe(404);
  });
});
