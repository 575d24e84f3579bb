/** The answers that the product's documents and its clients show, with the values of this world put in. */
import { describe, expect, it } from 'vitest';
import { type Answer, createTestbed, first } from '../../integration/http/api-testbed.ts';
import { loginAnswer } from '../../integration/http/login-answer.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const text = expect.any(String) as string;
const like = (pattern: RegExp) => expect.stringMatching(pattern) as string;

const v1 = (data: unknown) => ({ code: 0, message: '', data });
const v2 = (data: unknown) => ({ errcode: '', message: '', data });

async function withSnapshot() {
  const testbed = createTestbed();
  const { call, finish, server } = testbed;
  const server_id = server.id;
  const done = async (answer: Answer) => {
    await finish(answer.body.data.task_id);
    return answer;
  };
  await done(await call('cbt.set', { server_id }, { body: { type: 'enable' } }));
  const body = { name: 'bk-20260203', description: 'job 7', snap_type: 'external_qcow2' };
  const snapshot = await done(await call('snapshots.create', { server_id }, { body }));
  return { ...testbed, server_id, done, snapshot, snapshot_id: String(snapshot.body.data.resource_id) };
}

describe('golden shapes', () => {
  it('of a login', async () => {
    const testbed = createTestbed();
    const { username } = testbed.credential;
    expect((await loginAnswer(testbed, 'v1')).body).toEqual(
      v1({
        access: {
          token: {
            id: text,
            issued_at: like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
            expires: like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
            tenant: { id: like(UUID), name: 'admin', description: '', enabled: true },
            audit_ids: [text],
          },
          user: { id: text, username, name: username, roles_links: [], roles: [{ name: 'admin' }] },
        },
      }),
    );
  });

  it('of a resource pool in a page', async () => {
    const { call, world } = createTestbed();
    const pool = first(world.pools);
    expect((await call('azs.list')).body).toEqual(
      v1({
        total_size: 1,
        page_num: 0,
        page_size: 100,
        next_page_num: '',
        data: [
          {
            id: pool.id,
            name: pool.name,
            description: pool.description,
            status: 'normal',
            type: 'hci',
            tag: pool.tag,
            version: '6.11.3',
          },
        ],
      }),
    );
  });

  it('of a host', async () => {
    const { call, world } = createTestbed();
    const host = first(world.hosts);
    expect((await call('hosts.list', {}, { query: { page_size: '1' } })).body).toMatchObject(
      v2({
        data: [
          {
            id: like(/^host-[0-9a-f]{12}$/),
            ip: host.ip,
            az_id: first(world.pools).id,
            cluster_id: host.clusterId,
            cluster_type: 'hci',
            type: 'h',
            status: 'running',
          },
        ],
      }),
    );
  });

  it('of a datastore', async () => {
    const { call, world } = createTestbed();
    const store = first(world.datastores);
    const { body } = await call('storages.list', {}, { query: { storage_ids: store.id } });
    expect(body).toMatchObject(
      v1({
        data: [
          {
            id: store.id,
            type: store.type,
            status: 'ok',
            cluster_id: store.clusterId,
            host_ids: store.hostIds,
            hosts_online_state: 'ALL',
            connected_hosts: store.hostIds.length,
            supported_allocate_types: ['off', 'metadata', 'full'],
            storage_tag_id: like(UUID),
          },
        ],
      }),
    );
  });

  it('of a server in the list', async () => {
    const { call, server } = createTestbed();
    const disk = first(server.disks);
    const { body } = await call('servers.list', {}, { query: { ids: server.id } });
    expect(body).toMatchObject(
      v2({
        data: [
          {
            id: like(UUID),
            vm_id: like(/^\d{13}$/),
            name: server.name,
            type: 'hci',
            vmtype: 'vm',
            status: server.status,
            power_state: server.status === 'running' ? 'on' : 'off',
            host_id: server.hostId,
            az_id: server.poolId,
            os_name: '',
            vtool_installed: server.vmtools,
            disks: server.disks.map(({ deviceId, sizeBytes, preallocate, datastoreId }) => ({
              id: deviceId,
              size_gb: sizeBytes / 2 ** 30,
              size_mb: sizeBytes / 2 ** 20,
              preallocate,
              storage_id: datastoreId,
            })),
          },
        ],
      }),
    );
    expect(disk.sizeBytes).toBeGreaterThan(0);
  });

  it('of switching CBT on', async () => {
    const { call, server } = createTestbed();
    const body = { type: 'enable', disk_ids: [first(server.disks).deviceId] };
    expect((await call('cbt.set', { server_id: server.id }, { body })).body).toEqual(v1({ task_id: text }));
  });

  it('of a snapshot that begins, and of its detail', async () => {
    const { call, server, server_id, snapshot, snapshot_id } = await withSnapshot();
    expect(snapshot).toMatchObject({ status: 201, body: v1({ task_id: text, resource_id: text }) });
    const { body } = await call('snapshots.get', { server_id, snapshot_id });
    expect(body).toMatchObject(
      v1({
        id: snapshot_id,
        checkpoint_id: like(/^\d{10,}$/),
        type: 'external_qcow2',
        is_protected: false,
        created_at: like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/),
        name: 'bk-20260203',
        description: 'job 7',
        vmconf: {
          name: server.name,
          datastore_id: first(server.disks).datastoreId,
          host_id: 'cluster',
          hardware_option: {
            disks: server.disks.map(({ deviceId, sizeBytes }) => ({
              device_id: deviceId,
              size_gb: sizeBytes / 2 ** 30,
              adapter_type: like(/^(IDE|VIRTIO)$/),
              format_type: like(/^(OFF|METADATA|FULL)$/),
            })),
          },
        },
      }),
    );
  });

  it('of a backup resource from creation to its state', async () => {
    const { call, clock, done, server_id } = await withSnapshot();
    const request = { server_id, type: 'backup', lock_time: 600 };
    const created = await done(await call('backup-resources.create', {}, { body: request }));
    expect(created).toMatchObject({
      status: 200,
      body: v1({ resource_id: like(/^[0-9a-f-]{36}:[0-9a-f-]{36}$/), task_id: text }),
    });
    await clock.advanceBy(17_000);
    const params = { backup_resources_id: String(created.body.data.resource_id) };
    const { body } = await call('backup-resources.get', params);
    expect(body).toEqual(
      v1({
        server_id,
        status: 'running',
        remain_time: expect.any(Number) as number,
        ca_cert: like(/^[A-Za-z0-9+/]+=*$/),
        host_id: like(/^host-/),
      }),
    );
    expect(body.data.remain_time).toBeLessThanOrEqual(583);
  });

  it('of changed areas', async () => {
    const { call, server, server_id, snapshot_id } = await withSnapshot();
    const disk = first(server.disks);
    const query = { disk_id: disk.deviceId, snapshot_id, checkpoint_id: '0', start_offset: '0' };
    const { body } = await call('cbt.changed-areas', { server_id }, { query });
    expect(body).toMatchObject(v1({ start_offset: 0, length: disk.sizeBytes }));
    const areas = body.data.changed_area as { start: number; length: number }[];
    expect(areas.length).toBeGreaterThan(0);
    for (const { start, length } of areas) {
      expect(start % 65_536).toBe(0);
      expect(start + length).toBeLessThanOrEqual(disk.sizeBytes);
    }
  });

  it('of a task that is done', async () => {
    const { call, server, server_id, snapshot } = await withSnapshot();
    const { body } = await call('tasks.get', { task_id: String(snapshot.body.data.task_id) });
    expect(body).toMatchObject(
      v1({
        task_id: snapshot.body.data.task_id,
        action: text,
        object_type: text,
        object_name: text,
        status: 'finish',
        progress: 100,
        begin_time: like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
        end_time: like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
        cancelable: 0,
        description: '',
        entities: { object_id: text },
      }),
    );
    expect(server_id).toBe(server.id);
  });

  it('of a task that fails: the reason stands in its description', async () => {
    const { call, server_id, done, world } = await withSnapshot();
    const request = { server_id, type: 'backup', lock_time: 600 };
    world.backupResources.occupy(server_id, 600);
    const answer = await done(await call('backup-resources.create', {}, { body: request }));
    const { body } = await call('tasks.get', { task_id: String(answer.body.data.task_id) });
    expect(body).toMatchObject(v1({ status: 'failure', progress: -1, description: like(/./) }));
  });

  it('of an error in either envelope', async () => {
    const { call, world, server_id, server, snapshot_id } = await withSnapshot();
    const { checkpoint_id } = (await call('snapshots.get', { server_id, snapshot_id })).body.data;
    world.cbt.expire(server_id, 'test');
    const query = {
      disk_id: first(server.disks).deviceId,
      snapshot_id,
      checkpoint_id: String(checkpoint_id),
      start_offset: '0',
    };
    expect(await call('cbt.changed-areas', { server_id }, { query })).toEqual({
      status: 400,
      body: { code: 400, message: 'The VM CBT has expired. Please reset it.', data: {} },
    });
    expect(await call('servers.get', { server_id: 'none' })).toEqual({
      status: 404,
      body: { errcode: '404', message: text, data: {} },
    });
  });
});
