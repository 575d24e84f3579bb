/** Several real processes on one folder, and one that is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { createFolderStorage } from '../../../src/runtime/folder-storage.ts';
import { createTestRepository, problemsOf, readDisk } from '../../unit/repository/test-repository.ts';

const script = fileURLToPath(new URL('./repository-process.ts', import.meta.url));
const DAY_MS = 24 * 3600_000;
let folder = '';
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backlot-processes-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
});

function start(server: string, what: string) {
  const child = spawn(process.execPath, [script, folder, server, what], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function outcomeOf(server: string, what: string): Promise<Record<string, unknown>> {
  const child = start(server, what);
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(code, `${server} ${what}`).toBe(0);
  return JSON.parse(printed) as Record<string, unknown>;
}

it('three writers and a pruner at once leave every remaining point whole', async () => {
  const servers = ['s1', 's2', 's3'];
  const pruning = outcomeOf('-', 'prune');
  const written = await Promise.all(servers.map((server) => outcomeOf(server, 'write')));
  await pruning;
  const storage = createFolderStorage(folder);
  const { repository } = createTestRepository({ storage });
  const points = await repository.points();
  expect(await problemsOf(repository)).toEqual([]);
  for (const { id, image } of written) {
    const point = points.find((each) => each.id === id);
    expect(point, String(id)).toBeDefined();
    if (point !== undefined) expect((await readDisk(repository, point)).toString('base64')).toBe(image);
  }
  const report = await repository.prune({ keepLast: 1 });
  expect([report.keptPoints, report.sweepPostponedBy]).toEqual([3, undefined]);
  expect(await problemsOf(repository)).toEqual([]);
  expect([await storage.list('tmp'), await storage.list('locks')]).toEqual([[], []]);
}, 60_000);

it('a writer killed before its commit leaves no point, and its chunks go when its lock has expired', async () => {
  const child = start('s1', 'hang');
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const storage = createFolderStorage(folder);
  const clock = new VirtualClock(Date.now());
  const { repository } = createTestRepository({ storage, clock });
  expect(await repository.points()).toEqual([]);
  expect(await storage.list('chunks')).not.toEqual([]);
  expect(await repository.prune({ keepLast: 1 })).toMatchObject({
    removedChunks: 0,
    sweepPostponedBy: [expect.any(String)],
  });
  await clock.advanceBy(DAY_MS + 60_000);
  expect((await repository.prune({ keepLast: 1 })).removedChunks).toBeGreaterThan(0);
  expect([await storage.list('chunks'), await storage.list('tmp'), await storage.list('locks')]).toEqual([
    [],
    [],
    [],
  ]);
}, 60_000);
