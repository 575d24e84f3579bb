import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { createScpClient, type ScpCredentials } from '../../../src/sdk/scp-client.ts';
import { type Answer, ok, refuse, scriptTransport } from './scripted-transport.ts';

const KEYS: ScpCredentials = { kind: 'ec2', accessKey: 'AK', secretKey: 'SK' };

function createTestClient(answers: Answer[], credentials = KEYS) {
  const clock = new VirtualClock(0);
  const transport = scriptTransport(...answers);
  const ids = createIdSource(createRng('sdk'));
  const client = createScpClient({ transport, credentials, clock, ids });
  return { client, clock, transport, run: <T>(work: Promise<T>) => clock.run(work) };
}

const page = (items: object[], next: string) =>
  ok({ total_size: 3, page_num: 0, page_size: 2, next_page_num: next, data: items });
const host = (id: string) => ({ id, ip: '192.0.2.1', status: 'running' });

describe('a call', () => {
  it('is repeated with the same client token after silence, and waits longer each time', async () => {
    const { client, clock, transport, run } = createTestClient([
      'silence',
      'silence',
      ok({ task_id: 't', resource_id: 's' }),
    ]);
    const result = await run(client.createSnapshot('v', { name: 'n', description: '' }));
    expect(result).toEqual({ taskId: 't', snapshotId: 's' });
    const tokens = transport.requests.map((request) => request.headers['X-Client-Token']);
    expect(tokens).toHaveLength(3);
    expect(new Set(tokens).size).toBe(1);
    expect(clock.now()).toBe(1500);
  });

  it('gives up after bounded silence', async () => {
    const { client, transport, run } = createTestClient(['silence']);
    await expect(run(client.cbtStatus('v'))).rejects.toMatchObject({ name: 'TransportError' });
    expect(transport.requests).toHaveLength(5);
  });

  it('waits as long as the platform asks', async () => {
    const busy: Answer = { ...(refuse(429) as object), headers: { 'retry-after': '20' } };
    const { client, clock, run } = createTestClient([busy, ok({ is_enabled: true, disks: [] })]);
    await run(client.cbtStatus('v'));
    expect(clock.now()).toBe(20_000);
  });

  it('is not repeated after a refusal for good', async () => {
    const { client, transport, run } = createTestClient([refuse(400, 'bad disk')]);
    await expect(run(client.cbtStatus('v'))).rejects.toMatchObject({ retry: 'never', reason: 'bad disk' });
    expect(transport.requests).toHaveLength(1);
  });

  it('encodes what goes into its path and query', async () => {
    const { client, transport, run } = createTestClient([refuse(404)]);
    await expect(run(client.backupResource('a/b:c'))).rejects.toMatchObject({ status: 404 });
    expect(transport.requests[0]?.path).toMatch(/\/backup-resources\/a%2Fb%3Ac$/);
  });
});

describe('a list', () => {
  it('is read page by page', async () => {
    const { client, transport, run } = createTestClient([
      page([host('a'), host('b')], '1'),
      page([host('c')], ''),
    ]);
    expect((await run(client.hosts())).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(transport.requests.map(({ path }) => path.split('?')[1])).toEqual([
      'page_num=0&page_size=100',
      'page_num=1&page_size=100',
    ]);
  });

  it('whose next page does not lie ahead is a broken contract, not an endless loop', async () => {
    const { client, run } = createTestClient([page([host('a')], '0')]);
    await expect(run(client.hosts())).rejects.toMatchObject({
      name: 'ProtocolError',
      field: 'next_page_num',
    });
  });

  it('may be a plain array', async () => {
    const { client, run } = createTestClient([ok([host('a')])]);
    expect(await run(client.hosts())).toHaveLength(1);
  });
});

describe('an answer of the wrong shape', () => {
  it.each([
    [{ is_enabled: true }, 'disks'],
    [{ is_enabled: true, disks: [{ is_enabled: true }] }, 'disks[0].id'],
    [{ is_enabled: true, disks: [7] }, 'disks[0]'],
  ])('names the operation and the field: %j', async (data, field) => {
    const { client, run } = createTestClient([ok(data)]);
    await expect(run(client.cbtStatus('v'))).rejects.toMatchObject({
      name: 'ProtocolError',
      operation: 'cbt.status',
      field,
    });
  });

  it.each(['nonsense', '9007199254740993', '-1', ''])('refuses checkpoint %j', async (checkpoint) => {
    const vmconf = { hardware_option: { disks: [] } };
    const { client, run } = createTestClient([ok({ id: 's', name: 'n', checkpoint_id: checkpoint, vmconf })]);
    await expect(run(client.snapshot('v', 's'))).rejects.toMatchObject({ field: 'checkpoint_id' });
  });
});

describe('a task', () => {
  it('is asked for until it ends', async () => {
    const doing = ok({ task_id: 't', status: 'doing', progress: 5 });
    const { client, clock, run } = createTestClient([doing, doing, ok({ task_id: 't', status: 'finish' })]);
    await run(client.waitForTask('t', { timeoutMs: 10_000 }));
    expect(clock.now()).toBe(1187.5);
  });

  it('that fails says why, and how that can be mended', async () => {
    const description = 'The virtual machine is occupied by another backup task.';
    const { client, run } = createTestClient([ok({ task_id: 't', status: 'failure', description })]);
    await expect(run(client.waitForTask('t', { timeoutMs: 1 }))).rejects.toMatchObject({
      name: 'TaskFailed',
      reason: description,
      retry: 'after-delay',
    });
  });

  it('is not waited for without end', async () => {
    const { client, clock, run } = createTestClient([ok({ task_id: 't', status: 'doing' })]);
    await expect(run(client.waitForTask('t', { timeoutMs: 60_000 }))).rejects.toMatchObject({
      name: 'TaskTimeout',
    });
    expect(clock.now()).toBeLessThan(64_000);
  });
});

describe('a login by password', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url');
  const key = ok({ public_key: `${modulus.toString('hex').toUpperCase()}\n` });
  const token = (id: string) => ok({ access: { token: { id } } });
  const password: ScpCredentials = { kind: 'password', username: 'u', password: 'hidden' };
  const status = ok({ is_enabled: true, disks: [] });

  it('sends the token, and never the password itself', async () => {
    const { client, transport, run } = createTestClient([key, token('T1'), status], password);
    await run(client.cbtStatus('v'));
    expect(transport.requests.map(({ path }) => path)).toEqual([
      '/janus/v2/public-key',
      '/janus/v2/authenticate',
      expect.stringContaining('/cbt/status'),
    ]);
    expect(transport.requests[2]?.headers.Authorization).toBe('Token T1');
    expect(JSON.stringify(transport.requests)).not.toContain('hidden');
  });

  it('falls back to the older call where the newer does not exist', async () => {
    const { client, transport, run } = createTestClient([refuse(404), key, token('T1'), status], password);
    await run(client.cbtStatus('v'));
    expect(transport.requests.map(({ path }) => path).slice(1, 3)).toEqual([
      '/janus/public-key',
      '/janus/authenticate',
    ]);
  });

  it('is repeated once after a 401, and the call with it', async () => {
    const script = [key, token('T1'), refuse(401), key, token('T2'), status];
    const { client, transport, run } = createTestClient(script, password);
    await run(client.cbtStatus('v'));
    expect(transport.requests.at(-1)?.headers.Authorization).toBe('Token T2');
  });

  it('is not repeated without end', async () => {
    const script = [key, token('T1'), refuse(401), key, token('T2'), refuse(401)];
    const { client, transport, run } = createTestClient(script, password);
    await expect(run(client.cbtStatus('v'))).rejects.toMatchObject({ status: 401 });
    expect(transport.requests).toHaveLength(6);
  });

  it('is made anew by the next call when the repeated one was refused too', async () => {
    const script = [key, token('T1'), refuse(401), key, token('T2'), refuse(401), key, token('T3'), status];
    const { client, transport, run } = createTestClient(script, password);
    await expect(run(client.cbtStatus('v'))).rejects.toMatchObject({ status: 401 });
    await run(client.cbtStatus('v'));
    expect(transport.requests.at(-1)?.headers.Authorization).toBe('Token T3');
  });

  it('is shared by calls that start together', async () => {
    const { client, transport, run } = createTestClient([key, token('T1'), status], password);
    await run(Promise.all([client.cbtStatus('v'), client.cbtStatus('w')]));
    expect(transport.requests).toHaveLength(4);
  });

  it('refuses a key that is none', async () => {
    const { client, run } = createTestClient([ok({ public_key: 'xyz' })], password);
    await expect(run(client.cbtStatus('v'))).rejects.toMatchObject({ name: 'ProtocolError' });
  });
});
