import { describe, expect, it } from 'vitest';
import { API_ERRORS } from '../../../src/contract/errors.ts';
import { first } from './api-testbed.ts';
import { createHotAddTestbed, DOORS } from './hot-add-testbed.ts';
import { loginAnswer } from './login-answer.ts';

describe.each(DOORS)('disks over the $door door', ({ door: name }) => {
  it('are added all at once, shown in the configuration of the proxy, and removed', async () => {
    const testbed = createHotAddTestbed();
    const { call, proxy, doors, server, diskId, outcome } = testbed;
    const { snapshotId } = await testbed.lease();
    const added = await doors[name].add(testbed.clones(snapshotId));
    expect(added).toMatchObject({
      status: 200,
      body: { message: '', data: { task_id: expect.any(String) } },
    });
    expect(await outcome(added)).toEqual({ status: 'finish', description: '' });
    const own = { id: 'ide0', type: 'new_disk', application_type: 'normal', disk_id: diskId('ide0', proxy) };
    const configuration = () => call('servers.get', { server_id: proxy.id });
    expect((await configuration()).body.data.disks).toMatchObject([
      own,
      ...server.disks.map((disk, at) => ({
        id: `virtio${at}`,
        disk_id: disk.uuid,
        application_type: 'backup',
        type: 'derive_disk',
        size_mb: disk.sizeBytes / 2 ** 20,
        storage_id: disk.datastoreId,
        use_virtio: 1,
      })),
    ]);
    const removed = await doors[name].remove(server.disks.map(({ uuid }) => uuid));
    expect(await outcome(removed)).toEqual({ status: 'finish', description: '' });
    const left = (await configuration()).body.data.disks;
    expect(left).toMatchObject([own]);
    expect(left).toHaveLength(1);
  });

  it('are attached themselves for a restore', async () => {
    const testbed = createHotAddTestbed();
    const { call, proxy, doors, diskId, outcome } = testbed;
    await testbed.lease('restore');
    const disk = {
      disk_id: diskId('ide0'),
      application_type: 'restore',
      source_server_id: testbed.server.id,
    };
    expect(await outcome(await doors[name].add([disk]))).toMatchObject({ status: 'finish' });
    const { body } = await call('servers.get', { server_id: proxy.id });
    expect(body.data.disks).toMatchObject([
      {},
      { disk_id: disk.disk_id, application_type: 'restore', type: 'exist_disk' },
    ]);
  });

  it('need not name their server', async () => {
    const testbed = createHotAddTestbed();
    const { snapshotId } = await testbed.lease();
    const [disk] = testbed.clones(snapshotId, 'ide1');
    const bare = { ...disk, source_server_id: undefined };
    expect(await testbed.outcome(await testbed.doors[name].add([bare]))).toMatchObject({ status: 'finish' });
    expect(testbed.attached()).toEqual([testbed.diskId('ide1')]);
  });

  it('are added once for a client token, whatever is sent again', async () => {
    const testbed = createHotAddTestbed();
    const { doors, world } = testbed;
    const { snapshotId } = await testbed.lease();
    const headers = { 'X-Client-Token': 'token-1' };
    const disks = testbed.clones(snapshotId, 'ide0');
    const added = await doors[name].add(disks, { headers });
    const tasks = () => world.tasks.list().filter(({ action }) => action === 'hotadd.add').length;
    await testbed.outcome(added);
    expect(await doors[name].add(disks, { headers })).toEqual(added);
    expect(tasks()).toBe(1);
    expect(await doors[name].add(testbed.clones(snapshotId, 'ide1'), { headers })).toMatchObject({
      status: API_ERRORS.IDEMPOTENCY_MISMATCH.status,
    });
    expect(tasks()).toBe(1);
  });

  it('are added with a token of a login at the SCP, and not with a foreign one', async () => {
    const testbed = createHotAddTestbed();
    const { snapshotId } = await testbed.lease();
    const login = (await loginAnswer(testbed, 'v1')).body.data as { access: { token: { id: string } } };
    const disks = testbed.clones(snapshotId, 'ide0');
    const as = (Authorization: string) => testbed.doors[name].add(disks, { headers: { Authorization } });
    expect(await as('Token nobody')).toMatchObject({ status: 401 });
    expect(await as('')).toMatchObject({ status: 401 });
    expect(testbed.world.tasks.list().filter(({ action }) => action === 'hotadd.add')).toEqual([]);
    expect(await as(`Token ${login.access.token.id}`)).toMatchObject({ status: 200 });
  });
});

describe('two HotAdd calls on one proxy', () => {
  it.each([
    ['SCP', 'SCP'],
    ['SCP', 'HCI'],
    ['HCI', 'SCP'],
  ] as const)(
    'by %s and %s are accepted, and the task of the second says what it lost to',
    async (one, two) => {
      const testbed = createHotAddTestbed();
      const { doors, call } = testbed;
      const { snapshotId } = await testbed.lease();
      const winner = await doors[one].add(testbed.clones(snapshotId, 'ide0'));
      const loser = await doors[two].add(testbed.clones(snapshotId, 'ide1'));
      expect([winner.status, loser.status]).toEqual([200, 200]);
      expect(await testbed.outcome(winner)).toMatchObject({ status: 'finish' });
      await testbed.outcome(loser);
      const { body } = await call('tasks.get', { task_id: String(loser.body.data.task_id) });
      expect(body.data).toMatchObject({ status: 'failure', progress: -1, object_id: testbed.proxy.id });
      expect(body.data.description).toContain(API_ERRORS.HOTADD_CONFLICT.message);
      expect(testbed.attached()).toEqual([testbed.diskId('ide0')]);
    },
  );
});

describe('the HCI door', () => {
  it('shows a server by its HCI id and its task, so that nothing else is needed to find a disk', async () => {
    const testbed = createHotAddTestbed();
    const { send, proxy, server } = testbed;
    const { snapshotId } = await testbed.lease();
    const shown = await send('GET', `/hci/vt/api/v1/vms/${server.vmId}`);
    expect(shown.body).toMatchObject({ code: 0, data: { id: server.id } });
    const disks = shown.body.data.disks as { disk_id: string }[];
    const body = { disks: [{ diskId: first(disks).disk_id, applicationType: 'backup', snapshotId }] };
    const added = await send('POST', `/hci/vt/api/v1/vms/${proxy.vmId}/disks`, { body });
    const task = await send('GET', `/hci/vt/api/v1/tasks/${String(added.body.data.task_id)}`);
    expect(task.body).toMatchObject({
      code: 0,
      data: { action: 'Hot-add disks', object_type: 'VM', object_name: proxy.name, status: 'waiting' },
    });
  });

  it('takes the platform\u2019s own ids of servers too, and SCP does not take those of HCI', async () => {
    const { send, server } = createHotAddTestbed();
    expect(await send('GET', `/hci/vt/api/v1/vms/${server.id}`)).toMatchObject({ status: 200 });
    expect(await send('GET', '/hci/vt/api/v1/vms/1234567890123')).toMatchObject({ status: 404 });
    expect(await send('GET', `/janus/20240725/servers/${server.vmId}`)).toMatchObject({ status: 404 });
  });
});

describe('the list of servers', () => {
  it('marks proxies and says which guests have vmtools', async () => {
    const { call, proxy, world } = createHotAddTestbed();
    const { body } = await call('servers.list');
    const items = body.data.data as { id: string; os_name: string; vtool_installed: number }[];
    const proxies = items.filter((one) => one.os_name === 'Backup Proxy').map(({ id }) => id);
    expect(proxies).toHaveLength(2);
    expect(proxies).toContain(proxy.id);
    expect(new Set(items.map((one) => one.vtool_installed))).toEqual(new Set([0, 1]));
    for (const { id, vtool_installed } of items) expect(vtool_installed).toBe(world.servers.get(id).vmtools);
  });

  it('is filtered by the host', async () => {
    const { call, proxy, world } = createHotAddTestbed();
    const { body } = await call('servers.list', {}, { query: { host_id: proxy.hostId } });
    const wanted = world.servers.list().filter(({ hostId }) => hostId === proxy.hostId);
    expect((body.data.data as { id: string }[]).map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
    expect(wanted.length).toBeLessThan(world.servers.list().length);
  });
});

describe('a snapshot', () => {
  it('remembers no disk that was hot-added when it was taken', async () => {
    const testbed = createHotAddTestbed();
    const { call, proxy, finish } = testbed;
    const { snapshotId } = await testbed.lease();
    await testbed.outcome(await testbed.doors.SCP.add(testbed.clones(snapshotId)));
    const taken = await call('snapshots.create', { server_id: proxy.id }, { body: { name: 'p' } });
    await finish(taken.body.data.task_id);
    const params = { server_id: proxy.id, snapshot_id: String(taken.body.data.resource_id) };
    const { vmconf } = (await call('snapshots.get', params)).body.data as {
      vmconf: { hardware_option: { disks: unknown[] } };
    };
    expect(vmconf.hardware_option.disks).toMatchObject([{ device_id: 'ide0' }]);
    expect(vmconf.hardware_option.disks).toHaveLength(1);
  });
});

describe('what a proxy is', () => {
  it('is set and taken back through the API', async () => {
    const { call, server, finish } = createHotAddTestbed();
    const params = { server_id: server.id };
    const name = async () => (await call('servers.get', params)).body.data.os_name;
    for (const os_name of ['Backup Proxy', '']) {
      const { status, body } = await call('servers.edit', params, { body: { os_name } });
      expect(status).toBe(200);
      expect(await finish(body.data.task_id)).toBe('finish');
      expect(await name()).toBe(os_name);
    }
  });

  it.each([[5], [null], ['x'.repeat(256)], [['Backup Proxy']]])('is not %j', async (os_name) => {
    const { call, server } = createHotAddTestbed();
    const answer = await call('servers.edit', { server_id: server.id }, { body: { os_name } });
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain('os_name: ');
  });

  it('stays so while it holds hot-added disks', async () => {
    const testbed = createHotAddTestbed();
    const { snapshotId } = await testbed.lease();
    await testbed.outcome(await testbed.doors.SCP.add(testbed.clones(snapshotId, 'ide0')));
    const params = { server_id: testbed.proxy.id };
    const answer = await testbed.call('servers.edit', params, { body: { os_name: '' } });
    expect(answer).toMatchObject({ status: 400, body: { code: 400 } });
    expect(answer.body.message).toContain(API_ERRORS.DISK_ATTACHED.message);
  });
});

describe('the transport modes', () => {
  it.each([
    [true, ['nbd', 'nbd_ssl', 'hotadd']],
    [false, ['nbd', 'nbd_ssl']],
  ])('with HotAdd offered: %s', async (isHotAddOffered, modes) => {
    const { call, server } = createHotAddTestbed({ settings: { isHotAddOffered } });
    const { body } = await call('backup-resources.supports', {}, { query: { server_id: server.id } });
    expect(body.data.transport_modes).toEqual(modes);
  });
});
