/** A platform in another process, which is live as far as the commands can tell. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { PlannedJob } from '../../harness/live/live-plan.ts';
import type { Report } from '../../harness/report/report.ts';
import type { JournalEntry } from '../../src/kernel/journal.ts';
import { backlot, type Finished, type ServeProcess, startServe } from './serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-live-'));
const started: { stop(): Promise<unknown> }[] = [];
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  for (const one of started.splice(0)) await one.stop();
});

const INVENTORY = `
servers:
  - { name: accounts-payable-7, disks: [{ size: 2 MiB, content: synthetic }] }
  - { name: payroll-9, disks: [1 MiB] }
`;
const NAMES = ['accounts-payable-7', 'payroll-9'];

let serve: ServeProcess;
beforeAll(async () => {
  writeFileSync(join(folder, 'cluster.yaml'), INVENTORY);
  serve = await startServe(['--inventory', join(folder, 'cluster.yaml'), '--clock', 'x20']);
});
afterAll(() => serve.stop());

const control = async (path: string): Promise<string> =>
  (await fetch(`${serve.ready.control}/_backlot/v1/worlds/${serve.ready.world}${path}`)).text();
const journal = async (): Promise<readonly JournalEntry[]> =>
  (await control('/journal'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalEntry);
const methods = (entries: readonly JournalEntry[]): ReadonlySet<string> =>
  new Set(entries.flatMap((entry) => (entry.type === 'rest.request' ? [entry.method] : [])));

function run(...more: readonly string[]): Promise<Finished> {
  const { scp, caFile, nbd } = serve.ready;
  const where = ['--target', scp, '--profile', 'live', '--ca', caFile, '--nbd-port', new URL(nbd).port];
  const how = ['--vm', 'accounts-payable-7', '--engine', 'nbd', '--time-scale', '20', '--restore', '--json'];
  return backlot(['run', ...where, ...how, '--report', join(folder, 'reports'), ...more], serve.credentials);
}

describe('backlot run --target', () => {
  it('refuses without consent, says what it would do, and makes no call', async () => {
    const before = (await journal()).length;
    const { code, stderr } = await run();
    expect(code).toBe(2);
    expect(stderr).toMatch(/nobody has consented[\s\S]*accounts-payable-7[\s\S]*--i-consent-to-changes/);
    expect((await journal()).length).toBe(before);
  });

  it('prints every change of a dry run, and makes none', async () => {
    const { code, stdout } = await run('--dry-run');
    expect(code).toBe(0);
    const { jobs } = JSON.parse(stdout) as { jobs: readonly PlannedJob[] };
    const changes = jobs.flatMap(({ calls }) => calls).filter(({ isChange }) => isChange);
    expect(changes.length).toBeGreaterThan(15);
    expect(changes.every(({ method, path }) => method !== 'GET' && path.startsWith('/janus/'))).toBe(true);
    expect(methods(await journal())).toEqual(new Set(['GET']));
  });

  it('passes with consent, touches nothing but what was named, and leaves nothing', async () => {
    const { code, stdout, stderr } = await run('--i-consent-to-changes');
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as Report;
    expect(report.verdict.outcome).toBe('pass');
    expect(report.results.map(({ outcome }) => outcome).join(' ')).toBe(
      'passed passed passed passed skipped',
    );
    expect(report.results.at(-1)?.reason).toContain('cannot be proven live');
    const { servers } = JSON.parse(await control('/inventory')) as { servers: readonly { name: string }[] };
    expect(servers.map(({ name }) => name)).toEqual(NAMES);
    const text = (await journal()).map((entry) => JSON.stringify(entry)).join('\n');
    expect(text).not.toContain('payroll-9');
    const judged = await backlot(['judge', join(folder, 'reports', 'live-journal.ndjson')]);
    expect(judged.code, judged.stdout).toBe(0);
  });

  it('wants a target for its options, and servers that are named and exist', async () => {
    expect(await backlot(['run', '--dry-run', '--vm', 'x'])).toMatchObject({ code: 2 });
    const { scp, caFile } = serve.ready;
    const args = ['run', '--target', scp, '--ca', caFile, '--dry-run'];
    expect(await backlot(args, serve.credentials)).toMatchObject({ code: 2 });
    const { code, stderr } = await backlot([...args, '--vm', 'nobody'], serve.credentials);
    expect(code).toBe(2);
    expect(stderr).toContain('no server is called nobody');
  });
});

describe('backlot record', () => {
  it('gives a journal that can be judged, without a name or a secret of the platform', async () => {
    const out = join(folder, 'recorded.ndjson');
    const proxy = await startRecord([
      '--target',
      serve.ready.scp,
      '--ca',
      serve.ready.caFile,
      '--out',
      out,
      '--time-scale',
      '20',
    ]);
    const { username, password, nbd } = serve.ready;
    const job = ['--vm', 'accounts-payable-7', '--repo', join(folder, 'repo'), '--transport', 'nbd'];
    const where = ['--scp', proxy.url, '--ca', proxy.caFile, '--nbd-port', new URL(nbd).port];
    const done = await backlot(['backup', ...where, ...job, '--time-scale', '20'], {
      BACKLOT_ACCESS_KEY: '',
      BACKLOT_USERNAME: username,
      BACKLOT_PASSWORD: password,
    });
    expect(done.code, done.stderr).toBe(0);
    expect(await proxy.stop()).toBe(0);
    const { code, stdout } = await backlot(['judge', out, '--json']);
    expect(code, stdout).toBe(0);
    const { actors, rules } = JSON.parse(stdout) as {
      actors: string[];
      rules: { rule: string; outcome: string }[];
    };
    expect(actors).toHaveLength(1);
    const kept = rules.filter(({ outcome }) => outcome === 'passed').map(({ rule }) => rule);
    expect(kept).toEqual(expect.arrayContaining(['SNAP-1', 'CLEAN-1', 'AUTH-5']));
    const text = readFileSync(out, 'utf8');
    const { accessKey, secretKey } = serve.ready;
    const inventory = JSON.parse(await control('/inventory')) as unknown;
    for (const word of [...NAMES, username, password, accessKey, secretKey, ...namesIn(inventory)])
      expect(text).not.toContain(word);
  });
});

/** Names, ids and addresses, wherever they stand. */
function namesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'string' && /^(?:id|name|ip|.*Id|.*Ip)$/.test(key) && !/^(?:ide|virtio)\d$/.test(inner)
      ? [inner].filter((text) => text.length > 3)
      : namesIn(inner),
  );
}

interface Recording {
  readonly url: string;
  readonly caFile: string;
  stop(): Promise<number | null>;
}

async function startRecord(args: readonly string[]): Promise<Recording> {
  const command = ['src/cli/main.ts', 'record', '--json', '--listen', '0', ...args];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    void closed.then((code) => reject(new Error(`record ended with ${code}`)));
  });
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return closed;
  };
  started.push({ stop });
  return { ...(JSON.parse(line) as { url: string; caFile: string }), stop };
}

describe('backlot probe', () => {
  const probe = (one: ServeProcess, ...more: readonly string[]): Promise<Finished> =>
    backlot(['probe', one.ready.scp, '--ca', one.ready.caFile, ...more], one.credentials);

  it('finds nothing where nothing differs, by reading alone', async () => {
    const before = (await journal()).length;
    const { code, stdout } = await probe(serve);
    expect(code, stdout).toBe(0);
    expect(stdout).toContain('Nothing differs.');
    expect(methods((await journal()).slice(before))).toEqual(new Set(['GET']));
  });

  it('finds exactly what was planted, in a file that makes a simulator show it again', async () => {
    const planted = join(folder, 'planted.yaml');
    writeFileSync(planted, PLANTED);
    const found = [join(folder, 'found-1.yaml'), join(folder, 'found-2.yaml')] as const;
    const first = await differing(planted);
    const { code, stdout } = await probe(first, '--out', found[0]);
    expect(code, stdout).toBe(1);
    const { untried, ...differences } = parse(readFileSync(found[0], 'utf8')) as Record<string, unknown>;
    expect(differences).toEqual({ envelopes: [], ...(parse(PLANTED) as object) });
    expect(JSON.stringify(untried)).toContain('tasks.get');
    await first.stop();
    await probe(await differing(found[0]), '--out', found[1]);
    expect(existsSync(found[1])).toBe(true);
    expect(readFileSync(found[1], 'utf8')).toBe(readFileSync(found[0], 'utf8'));
  });

  async function differing(file: string): Promise<ServeProcess> {
    const one = await startServe(['--inventory', join(folder, 'cluster.yaml'), '--differences', file]);
    started.push(one);
    return one;
  }
});

const PLANTED = `
differences: 1
platform: { version: 6.11.1 }
endpoints:
  - { operation: azs.get, status: 404 }
  - { operation: hosts.list, path: /janus/20190725/hosts, status: 404 }
  - { operation: backup-resources.overview, status: 403 }
fields:
  - { operation: hosts.list, field: 'data[].is_use_vs', difference: type, expected: integer, seen: boolean }
  - { operation: servers.list, field: 'data[].disks[].storage_file', difference: missing }
limits: { pageSize: { most: 200, beyond: capped } }
`;
