import { describe, expect, it } from 'vitest';
import { operationPath } from '../../../src/contract/operations.ts';
import { type HttpRequest, TransportError } from '../../../src/sdk/http-transport.ts';
import { createInProcessTransport } from '../../../simulator/http/in-process-transport.ts';
import { createProductApi } from '../../../simulator/http/product-api.ts';
import { createTestbed, type Testbed } from './api-testbed.ts';
import { signed } from './sign.ts';

function requestFor({ credential, server }: Testbed, name = 'x'): HttpRequest {
  const path = operationPath('snapshots.create', { server_id: server.id });
  const body = JSON.stringify({ name });
  const headers = {
    'Content-Type': 'application/json',
    ...signed({ method: 'POST', path, body, ...credential }),
  };
  return { method: 'POST', path, headers, body };
}

describe('the transport inside the process', () => {
  it('brings status, headers and body', async () => {
    const testbed = createTestbed();
    const transport = createInProcessTransport(() => testbed.app);
    const response = await testbed.clock.run(transport.send(requestFor(testbed)));
    expect(response).toMatchObject({
      status: 201,
      headers: { 'content-type': expect.stringContaining('json') },
    });
    expect(JSON.parse(response.body)).toMatchObject({ code: 0 });
  });

  it.each(['lose-request', 'lose-reply'] as const)('rejects with TransportError after "%s"', async (kind) => {
    const testbed = createTestbed();
    testbed.faults.add({ kind, on: 'snapshots.create' });
    const transport = createInProcessTransport(() => testbed.app);
    await expect(testbed.clock.run(transport.send(requestFor(testbed)))).rejects.toThrow(TransportError);
  });

  it('stops waiting when its signal is aborted, while the call takes its course', async () => {
    const testbed = createTestbed();
    const { clock, faults, world, server } = testbed;
    faults.add({ kind: 'delay', ms: 10_000, when: 'before', on: 'snapshots.create' });
    const transport = createInProcessTransport(() => testbed.app);
    const abort = new AbortController();
    clock.setTimer(clock.now() + 1000, () => abort.abort(new TransportError('timed out')));
    const began = clock.now();
    await expect(clock.run(transport.send(requestFor(testbed), abort.signal))).rejects.toThrow('timed out');
    expect(clock.now()).toBe(began + 1000);
    await clock.advanceBy(60_000);
    expect(world.snapshots.list(server.id)).toHaveLength(1);
  });

  it('sends nothing when its signal is aborted already', async () => {
    const testbed = createTestbed();
    const transport = createInProcessTransport(() => testbed.app);
    const gone = AbortSignal.abort(new TransportError('gone'));
    await expect(transport.send(requestFor(testbed), gone)).rejects.toThrow('gone');
    expect(testbed.world.journal.length).toBe(0);
  });
});

describe('the journal of a run', () => {
  const run = async () => {
    const testbed = createTestbed();
    const { call, finish, server, world } = testbed;
    const server_id = server.id;
    await finish((await call('cbt.set', { server_id }, { body: { type: 'enable' } })).body.data.task_id);
    const created = await call('snapshots.create', { server_id }, { body: { name: 'x' } });
    await finish(created.body.data.task_id);
    await Promise.all([call('servers.list'), call('tasks.list'), call('hosts.list')]);
    return world.journal;
  };

  it('is the same for the same seed', async () => {
    const [one, two] = [await run(), await run()];
    expect(one.length).toBeGreaterThan(10);
    expect(one.hash()).toBe(two.hash());
  });

  it('has a reply for every request, with the actor and the client token', async () => {
    const testbed = createTestbed();
    await testbed.call('azs.list');
    await testbed.call(
      'cbt.set',
      { server_id: testbed.server.id },
      {
        body: { type: 'enable' },
        headers: { 'X-Client-Token': 'token-1' },
      },
    );
    const rest = testbed.world.journal.entries.filter(({ type }) => type.startsWith('rest'));
    expect(rest).toMatchObject([
      {
        type: 'rest.request',
        call: 1,
        operation: 'azs.list',
        method: 'GET',
        actor: testbed.credential.accessKey,
      },
      { type: 'rest.reply', call: 1, status: 200, code: 0, message: '' },
      { type: 'rest.request', call: 2, body: { type: 'enable' }, clientToken: 'token-1' },
      { type: 'rest.reply', call: 2, status: 200, data: { task_id: expect.any(String) } },
    ]);
  });
});

describe('the listeners of one world', () => {
  it('serve their own surface and share the number of calls', async () => {
    const { registry, clock, world, credential } = createTestbed();
    const scp = createProductApi({ worlds: registry, clock, surface: 'scp' });
    const hci = createProductApi({ worlds: registry, clock, surface: 'hci' });
    const get = async (app: typeof scp, url: string) => {
      const headers = signed({ method: 'GET', path: url, body: '', ...credential });
      return (await app.inject({ url, headers })).statusCode;
    };
    expect(await get(scp, '/janus/20180725/azs')).toBe(200);
    expect(await get(hci, '/janus/20180725/azs')).toBe(404);
    expect(await get(scp, '/hci/vt/api/v1/snapshots/s')).toBe(404);
    expect(await get(hci, '/hci/vt/api/v1/snapshots/s')).toBe(400);
    const calls = world.journal.entries.flatMap((entry) =>
      entry.type === 'rest.request' ? [entry.call] : [],
    );
    expect(calls).toEqual([1, 2, 3, 4]);
  });
});

describe('worlds in one process', () => {
  it('are told apart by the credential', async () => {
    const one = createTestbed();
    expect(() => one.registry.add({ ...createTestbed(), caCertBase64: () => '' })).toThrow('already');
    one.registry.remove(one.world.id);
    expect(await one.call('azs.list')).toMatchObject({ status: 401 });
  });
});
