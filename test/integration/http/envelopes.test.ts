import { describe, expect, it } from 'vitest';
import { OPERATION_NAMES, operationOf } from '../../../src/contract/operations.ts';
import { createTestbed } from './api-testbed.ts';

describe('paths that are not served', () => {
  it('answer 404 in the envelope of their date', async () => {
    const { send } = createTestbed();
    expect(await send('GET', '/janus/20180725/nothing')).toMatchObject({ status: 404, body: { code: 404 } });
    expect(await send('GET', '/janus/20240725/nothing')).toMatchObject({
      status: 404,
      body: { errcode: '404' },
    });
    expect(await send('POST', '/janus/20240725/hosts', { body: {} })).toMatchObject({ status: 404 });
    expect(await send('GET', '/')).toMatchObject({ status: 404, body: { code: 404 } });
  });

  it('answer 501 when the product knows them', async () => {
    const { send } = createTestbed();
    const known = await send('GET', '/janus/20180725/volumes');
    expect(known).toMatchObject({ status: 501, body: { code: 501, data: {} } });
    expect(await send('GET', '/janus/20240725/storages/servers')).toMatchObject({
      status: 501,
      body: { errcode: '501' },
    });
    expect(await send('DELETE', '/janus/v20180725/images/i-1')).toMatchObject({ status: 501 });
  });

  it('answer the same without a login', async () => {
    const { send } = createTestbed();
    const headers = { Authorization: '' };
    expect(await send('GET', '/janus/20180725/volumes', { headers })).toMatchObject({ status: 501 });
  });

  it('are journalled as unknown', async () => {
    const { send, world } = createTestbed();
    await send('GET', '/janus/20180725/volumes');
    expect(world.journal.entries.filter(({ type }) => type.startsWith('rest'))).toMatchObject([
      { type: 'rest.request', operation: 'unknown', path: '/janus/20180725/volumes' },
      { type: 'rest.reply', operation: 'unknown', status: 501, code: 501 },
    ]);
  });
});

describe('every date of a resource', () => {
  const params = (server: string) => ({
    server_id: server,
    snapshot_id: 'none',
    backup_resources_id: 'none',
    task_id: 'none',
    az_id: 'none',
    cluster_id: 'none',
  });

  it('is answered in its own envelope', async () => {
    const { send, server } = createTestbed();
    for (const name of OPERATION_NAMES) {
      const { method, paths } = operationOf(name);
      for (const path of paths) {
        const url = path.replace(/\{(\w+)\}/g, (_, key: 'task_id') => params(server.id)[key]);
        const { body } = await send(method, url);
        const isV2 = url.startsWith('/janus/20240725');
        expect(Object.keys(body).toSorted(), url).toEqual(
          ['data', isV2 ? 'errcode' : 'code', 'message'].toSorted(),
        );
        expect(typeof (isV2 ? body.errcode : body.code), url).toBe(isV2 ? 'string' : 'number');
      }
    }
  });
});

describe('an unknown server', () => {
  const params = { server_id: 'a1b2c3d4-0001-4000-8000-00000000beef' };

  it('is 404 where that is documented', async () => {
    const { call } = createTestbed();
    expect(await call('servers.get', params)).toMatchObject({ status: 404, body: { errcode: '404' } });
    expect(await call('snapshots.create', params, { body: { name: 'x' } })).toMatchObject({ status: 404 });
  });

  it('is a bad parameter where it is not', async () => {
    const { call } = createTestbed();
    expect(await call('cbt.status', params)).toMatchObject({ status: 400, body: { code: 400 } });
    expect(await call('snapshots.list', params)).toMatchObject({ status: 400, body: { code: 400 } });
  });
});

describe('the status of success', () => {
  it('is 201 for life-cycle calls, 200 for the backup calls', async () => {
    const { call, server, finish } = createTestbed();
    const server_id = server.id;
    const set = await call('cbt.set', { server_id }, { body: { type: 'enable' } });
    expect(set.status).toBe(200);
    await finish(set.body.data.task_id);
    const stop = await call('servers.stop', { server_id }, { body: { force: 1 } });
    expect(stop.status).toBe(201);
    await finish(stop.body.data.task_id);
    const start = await call('servers.start', { server_id });
    expect(start.status).toBe(201);
  });

  it.each([
    [false, 200],
    [true, 204],
  ])('of a deletion with isStrict204 %s is %i', async (isStrict204, status) => {
    const { call, server, finish } = createTestbed({ settings: { isStrict204 } });
    const server_id = server.id;
    const created = await call('snapshots.create', { server_id }, { body: { name: 'x' } });
    await finish(created.body.data.task_id);
    const snapshot_id = String(created.body.data.resource_id);
    const deleted = await call('snapshots.delete', { server_id, snapshot_id });
    expect(deleted.status).toBe(status);
    if (isStrict204) expect(deleted.body).toBeUndefined();
    else expect(deleted.body.data.task_id).toEqual(expect.any(String));
  });
});
