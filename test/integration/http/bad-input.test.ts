import { describe, expect, it } from 'vitest';
import { createTestbed } from './api-testbed.ts';

describe('bad input is a 400 that names the field', () => {
  it.each([
    ['lock_time below 60', { lock_time: 59 }, 'lock_time'],
    ['lock_time above 7200', { lock_time: 7201 }, 'lock_time'],
    ['lock_time as text', { lock_time: '600' }, 'lock_time'],
    ['no lock_time', { lock_time: undefined }, 'lock_time'],
    ['an unknown type', { type: 'recovery' }, 'type'],
    ['a server_id that is no text', { server_id: 5 }, 'server_id'],
  ])('creating a backup resource with %s', async (_what, change, field) => {
    const { call, server, world } = createTestbed();
    const body = { server_id: server.id, type: 'backup', lock_time: 600, ...change };
    const answer = await call('backup-resources.create', {}, { body });
    expect(answer).toMatchObject({ status: 400, body: { code: 400, data: {} } });
    expect(answer.body.message).toContain(`${field}: `);
    expect(world.backupResources.list()).toEqual([]);
  });

  it.each([
    ['no disk', { disk_id: '' }, 'disk_id'],
    ['an unknown disk', { disk_id: 'ide9' }, 'disk'],
    ['an unknown snapshot', { snapshot_id: 'none' }, 'snapshot'],
    ['a checkpoint that is no number', { checkpoint_id: 'x' }, 'checkpoint_id'],
    ['a negative checkpoint', { checkpoint_id: '-1' }, 'checkpoint_id'],
    ['a checkpoint that never was', { checkpoint_id: '4294967296123' }, 'checkpoint'],
    ['a negative offset', { start_offset: '-1' }, 'start_offset'],
    ['an offset beyond the disk', { start_offset: '9007199254740991' }, 'offset'],
  ])('asking for changed areas with %s', async (_what, change, field) => {
    const { call, server, finish } = createTestbed();
    const server_id = server.id;
    await finish((await call('cbt.set', { server_id }, { body: { type: 'enable' } })).body.data.task_id);
    const created = await call('snapshots.create', { server_id }, { body: { name: 'x' } });
    await finish(created.body.data.task_id);
    const query = {
      disk_id: server.disks[0]?.deviceId ?? '',
      snapshot_id: String(created.body.data.resource_id),
      checkpoint_id: '0',
      start_offset: '0',
      ...change,
    };
    const answer = await call('cbt.changed-areas', { server_id }, { query });
    expect(answer).toMatchObject({ status: 400, body: { code: 400, data: {} } });
    expect(answer.body.message).toContain(field);
  });

  it.each([
    ['page_num', '-1'],
    ['page_num', 'x'],
    ['page_size', '0'],
    ['page_size', '1001'],
    ['order_by', 'UP'],
    ['az_id', 'pool'],
    ['az_id', ''],
    ['in_protection', '2'],
  ])('listing servers with %s=%s', async (name, value) => {
    const answer = await createTestbed().call('servers.list', {}, { query: { [name]: value } });
    expect(answer).toMatchObject({ status: 400, body: { errcode: '400' } });
    expect(answer.body.message).toContain(name);
  });

  it.each([
    ['name', { name: 'current' }],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(91) }],
    ['description', { name: 'x', description: 'y'.repeat(91) }],
    ['snap_type', { name: 'x', snap_type: 'memory' }],
  ])('taking a snapshot with a bad %s', async (field, body) => {
    const { call, server } = createTestbed();
    const answer = await call('snapshots.create', { server_id: server.id }, { body });
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain(`${field}: `);
  });

  it.each([
    [{ type: 'on' }, 'type'],
    [{}, 'type'],
    [{ type: 'enable', disk_ids: 'ide0' }, 'disk_ids'],
    [{ type: 'enable', disk_ids: ['ide99'] }, 'disk'],
  ])('setting CBT with %j', async (body, field) => {
    const { call, server } = createTestbed();
    const answer = await call('cbt.set', { server_id: server.id }, { body });
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain(field);
  });

  it('in a path id of impossible characters', async () => {
    const { send } = createTestbed();
    const answer = await send('GET', '/janus/20240725/servers/%3Cscript%3E');
    expect(answer).toMatchObject({ status: 400, body: { errcode: '400' } });
    expect(answer.body.message).toContain('server_id');
  });
});

describe('a body that is none', () => {
  const path = '/janus/20180725/backup-resources';

  it.each(['{', '"', 'lock_time=600', '\u0000'])('of %j is 400', async (body) => {
    const answer = await createTestbed().send('POST', path, { body });
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 400, message: expect.stringContaining('JSON') },
    });
  });

  it('of another content type is 400', async () => {
    const { send } = createTestbed();
    const headers = { 'Content-Type': 'text/plain' };
    const answer = await send('POST', path, { body: '{}', headers });
    expect(answer).toMatchObject({ status: 400, body: { code: 400 } });
    expect(answer.body.message).toContain('Content-Type');
  });

  it('that is too long is 400', async () => {
    const answer = await createTestbed().send('POST', path, { body: { x: 'x'.repeat(5 * 2 ** 20) } });
    expect(answer).toMatchObject({ status: 400, body: { code: 400 } });
  });

  it('where none is needed is no trouble', async () => {
    const { call, server } = createTestbed();
    expect(await call('servers.stop', { server_id: server.id })).toMatchObject({ status: 201 });
  });
});

describe('a URL that cannot be decoded', () => {
  it('is 400 in the product\u2019s envelope', async () => {
    const { app } = createTestbed();
    const reply = await app.inject('/janus/20240725/servers/%zz');
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ errcode: '400', data: {} });
  });
});
