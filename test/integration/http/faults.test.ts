import { describe, expect, it } from 'vitest';
import { createTestbed, type Testbed } from './api-testbed.ts';

const restEntries = ({ world }: Testbed) =>
  world.journal.entries.filter(({ type }) => type.startsWith('rest') || type === 'fault.fired');

const snapshotNames = ({ world, server }: Testbed) => world.snapshots.list(server.id).map(({ name }) => name);

const takeSnapshot = ({ call, server }: Testbed, name = 'x', headers = {}) =>
  call('snapshots.create', { server_id: server.id }, { body: { name }, headers });

describe('a planned fault', () => {
  it('"error" answers in its place, before any effect', async () => {
    const testbed = createTestbed();
    testbed.faults.add({ kind: 'error', status: 503, message: 'not now', on: 'snapshots.create' });
    expect(await takeSnapshot(testbed)).toEqual({
      status: 503,
      body: { code: 503, message: 'not now', data: {} },
    });
    expect(snapshotNames(testbed)).toEqual([]);
    expect(testbed.faults.list()).toMatchObject([{ fired: 1 }]);
    expect((await takeSnapshot(testbed)).status).toBe(201);
  });

  it('"refuse" answers as the product would, before any effect', async () => {
    const testbed = createTestbed();
    testbed.faults.add({ kind: 'refuse', code: 'SNAPSHOT_LIMIT', on: 'snapshots.create' });
    expect(await takeSnapshot(testbed)).toEqual({
      status: 400,
      body: { code: 400, message: 'The number of snapshots has reached the limit.', data: {} },
    });
    expect(snapshotNames(testbed)).toEqual([]);
  });

  it.each([
    ['unavailable', 503, 503],
    ['rate-limited', 429, 200],
  ] as const)(
    '"%s" refuses with %i until its time is over, other calls get %i',
    async (kind, status, other) => {
      const testbed = createTestbed();
      const { call, clock, server, faults } = testbed;
      faults.add({ kind, ms: 30_000, on: 'snapshots.create' });
      expect((await call('servers.get', { server_id: server.id })).status).toBe(200);
      expect((await takeSnapshot(testbed)).status).toBe(status);
      await clock.advanceBy(29_000);
      expect((await takeSnapshot(testbed)).status).toBe(status);
      expect((await call('servers.get', { server_id: server.id })).status).toBe(other);
      await clock.advanceBy(2_000);
      expect((await takeSnapshot(testbed)).status).toBe(201);
      expect(faults.list()).toMatchObject([{ fired: 1 }]);
    },
  );

  it.each(['garbage-reply', 'truncated-reply'] as const)(
    '"%s" damages the body after the effect, and the journal keeps what was said',
    async (kind) => {
      const testbed = createTestbed();
      testbed.faults.add({ kind, on: 'snapshots.create' });
      await expect(takeSnapshot(testbed)).rejects.toThrow(SyntaxError);
      expect(snapshotNames(testbed)).toEqual(['x']);
      expect(restEntries(testbed).at(-1)).toMatchObject({ type: 'rest.reply', status: 201 });
      expect((await takeSnapshot(testbed, 'y')).body.message).toContain('Another task');
    },
  );

  it('"restart" leaves calls under way without an answer, and ends every login', async () => {
    const testbed = createTestbed();
    const { world, registry, credential, call, faults, server, clock } = testbed;
    const { id } = world.tokens.issue(credential.username, credential.password);
    const [hosted] = registry.list();
    if (hosted !== undefined) registry.noteToken(id, { hosted, username: credential.username });
    faults.add({ kind: 'delay', ms: 5000, when: 'after', on: 'snapshots.create' });
    faults.add({ kind: 'restart', on: 'task:snapshot.create', step: 'doing' });
    await expect(takeSnapshot(testbed)).rejects.toThrow('destroyed');
    faults.add({ kind: 'restart', on: 'servers.get' });
    await expect(call('servers.get', { server_id: server.id })).rejects.toThrow('destroyed');
    await clock.advanceBy(60_000);
    expect(snapshotNames(testbed)).toEqual(['x']);
    expect((await call('azs.list', {}, { headers: { Authorization: `Token ${id}` } })).status).toBe(401);
    expect((await call('servers.get', { server_id: server.id })).status).toBe(200);
  });

  it('strikes only the caller that it names', async () => {
    const testbed = createTestbed();
    const { faults, credential } = testbed;
    faults.add({ kind: 'refuse', code: 'FORBIDDEN', on: '*', actor: 'somebody', id: 'not-me' });
    expect((await takeSnapshot(testbed)).status).toBe(201);
    faults.add({ kind: 'refuse', code: 'FORBIDDEN', on: '*', actor: credential.accessKey });
    expect((await takeSnapshot(testbed)).status).toBe(403);
    expect(faults.list().map(({ fired }) => fired)).toEqual([0, 1]);
  });

  it('"lose-request" ends the connection before any effect', async () => {
    const testbed = createTestbed();
    testbed.faults.add({ kind: 'lose-request', on: 'snapshots.create' });
    await expect(takeSnapshot(testbed)).rejects.toThrow('destroyed');
    expect(testbed.world.tasks.list()).toEqual([]);
    expect(restEntries(testbed)).toMatchObject([
      { type: 'rest.request', call: 1 },
      { type: 'fault.fired', kind: 'lose-request' },
      { type: 'rest.reply', call: 1, status: 0, isLost: true },
    ]);
  });

  it('"lose-reply" ends the connection after the effect', async () => {
    const testbed = createTestbed();
    testbed.faults.add({ kind: 'lose-reply', on: 'snapshots.create' });
    await expect(takeSnapshot(testbed)).rejects.toThrow('destroyed');
    await testbed.clock.advanceBy(60_000);
    expect(snapshotNames(testbed)).toEqual(['x']);
    expect(restEntries(testbed).at(-1)).toMatchObject({ type: 'rest.reply', status: 201, isLost: true });
  });

  it('"delay" waits before the effect or before the reply', async () => {
    const testbed = createTestbed();
    const { clock, faults } = testbed;
    const began = clock.now();
    faults.add({ kind: 'delay', ms: 5000, when: 'before', on: 'snapshots.create' });
    faults.add({ kind: 'delay', ms: 70_000, when: 'after', on: 'snapshots.create' });
    await takeSnapshot(testbed);
    expect(clock.now()).toBe(began + 75_000);
    expect(testbed.world.tasks.list()).toMatchObject([{ beginMs: began + 5000, status: 'finish' }]);
  });

  it('"expire-tokens" makes the very call fail', async () => {
    const testbed = createTestbed();
    const { world, registry, credential, call, faults } = testbed;
    const { id } = world.tokens.issue(credential.username, credential.password);
    const [hosted] = registry.list();
    if (hosted !== undefined) registry.noteToken(id, { hosted, username: credential.username });
    const headers = { Authorization: `Token ${id}` };
    faults.add({ kind: 'expire-tokens', on: 'azs.list', after: 1 });
    expect((await call('azs.list', {}, { headers })).status).toBe(200);
    expect((await call('azs.list', {}, { headers })).status).toBe(401);
    expect((await call('azs.list', {}, { headers })).status).toBe(401);
  });

  it('"expire-resource" ends the resource before the renewal', async () => {
    const testbed = createTestbed();
    const { call, finish, server, faults } = testbed;
    const body = { server_id: server.id, type: 'backup', lock_time: 600 };
    const snapshot = await takeSnapshot(testbed);
    await finish(snapshot.body.data.task_id);
    const created = await call('backup-resources.create', {}, { body });
    await finish(created.body.data.task_id);
    const params = { backup_resources_id: String(created.body.data.resource_id) };
    faults.add({ kind: 'expire-resource', on: 'backup-resources.renew', server: server.name });
    expect(await call('backup-resources.renew', params, { body: { lock_time: 600 } })).toMatchObject({
      status: 404,
    });
    expect((await call('backup-resources.get', params)).body.data).toMatchObject({
      status: 'expired',
      remain_time: 0,
    });
  });

  it('"cbt-expired" answers with the vendor\u2019s text, and it is so', async () => {
    const testbed = createTestbed();
    const { call, finish, server, faults } = testbed;
    const server_id = server.id;
    await finish((await call('cbt.set', { server_id }, { body: { type: 'enable' } })).body.data.task_id);
    const created = await takeSnapshot(testbed);
    await finish(created.body.data.task_id);
    const snapshot_id = String(created.body.data.resource_id);
    const { checkpoint_id } = (await call('snapshots.get', { server_id, snapshot_id })).body.data;
    const query = {
      disk_id: server.disks[0]?.deviceId ?? '',
      snapshot_id,
      checkpoint_id: String(checkpoint_id),
      start_offset: '0',
    };
    const ask = () => call('cbt.changed-areas', { server_id }, { query });
    expect((await ask()).status).toBe(200);
    faults.add({ kind: 'cbt-expired', on: 'cbt.changed-areas' });
    for (let n = 0; n < 2; n++)
      expect(await ask()).toMatchObject({
        status: 400,
        body: { code: 400, message: 'The VM CBT has expired. Please reset it.' },
      });
  });

  it('strikes only the server that it names', async () => {
    const testbed = createTestbed();
    const { call, faults, world, server } = testbed;
    const other = world.servers.list().find(({ id }) => id !== server.id);
    faults.add({ kind: 'error', status: 500, message: 'no', on: '*', server: server.id });
    expect((await call('servers.get', { server_id: other?.id ?? '' })).status).toBe(200);
    const supports = await call('backup-resources.supports', {}, { query: { server_id: server.id } });
    expect(supports.status).toBe(500);
  });

  it('does not strike a call with a bad signature', async () => {
    const testbed = createTestbed();
    const { call, faults } = testbed;
    faults.add({ kind: 'error', status: 500, message: 'no', on: '*' });
    const headers = {
      Authorization: `AWS4-HMAC-SHA256 Credential=${testbed.credential.accessKey}/d/r/s/aws4_request, SignedHeaders=x-amz-date, Signature=${'0'.repeat(64)}`,
    };
    expect((await call('azs.list', {}, { headers })).status).toBe(401);
    expect(faults.list()).toMatchObject([{ fired: 0 }]);
  });
});

describe('X-Client-Token', () => {
  const token = { 'X-Client-Token': '7b0c2f5e-1111-4a5d-9c51-0a1b2c3d4e5f' };

  it('gives a lost answer back without a second effect', async () => {
    const testbed = createTestbed();
    testbed.faults.add({ kind: 'lose-reply', on: 'snapshots.create' });
    await expect(takeSnapshot(testbed, 'x', token)).rejects.toThrow('destroyed');
    const again = await takeSnapshot(testbed, 'x', token);
    expect(again.status).toBe(201);
    await testbed.finish(again.body.data.task_id);
    expect(snapshotNames(testbed)).toEqual(['x']);
  });

  it('with another body is 429', async () => {
    const testbed = createTestbed();
    await takeSnapshot(testbed, 'x', token);
    expect(await takeSnapshot(testbed, 'y', token)).toMatchObject({ status: 429, body: { code: 429 } });
  });

  it('with another query is 429', async () => {
    const testbed = createTestbed();
    const { call, server } = testbed;
    await takeSnapshot(testbed, 'x', token);
    const again = { body: { name: 'x' }, query: { other: '1' }, headers: token };
    const answer = await call('snapshots.create', { server_id: server.id }, again);
    expect(answer).toMatchObject({ status: 429, body: { code: 429 } });
  });

  it('for another server with the same body is 429', async () => {
    const testbed = createTestbed();
    const { call, server, world } = testbed;
    await takeSnapshot(testbed, 'x', token);
    const other = world.servers.list().find(({ id }) => id !== server.id);
    const params = { server_id: other?.id ?? '' };
    const answer = await call('snapshots.create', params, { body: { name: 'x' }, headers: token });
    expect(answer).toMatchObject({ status: 429, body: { code: 429 } });
  });

  it('is forgotten after 15 minutes', async () => {
    const testbed = createTestbed();
    await testbed.finish((await takeSnapshot(testbed, 'x', token)).body.data.task_id);
    await testbed.clock.advanceBy(15 * 60_000);
    await testbed.finish((await takeSnapshot(testbed, 'x', token)).body.data.task_id);
    expect(snapshotNames(testbed)).toEqual(['x', 'x']);
  });

  it('of a lost request has had no effect', async () => {
    const testbed = createTestbed();
    testbed.faults.add({ kind: 'lose-request', on: 'snapshots.create' });
    await expect(takeSnapshot(testbed, 'x', token)).rejects.toThrow('destroyed');
    expect((await takeSnapshot(testbed, 'y', token)).status).toBe(201);
  });
});

describe('the general rate limit', () => {
  it('answers 429 after 100 writes a minute, when it is on', async () => {
    const { call, clock, server } = createTestbed({ settings: { isRateLimited: true } });
    const edit = () =>
      call('backup-resources.renew', { backup_resources_id: server.id }, { body: { lock_time: 60 } });
    for (let n = 0; n < 100; n++) expect((await edit()).status).toBe(404);
    expect(await edit()).toMatchObject({ status: 429, body: { code: 429 } });
    await clock.advanceBy(60_000);
    expect((await edit()).status).toBe(404);
  });
});
