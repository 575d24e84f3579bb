import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { backlot, type ServeProcess, startServe } from './serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-serve-'));
afterAll(() => rmSync(folder, { recursive: true }));

const started: ServeProcess[] = [];
afterEach(async () => {
  for (const serve of started.splice(0)) await serve.stop();
});

/** A server that ends with the test, however that goes. */
async function start(args: readonly string[] = []): Promise<ServeProcess> {
  const serve = await startServe(args);
  started.push(serve);
  return serve;
}

/** A GET that trusts only the CA that `serve` wrote. */
function fetchTrusting(url: string, caFile: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { ca: readFileSync(caFile) }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    }).on('error', reject);
  });
}

const controlOf = (serve: ServeProcess) => async (path: string) => {
  const answer = await fetch(`${serve.ready.control}/_backlot/v1${path}`);
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
};

describe('backlot serve --json', () => {
  it('says in one line where everything is, serves it, and leaves nothing behind at SIGTERM', async () => {
    const serve = await start(['--seed', '7']);
    const { ready } = serve;
    expect(ready).toMatchObject({ ready: true, seed: '7', username: 'svc-backup' });
    expect(ready.world).toMatch(/^world-/);
    expect(statSync(ready.caFile).mode & 0o077).toBe(0);
    const key = await fetchTrusting(`${ready.scp}/janus/public-key`, ready.caFile);
    expect(JSON.parse(key.body)).toMatchObject({ code: 0, data: { public_key: expect.any(String) } });
    const twin = await fetchTrusting(`${ready.hci}/hci/vt/api/v1/nothing`, ready.caFile);
    expect(twin.status).toBe(404);
    expect((await controlOf(serve)('/health')).json).toMatchObject({ status: 'ok', worlds: 1 });
    expect((await controlOf(serve)('/product-openapi.json')).json).toMatchObject({
      openapi: expect.any(String),
    });
    expect(await serve.stop()).toBe(0);
    expect(existsSync(ready.caFile)).toBe(false);
  });

  it('is not trusted by a client that does not know its CA', async () => {
    const serve = await start();
    await expect(fetch(`${serve.ready.scp}/janus/public-key`)).rejects.toThrow('fetch failed');
  });

  it('keeps the journal of a world, and follows it while things happen', async () => {
    const serve = await start(['--clock', 'manual']);
    const url = `${serve.ready.control}/_backlot/v1/worlds/default/journal?follow=true&from=1`;
    const abort = new AbortController();
    const following = await fetch(url, { signal: abort.signal });
    await serve.control('/worlds/default/clock/advance', { seconds: 5 });
    const reader = following.body?.getReader();
    const first = await reader?.read();
    expect(JSON.parse(Buffer.from(first?.value ?? []).toString())).toMatchObject({
      n: 1,
      type: 'clock.moved',
      by: 'advance',
    });
    abort.abort();
    expect(await serve.stop()).toBe(0);
  });

  it('serves more worlds beside the first, each to its own credentials and at its own addresses', async () => {
    const serve = await start();
    const made = (await serve.control('/worlds', { preset: 'tiny', seed: 'other' })) as {
      id: string;
      credentials: { accessKey: string; secretKey: string }[];
    };
    const [login] = made.credentials;
    const env = {
      BACKLOT_ACCESS_KEY: login?.accessKey ?? '',
      BACKLOT_SECRET_KEY: login?.secretKey ?? '',
    };
    expect(made.id).not.toBe(serve.ready.world);
    expect(env.BACKLOT_ACCESS_KEY).not.toBe(serve.ready.accessKey);
    const { json } = await controlOf(serve)(`/worlds/${made.id}/inventory`);
    const [host] = json['hosts'] as { ip: string }[];
    const port = Number(new URL(serve.ready.nbd).port);
    expect(await greeting(host?.ip ?? '', port)).toBe('NBDMAGIC');
    expect(await greeting('127.0.0.1', port)).toBe('NBDMAGIC');
    await fetch(`${serve.ready.control}/_backlot/v1/worlds/${made.id}`, { method: 'DELETE' });
    await expect(greeting(host?.ip ?? '', port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('makes worlds that are asked for at the same time', async () => {
    const serve = await start();
    const seeds = ['a', 'b', 'c', 'd'];
    await Promise.all(seeds.map((seed) => serve.control('/worlds', { id: seed, seed })));
    const { json } = await controlOf(serve)('/worlds');
    expect(json).toHaveLength(5);
  });

  it('lets a host go away at its own address', async () => {
    const serve = await start();
    const { json } = await controlOf(serve)('/worlds/default/inventory');
    const [host] = json['hosts'] as { id: string; ip: string }[];
    const port = Number(new URL(serve.ready.nbd).port);
    expect(await greeting(host?.ip ?? '', port)).toBe('NBDMAGIC');
    await fetch(`${serve.ready.control}/_backlot/v1/worlds/default/hosts/${host?.id}`, {
      method: 'PUT',
      body: '{"isOnline":false}',
    });
    await expect(greeting(host?.ip ?? '', port)).rejects.toThrow();
  });

  it('writes the same journal for the same seed and the same calls', async () => {
    const hashes: unknown[] = [];
    for (let run = 0; run < 2; run++) {
      const serve = await start(['--clock', 'virtual', '--seed', 'twice']);
      const { json } = await controlOf(serve)('/worlds/default/inventory');
      const [server] = json['servers'] as { id: string }[];
      const disk = `/worlds/default/servers/${server?.id}/disks/ide0`;
      await serve.control(`${disk}/workload`, { kind: 'random', count: 50, seed: 'w' });
      await serve.control('/worlds/default/clock/advance', { seconds: 3600 });
      hashes.push((await controlOf(serve)('/worlds/default/journal/hash')).json);
      await serve.stop();
    }
    expect(hashes[1]).toEqual(hashes[0]);
  });

  it('asks for a token, and draws secrets that nobody can know, when the network can reach it', async () => {
    const serve = await start(['--host', '0.0.0.0']);
    const { controlToken, password, secretKey } = serve.ready as typeof serve.ready & {
      controlToken: string;
    };
    const health = `${serve.ready.control}/_backlot/v1/health`;
    const [without, wrong, right] = await Promise.all(
      [undefined, 'Bearer wrong', `Bearer ${controlToken}`].map((authorization) =>
        fetch(health, authorization === undefined ? {} : { headers: { authorization } }),
      ),
    );
    expect([without?.status, wrong?.status, right?.status]).toEqual([401, 401, 200]);
    const local = await start();
    expect(password).not.toBe(local.ready.password);
    expect(secretKey).not.toBe(local.ready.secretKey);
  });

  it('puts a raw image under a disk', async () => {
    const image = join(folder, 'disk.img');
    const bytes = Buffer.alloc(3 * 65_536 + 512, 0);
    bytes.write('on the disk', 65_536);
    writeFileSync(image, bytes);
    const inventory = join(folder, 'cluster.yaml');
    writeFileSync(
      inventory,
      'servers:\n  - name: web\n    disks: [1MiB, { content: { kind: image, file: disk.img } }]\n',
    );
    const serve = await start(['--inventory', inventory, '--disk', `web:ide0=${image}`]);
    expect((await serve.readDisk('web', 'ide0', bytes.length)).equals(bytes)).toBe(true);
    expect((await serve.readDisk('web', 'ide1', bytes.length)).equals(bytes)).toBe(true);
    await serve.control('/worlds/default/servers/web/disks/ide0/write?offset=65540', Buffer.from('IN'));
    const after = await serve.readDisk('web', 'ide0', bytes.length);
    expect(after.subarray(65_536, 65_547).toString()).toBe('on tIN disk');
    expect(readFileSync(image).equals(bytes)).toBe(true);
  });
});

describe('backlot serve, refused', () => {
  it.each([
    [['--preset', 'huge'], 'tiny, lab or datacenter'],
    [['--clock', 'fast'], 'real, virtual, manual'],
    [['--port', '70000'], 'a port from 0'],
    [['--disk', 'web'], 'VM:slot=FILE'],
    [['--disk', 'nobody:ide0=/none'], 'no server goes by "nobody"'],
    [['--inventory', '/none.yaml'], '/none.yaml: cannot be read (ENOENT)'],
    [['--nonsense'], 'unknown option'],
  ])('%j is wrong usage: exit code 2', async (args, message) => {
    const done = await backlot(['serve', ...args]);
    expect(done.stderr).toContain(message);
    expect(done.code).toBe(2);
    expect(done.stderr).not.toContain('    at ');
  });

  it('names file, line and field of a mistake in the inventory', async () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, 'servers:\n  - name: web\n    disks: [10GB]\n');
    const done = await backlot(['serve', '--inventory', file]);
    expect(done.stderr).toContain(
      `${file}:3:13: servers[0].disks[0]: "10GB" does not fit; allowed: a size like 10GiB`,
    );
    expect(done.code).toBe(2);
  });

  it('says what to do when a port is taken: exit code 3', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const port = portOf(taken);
    const done = await backlot(['serve', '--json', '--control-port', String(port)]);
    taken.close();
    expect(done.stderr).toContain(`port ${port} is taken`);
    expect(done.stderr).toContain('--control-port');
    expect(done.code).toBe(3);
  });
});

describe('backlot', () => {
  it('shows its version and its commands', async () => {
    expect((await backlot(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = await backlot(['--help']);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('serve') });
  });

  it.each([[['frobnicate']], [['toString']], [['--frobnicate']], [[]]])(
    'refuses %j with exit code 2',
    async (args) => {
      expect((await backlot(args)).code).toBe(2);
    },
  );
});

/** The first eight bytes that an NBD server says. */
function greeting(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.once('data', (bytes: Buffer) => {
      resolve(bytes.subarray(0, 8).toString('latin1'));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('end', () => reject(new Error('closed without a greeting')));
  });
}
const portOf = (server: Server): number => (server.address() as AddressInfo).port;
