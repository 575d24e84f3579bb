/** The engine's commands as a stranger runs them: processes, sockets, files. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandomIds } from '../../src/runtime/random-ids.ts';
import { createUndiciTransport } from '../../src/runtime/undici-transport.ts';
import { createWallClock } from '../../src/runtime/wall-clock.ts';
import { createScpClient } from '../../src/sdk/scp-client.ts';
import { backlot, type ServeProcess, startServe } from './serve-process.ts';

interface Disk {
  readonly deviceId: string;
  readonly sizeBytes: number;
}

const folder = mkdtempSync(join(tmpdir(), 'backlot-cli-'));
let serve: ServeProcess;
let server: { readonly id: string; readonly name: string; readonly disks: readonly Disk[] };

async function getControl<T>(path: string): Promise<T> {
  return (await (await fetch(`${serve.ready.control}/_backlot/v1${path}`)).json()) as T;
}

const world = (path: string): string => `/worlds/${serve.ready.world}${path}`;

beforeAll(async () => {
  // Ten times as fast as the wall, so that the platform's tasks do not make the test slow.
  serve = await startServe(['--preset', 'tiny', '--clock', 'x10']);
  const inventory = await getControl<{ servers: (typeof server & { osName: string })[] }>(
    world('/inventory'),
  );
  const found = inventory.servers.find(({ osName }) => osName !== 'Backup Proxy');
  if (found === undefined) throw new Error('no ordinary server');
  server = found;
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await serve.stop();
});

/** Bytes of the live disks, by slot. */
async function imageOf(serverId: string): Promise<Map<string, Buffer>> {
  const image = new Map<string, Buffer>();
  for (const { deviceId, sizeBytes } of server.disks)
    image.set(deviceId, await serve.readDisk(serverId, deviceId, sizeBytes));
  return image;
}

/** Returns when the server is off. */
async function powerOff(serverId: string): Promise<void> {
  const { scp: baseUrl, caFile, accessKey, secretKey } = serve.ready;
  const transport = createUndiciTransport({ baseUrl, ca: readFileSync(caFile, 'utf8') });
  const credentials = { kind: 'ec2', accessKey, secretKey } as const;
  const scp = createScpClient({ transport, credentials, clock: createWallClock(), ids: createRandomIds() });
  const { taskId } = await scp.stopServer(serverId);
  await scp.waitForTask(taskId, { timeoutMs: 60_000 });
  await transport.close();
}

function expectSame(actual: Map<string, Buffer>, expected: Map<string, Buffer>): void {
  expect(expected.size).toBeGreaterThan(0);
  for (const [deviceId, bytes] of expected)
    expect(actual.get(deviceId)?.equals(bytes), `${deviceId} differs`).toBe(true);
}

describe('the life of a backup', () => {
  const repo = join(folder, 'life');
  const job = () => [...serve.scpArguments, '--vm', server.name, '--repo', repo];

  it('goes from full to incremental, is verified, restored and exported, and thinned out', async () => {
    interface Result {
      pointId: string;
      kind: string;
      disks: { readBytes: number }[];
    }
    const before = await imageOf(server.id);
    const full = await serve.backlotJson<Result>('backup', ...job());
    expect(full.kind).toBe('full');
    await serve.control(
      world(`/servers/${server.id}/disks/ide0/write?offset=70000`),
      Buffer.from('a change'),
    );
    const after = await imageOf(server.id);
    expect(after.get('ide0')?.equals(before.get('ide0') ?? Buffer.alloc(0))).toBe(false);
    const incremental = await serve.backlotJson<Result>('backup', ...job(), '--transport', 'nbd', '--verify');
    expect(incremental.kind).toBe('incremental');
    expect(incremental.disks[0]?.readBytes).toBe(65_536);

    const { points } = await serve.backlotJson<{ points: { id: string }[] }>('points', '--repo', repo);
    expect(points.map(({ id }) => id)).toEqual([full.pointId, incremental.pointId]);
    expect(await serve.backlot('verify', '--repo', repo)).toMatch(/ok\n.*ok\n/s);

    for (const [point, image] of [
      [full.pointId, before],
      [incremental.pointId, after],
    ] as const) {
      const restored = await serve.backlotJson<{ server: { id: string } }>(
        ...(['restore', ...serve.scpArguments, '--repo', repo, '--point', point, '--to', 'new'] as const),
      );
      expectSame(await imageOf(restored.server.id), image);
    }

    const raw = join(folder, 'ide0.raw');
    await serve.backlot('export', '--repo', repo, '--point', full.pointId, '--disk', 'ide0', raw);
    expect(readFileSync(raw).equals(before.get('ide0') ?? Buffer.alloc(0))).toBe(true);

    expect(await serve.backlot('prune', '--repo', repo, '--keep-last', '1')).toContain(full.pointId);
    expect(await serve.backlot('verify', '--repo', repo)).not.toContain(full.pointId);
    expect(await serve.backlot('cleanup', ...serve.scpArguments, '--repo', repo)).toContain('nothing');
    const unprotect = JSON.parse(await serve.backlot('unprotect', ...job(), '--force', '--json')) as object;
    expect(unprotect).toMatchObject({ outcome: 'switched-off', server: { name: server.name } });
    expect(await serve.backlot('unprotect', ...job())).toContain('not tracked any more');
  });

  it('shows a table and plain progress where there is no terminal, and no secret anywhere', async () => {
    const done = await backlot(['backup', ...job(), '--full'], serve.credentials);
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/full backup of .* is restore point/);
    expect(done.stdout).toMatch(/ide0 .* valid-areas/);
    expect(done.stderr).toMatch(/snapshot\n.*transfer 100 %/s);
    for (const secret of Object.values(serve.credentials))
      expect(done.stdout + done.stderr).not.toContain(secret);
  });

  it('logs in with a password from a file', async () => {
    const file = join(folder, 'credentials.json');
    const { username, password } = serve.ready;
    writeFileSync(file, JSON.stringify({ username, password }), { mode: 0o600 });
    const done = await backlot(['backup', ...job(), '--credentials', file, '--json']);
    expect(done.stderr).not.toContain(password);
    expect(done.code).toBe(0);
  });
});

describe('through a proxy', () => {
  const repo = join(folder, 'hotadd');
  const viaProxy = () => ['--transport', 'hotadd', '--guest-dir', serve.ready.guestDir];

  it('a server is backed up, and brought back by writing only where it differs', async () => {
    interface Done {
      pointId: string;
      transport: string;
      proxy: string;
      differential: boolean;
      disks: { readBytes: number; writtenBytes: number; zeroBytes: number }[];
    }
    const before = await imageOf(server.id);
    const job = [...serve.scpArguments, '--repo', repo, ...viaProxy()];
    const full = await serve.backlotJson<Done>('backup', ...job, '--vm', server.name, '--verify');
    expect(full).toMatchObject({ kind: 'full', transport: 'hotadd', proxy: 'backup-proxy-1', warnings: [] });
    await serve.control(world(`/servers/${server.id}/disks/ide0/write?offset=70000`), Buffer.from('ruined'));
    await powerOff(server.id);
    const back = await serve.backlotJson<Done>(
      ...(['restore', ...job, '--point', full.pointId, '--to', server.name, '--differential'] as const),
    );
    expect(back).toMatchObject({ transport: 'hotadd', proxy: 'backup-proxy-1', differential: true });
    const touched = back.disks.reduce((sum, disk) => sum + disk.writtenBytes + disk.zeroBytes, 0);
    expect(touched).toBe(65_536);
    expectSame(await imageOf(server.id), before);
    const shown = await backlot(['backup', ...job, '--vm', server.name], serve.credentials);
    expect(shown.stdout).toContain('over hotadd through proxy backup-proxy-1 in');
  });

  it('named by its name only, or not at all, is refused with what to do', async () => {
    const job = ['backup', ...serve.scpArguments, '--repo', repo, '--vm', server.name];
    const cases = [
      [['--transport', 'hotadd'], '--transport hotadd needs --guest-dir'],
      [['--guest-dir', '/'], 'go with --transport hotadd only'],
      [['--transport', 'hotadd', '--guest-dir', '/'], 'say which proxy this machine is with --proxy NAME'],
      [['--transport', 'hotadd', '--guest-dir', '/no/such/folder'], 'is no folder'],
    ] as const;
    for (const [args, reason] of cases) {
      const refused = await backlot([...job, ...args], serve.credentials);
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(reason)]);
    }
  });
});

describe('Ctrl-C', () => {
  it('releases the lock and the snapshot before the process ends', async () => {
    await serve.control(world('/faults'), {
      kind: 'delay',
      ms: 3_000_000,
      when: 'before',
      on: 'cbt.changed-areas',
    });
    const repo = join(folder, 'aborted');
    const args = ['backup', ...serve.scpArguments, '--vm', server.name, '--repo', repo];
    const child = spawn(process.execPath, ['src/cli/main.ts', ...args], {
      env: { ...process.env, ...serve.credentials },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    await new Promise<void>((resolve) =>
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
        if (stderr.includes('changed-areas')) resolve();
      }),
    );
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(1);
    expect(stderr).toMatch(/releasing.*aborted/s);
    await fetch(`${serve.ready.control}/_backlot/v1${world('/faults')}`, { method: 'DELETE' });
    const cleanup = await serve.backlot('cleanup', ...serve.scpArguments, '--repo', repo);
    expect(cleanup).toContain('nothing');
    const { servers } = await getControl<{ servers: { snapshots: object[] }[] }>(world('/inventory'));
    expect(servers.flatMap(({ snapshots }) => snapshots)).toEqual([]);
  });
});

describe('wrong use', () => {
  const scp = ['--scp', 'https://127.0.0.1:1'];
  const secrets = { BACKLOT_ACCESS_KEY: 'a', BACKLOT_SECRET_KEY: 's' };

  it.each([
    ['an unknown option', ['points', '--repo', folder, '--wrong'], 2, /unknown option/],
    ['no server', ['backup', ...scp, '--repo', folder], 2, /--vm/],
    ['an unknown transport', ['backup', ...scp, '--transport', 'fax'], 2, /nbd, nbdssl/],
    ['a URL that is none', ['backup', '--scp', 'scp', '--vm', 'x', '--repo', folder], 2, /https:\/\/HOST/],
    ['nobody at the address', ['cleanup', ...scp, '--repo', folder], 0, /nothing/],
    ['nobody to log in to', ['backup', ...scp, '--vm', 'x', '--repo', folder], 3, /check --scp/],
    ['a number that is none', ['prune', '--repo', folder, '--keep-last', 'x'], 2, /whole number/],
    ['a repository that is none', ['points', '--repo', '/nowhere'], 2, /no folder/],
    [
      'an unknown point',
      ['export', '--repo', folder, '--point', 'p', '--disk', 'ide0', 'o'],
      2,
      /backlot points/,
    ],
  ])('(%s) ends with its exit code and says what to do', async (_, args, code, text) => {
    const done = await backlot(args, secrets);
    expect(done.stderr + done.stdout).toMatch(text);
    expect(done.code).toBe(code);
  });

  it('without credentials says where they are taken from', async () => {
    const none = { BACKLOT_ACCESS_KEY: '', BACKLOT_USERNAME: '' };
    const done = await backlot(['backup', ...scp, '--vm', 'x', '--repo', folder], none);
    expect(done.code).toBe(2);
    expect(done.stderr).toContain('BACKLOT_ACCESS_KEY');
  });

  it('does not trust a certificate of nobody', async () => {
    const args = ['backup', '--scp', serve.ready.scp, '--vm', server.name, '--repo', folder];
    const done = await backlot(args, serve.credentials);
    expect(done.code).toBe(3);
    expect(done.stderr).toContain('--ca FILE');
  });

  it.each(['backup', 'restore', 'points', 'verify', 'prune', 'export', 'cleanup', 'unprotect'])(
    '%s --help shows examples',
    async (command) => {
      const done = await backlot([command, '--help']);
      expect(done.code).toBe(0);
      expect(done.stdout).toMatch(/Examples?:\n {2}backlot/);
    },
  );
});
