/**
 * The commit under every failure there is: the power fails, the process is killed, or one operation fails, at each
 * single operation on the storage. Afterwards the point is complete or absent, and older points are whole.
 */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { FaultyStorage, type StorageFaultPlan } from '../../../src/repository/faulty-storage.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import type { PointInfo } from '../../../src/repository/repository-api.ts';
import type { Storage } from '../../../src/repository/storage.ts';
import {
  createTestRepository,
  imageOf,
  problemsOf,
  readDisk,
  writePoint,
} from '../../unit/repository/test-repository.ts';

const SIZE = 6000;
const oldWrites = { 0: createRng('old').bytes(5500) };
const newWrites = {
  0: createRng('old').bytes(100),
  1000: createRng('new').bytes(2200),
  5900: Buffer.from('tail'),
};
const oldImage = imageOf(SIZE, oldWrites);
const newImage = imageOf(SIZE, newWrites, oldImage);

interface Attempt {
  readonly memory: MemoryStorage;
  readonly faulty: FaultyStorage;
  readonly base: PointInfo;
  readonly committed: PointInfo | undefined;
  readonly error: unknown;
}

/** A repository with one good point, and an incremental on it through a storage that fails by plan. */
async function attempt(plan?: StorageFaultPlan): Promise<Attempt> {
  const memory = new MemoryStorage();
  const base = await writePoint(
    createTestRepository({ storage: memory, seed: 'base' }).repository,
    oldWrites,
    { sizeBytes: SIZE },
  );
  const faulty = new FaultyStorage(memory, plan);
  const { repository } = createTestRepository({ storage: faulty, seed: 'attempt' });
  try {
    const committed = await writePoint(repository, newWrites, { base, sizeBytes: SIZE });
    return { memory, faulty, base, committed, error: undefined };
  } catch (error) {
    return { memory, faulty, base, committed: undefined, error };
  }
}

/** The base is whole; the new point is whole or not there. Returns whether it is there. */
async function checkWhole(storage: Storage, base: PointInfo, label: string): Promise<boolean> {
  const { repository } = createTestRepository({ storage });
  expect(await problemsOf(repository), label).toEqual([]);
  const [first, second, ...others] = await repository.points();
  expect([first, others], label).toEqual([base, []]);
  expect((await readDisk(repository, base)).equals(oldImage), label).toBe(true);
  if (second === undefined) return false;
  expect((await readDisk(repository, second)).equals(newImage), label).toBe(true);
  return true;
}

/** What the next run does: another incremental on whatever is there, a prune, and again everything whole. */
async function checkUsable(storage: Storage, label: string): Promise<void> {
  const { repository, clock } = createTestRepository({ storage });
  const latest = await repository.latest('s1');
  const point = await writePoint(repository, newWrites, { ...(latest && { base: latest }), sizeBytes: SIZE });
  await clock.advanceBy(25 * 3600_000);
  const report = await repository.prune({ keepLast: 1 });
  expect(report.sweepPostponedBy, label).toBeUndefined();
  expect(await repository.points(), label).toEqual([point]);
  expect(await problemsOf(repository), label).toEqual([]);
  expect((await readDisk(repository, point)).equals(newImage), label).toBe(true);
  expect([await storage.list('tmp'), await storage.list('locks')], label).toEqual([[], []]);
}

const operations = (await attempt()).faulty.operations;
const changes = operations.filter(({ kind }) => ['write', 'sync', 'rename', 'remove'].includes(kind));

describe(`a commit of ${operations.length} storage operations`, () => {
  it('has all kinds of operations to break', () => {
    for (const kind of ['write', 'sync', 'rename', 'read', 'exists', 'list', 'remove']) {
      expect(operations.filter((each) => each.kind === kind).length, kind).toBeGreaterThan(0);
    }
    expect(changes.length).toBeGreaterThan(20);
  });

  it('survives a power cut from the moment it resolves', async () => {
    const { memory, base, committed } = await attempt();
    expect(committed).toBeDefined();
    expect(await checkWhole(memory.crash(), base, 'after commit')).toBe(true);
  });

  it('is complete or absent after a kill before any operation, and after the power cut that follows', async () => {
    let appeared = 0;
    for (let n = 0; n < operations.length; n++) {
      const { memory, faulty, base } = await attempt((operation) =>
        operation.n === n ? { action: 'halt' } : undefined,
      );
      expect(faulty.fired).toHaveLength(1);
      if (await checkWhole(memory, base, `killed before ${n}`)) appeared++;
      await checkWhole(memory.crash(), base, `power cut before ${n}`);
      await checkUsable(memory.crash(), `next run after ${n}`);
      await checkUsable(memory, `next run after a kill before ${n}`);
    }
    expect(appeared).toBeGreaterThan(0);
    expect(appeared).toBeLessThan(operations.length / 2);
  });

  it('is complete or absent whatever of the un-synced data reached the disk', async () => {
    for (let n = 0; n <= operations.length; n++) {
      const { memory, base } = await attempt((operation) =>
        operation.n === n ? { action: 'halt' } : undefined,
      );
      for (let seed = 0; seed < 12; seed++) {
        await checkWhole(
          memory.crash(createRng(`${n} ${seed}`)),
          base,
          `power cut before ${n}, seed ${seed}`,
        );
      }
    }
  });

  it.each(['ENOSPC', 'EIO'] as const)(
    'rejects and leaves no point when any one operation fails with %s',
    async (code) => {
      for (const { n, kind, path, bytes } of operations) {
        const afterBytes = bytes === undefined ? undefined : bytes >> 1;
        const fault = { action: 'fail' as const, code, ...(afterBytes !== undefined && { afterBytes }) };
        const { memory, faulty, base, committed, error } = await attempt((each) =>
          each.n === n ? fault : undefined,
        );
        const label = `${code} at ${n}: ${kind} ${path}`;
        expect(faulty.fired, label).toHaveLength(1);
        expect(await checkWhole(memory, base, label), label).toBe(committed !== undefined);
        if (committed === undefined) {
          expect(error, label).toMatchObject({ code, message: expect.stringContaining(path) });
          expect(await checkWhole(memory.crash(), base, label), label).toBe(false);
        } else {
          // Only the lock's clean-up may fail, and a manifest's sector when the catalog looks through all points.
          const isHarmless = code === 'EIO' && kind === 'read' && path.startsWith('points/');
          expect(isHarmless || (kind === 'remove' && path.startsWith('locks/')), label).toBe(true);
        }
        await checkUsable(memory, label);
      }
    },
  );

  it('never commits bytes that a write lost without a word', async () => {
    for (const { n, path, bytes } of operations.filter(({ kind }) => kind === 'write')) {
      const fault = { action: 'truncate' as const, toBytes: (bytes ?? 0) >> 1 };
      const { memory, faulty, base } = await attempt((each) => (each.n === n ? fault : undefined));
      expect(faulty.fired).toHaveLength(1);
      if (path.startsWith('locks/')) continue;
      const { repository } = createTestRepository({ storage: memory });
      expect(await problemsOf(repository), `lost end of ${path}`).not.toEqual([]);
      expect((await readDisk(repository, base)).equals(oldImage)).toBe(true);
    }
  });
});
