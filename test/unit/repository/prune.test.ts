import { describe, expect, it } from 'vitest';
import { sleep, whileHolding } from '../../../src/kernel/clock.ts';
import { createRng, type Rng } from '../../../src/kernel/rng.ts';
import type { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { CorruptChunk, PruneRefused, RepositoryBusy } from '../../../src/repository/errors.ts';
import { FaultyStorage } from '../../../src/repository/faulty-storage.ts';
import { raiseLock } from '../../../src/repository/lock.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import {
  beginPoint,
  createTestRepository,
  imageOf,
  problemsOf,
  readDisk,
  writePoint,
} from './test-repository.ts';

const HOUR_MS = 3600_000;
const noise = (length: number, seed: string): Uint8Array => createRng(seed).bytes(length);

async function chainOf(length: number, repository = createTestRepository().repository, server = 's1') {
  const points = [await writePoint(repository, { 0: noise(10_000, `${server} full`) }, { server })];
  for (let at = 1; at < length; at++) {
    const base = points[at - 1];
    points.push(
      await writePoint(
        repository,
        { [at * 1500]: noise(700, `${server} ${at}`) },
        { server, ...(base && { base }) },
      ),
    );
  }
  return points;
}

describe('prune', () => {
  it('keeps the youngest points of every server and what they need', async () => {
    const { repository, storage } = createTestRepository();
    const first = await chainOf(4, repository, 's1');
    const second = await chainOf(2, repository, 's2');
    const images = await Promise.all(first.map((point) => readDisk(repository, point)));
    const before = await storage.list('chunks');
    const report = await repository.prune({ keepLast: 2 });
    expect(report.removedPoints).toEqual(first.slice(0, 2).map(({ id }) => id));
    expect(report.keptPoints).toBe(4);
    expect(await repository.points()).toEqual([...first.slice(2), ...second]);
    expect((await readDisk(repository, first[3] as never)).equals(images[3] as Buffer)).toBe(true);
    expect((await readDisk(repository, first[2] as never)).equals(images[2] as Buffer)).toBe(true);
    expect(await problemsOf(repository)).toEqual([]);
    expect(report.removedChunks).toBe(before.length - (await storage.list('chunks')).length);
    expect(report.removedChunks).toBeGreaterThan(0);
    expect(report.freedBytes).toBeGreaterThan(report.removedChunks * 24);
    expect(report).not.toHaveProperty('sweepPostponedBy');
  });

  it('lets an incremental stand on a base that it then removes', async () => {
    const { repository } = createTestRepository();
    const points = await chainOf(2, repository);
    const image = await readDisk(repository, points[1] as never);
    await repository.prune({ keepLast: 1 });
    expect((await readDisk(repository, points[1] as never)).equals(image)).toBe(true);
  });

  it('keeps what any disk of a point needs', async () => {
    const { repository } = createTestRepository();
    const disks = ['ide0', 'ide1', 'virtio0'].map((deviceId) => ({ deviceId, sizeBytes: 5000 }));
    const writer = await repository.begin({ serverId: 's', serverName: 'S', kind: 'full', disks });
    for (const { deviceId } of disks) await writer.write(deviceId, 0, noise(5000, deviceId));
    const point = await writer.commit({});
    expect(await repository.prune({ keepLast: 1 })).toMatchObject({ removedChunks: 0, keptPoints: 1 });
    expect((await readDisk(repository, point, 'virtio0')).equals(noise(5000, 'virtio0'))).toBe(true);
    expect(await problemsOf(repository)).toEqual([]);
  });

  it('stops when the sweep stood still for longer than its lock', async () => {
    const { repository: setup, storage, clock } = createTestRepository();
    await chainOf(3, setup);
    const standstill = new FaultyStorage(storage, ({ kind, path }) =>
      kind === 'remove' && path.startsWith('chunks/')
        ? { action: 'delay', until: sleep(clock, 700_000) }
        : undefined,
    );
    const { repository } = createTestRepository({ storage: standstill, clock });
    await expect(clock.run(repository.prune({ keepLast: 1 }))).rejects.toThrow(/stood still/);
    expect(standstill.fired).toHaveLength(1);
    expect(await problemsOf(setup)).toEqual([]);
  });

  it('sweeps chunks of aborted points and leftover temporaries', async () => {
    const { repository, storage } = createTestRepository();
    const writer = await beginPoint(repository);
    await writer.write('ide0', 0, noise(9000, 'a'));
    await writer.abort();
    await storage.write('tmp/0123456789ab-1.part', Buffer.from('half a chunk'));
    expect(await storage.list('chunks')).not.toEqual([]);
    await repository.prune({ keepLast: 1 });
    expect([await storage.list('chunks'), await storage.list('tmp'), await storage.list('locks')]).toEqual([
      [],
      [],
      [],
    ]);
  });

  it('leaves files alone that the repository did not make', async () => {
    const { repository, storage } = createTestRepository();
    await chainOf(3, repository);
    const theirs = ['tmp/thesis.txt', 'chunks/of/pineapple', 'chunks/ab/cd', 'points/readme.txt', 'locks/x'];
    for (const path of theirs) await storage.write(path, Buffer.from('precious'));
    await repository.prune({ keepLast: 1 });
    for (const path of theirs) expect(await storage.exists(path), path).toBe(true);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses to keep %d', async (keepLast) => {
    const { repository } = createTestRepository();
    const points = await chainOf(2, repository);
    await expect(repository.prune({ keepLast })).rejects.toThrow(RangeError);
    expect(await repository.points()).toEqual(points);
  });

  it('removes nothing while a manifest is damaged, because its chunks are unknown', async () => {
    const { repository, storage } = createTestRepository();
    const points = await chainOf(3, repository);
    const before = await storage.list('');
    await storage.write(`points/${points[1]?.id}.json`, Buffer.from('{'));
    const fresh = createTestRepository({ storage }).repository;
    await expect(fresh.prune({ keepLast: 1 })).rejects.toThrow(PruneRefused);
    await expect(fresh.prune({ keepLast: 1 })).rejects.toThrow(new RegExp(`${points[1]?.id}.json`));
    expect(await storage.list('')).toEqual(before);
  });

  it('never takes chunks of a remaining point, wherever the power fails', async () => {
    const build = async () => {
      const storage = new MemoryStorage();
      const points = await chainOf(3, createTestRepository({ storage, seed: 'chain' }).repository);
      return { storage, points };
    };
    const counting = new FaultyStorage((await build()).storage);
    await createTestRepository({ storage: counting, seed: 'p' }).repository.prune({ keepLast: 1 });
    expect(counting.operations.length).toBeGreaterThan(20);
    for (let n = 0; n <= counting.operations.length; n++) {
      const { storage, points } = await build();
      const halting = new FaultyStorage(storage, (operation) =>
        operation.n === n ? { action: 'halt' } : undefined,
      );
      await createTestRepository({ storage: halting, seed: 'p' })
        .repository.prune({ keepLast: 1 })
        .catch(() => {});
      for (const rng of [undefined, ...[0, 1, 2].map((seed) => createRng(`${n} ${seed}`))]) {
        const { repository } = createTestRepository({ storage: storage.crash(rng) });
        expect(await problemsOf(repository), `halt at ${n}`).toEqual([]);
        expect(await repository.latest('s1')).toEqual(points[2]);
      }
    }
  });
});

describe('prune with a writer at work', () => {
  it('removes points but leaves the chunks to the next one', async () => {
    const { repository } = createTestRepository();
    await chainOf(3, repository);
    const writer = await beginPoint(repository, { server: 's9' });
    const report = await repository.prune({ keepLast: 1 });
    expect(report).toMatchObject({ removedChunks: 0, freedBytes: 0, keptPoints: 1 });
    expect(report.removedPoints).toHaveLength(2);
    expect(report.sweepPostponedBy).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/)]);
    await writer.commit({});
    expect((await repository.prune({ keepLast: 1 })).removedChunks).toBeGreaterThan(0);
  });

  it('does not take the chunks that the writer shares with a pruned point', async () => {
    const { repository, storage } = createTestRepository();
    const [first] = await chainOf(1, repository);
    const image = await readDisk(repository, first as never);
    const writer = await beginPoint(repository, { base: first as never });
    await writePoint(createTestRepository({ storage }).repository, {}, { server: 's1' });
    await repository.prune({ keepLast: 1 });
    await writer.write('ide0', 0, Buffer.from('changed'));
    const point = await writer.commit({});
    expect(
      (await readDisk(repository, point)).equals(imageOf(10_000, { 0: Buffer.from('changed') }, image)),
    ).toBe(true);
  });

  it('waits no longer for a killed writer than its lease', async () => {
    const { repository, clock, storage } = createTestRepository();
    await (await beginPoint(repository)).write('ide0', 0, noise(9000, 'lost'));
    await clock.advanceBy(23 * HOUR_MS);
    expect(await repository.prune({ keepLast: 1 })).toHaveProperty('sweepPostponedBy');
    await clock.advanceBy(HOUR_MS);
    expect((await repository.prune({ keepLast: 1 })).removedChunks).toBe(8);
    expect([await storage.list('locks'), await storage.list('tmp')]).toEqual([[], []]);
  });

  it('still sees a writer that has been at work for days', async () => {
    const { repository, clock } = createTestRepository();
    const writer = await beginPoint(repository);
    for (let hour = 0; hour < 72; hour += 6) {
      await clock.advanceBy(6 * HOUR_MS);
      await writer.write('ide0', hour, noise(6, 'slow'));
      expect(await repository.prune({ keepLast: 1 }), `hour ${hour}`).toHaveProperty('sweepPostponedBy');
    }
    await writer.commit({});
    expect(await problemsOf(repository)).toEqual([]);
  });

  it('makes a writer that stood still for longer than its lease fail instead of committing a point with gaps', async () => {
    const { repository, clock } = createTestRepository();
    const writer = await beginPoint(repository);
    await writer.write('ide0', 0, noise(9000, 'swept'));
    await clock.advanceBy(25 * HOUR_MS);
    expect((await repository.prune({ keepLast: 1 })).removedChunks).toBe(8);
    await expect(writer.commit({})).rejects.toThrow(CorruptChunk);
    expect(await repository.points()).toEqual([]);
  });

  it('lets a writer that stood still commit when nothing was swept', async () => {
    const { repository, clock } = createTestRepository();
    const writer = await beginPoint(repository);
    await writer.write('ide0', 0, noise(9000, 'kept'));
    await clock.advanceBy(25 * HOUR_MS);
    const point = await writer.commit({});
    expect(Buffer.compare((await readDisk(repository, point)).subarray(0, 9000), noise(9000, 'kept'))).toBe(
      0,
    );
  });
});

describe('a writer during a sweep', () => {
  const terms = (of: { storage: MemoryStorage; clock: never }) => ({
    ...of,
    role: 'sweeper' as const,
    owner: 'abc',
    about: null,
  });

  it('begins when the sweep is over', async () => {
    const { repository, storage, clock } = createTestRepository();
    const lock = await raiseLock({ ...terms({ storage, clock: clock as never }), leaseMs: 10 * HOUR_MS });
    clock.setTimer(clock.now() + 90_000, () => void lock.lower());
    const startMs = clock.now();
    const writer = await clock.run(beginPoint(repository));
    expect(clock.now() - startMs).toBeGreaterThanOrEqual(90_000);
    await writer.commit({});
  });

  it('begins when the note of a killed sweep has expired', async () => {
    const { repository, storage, clock } = createTestRepository();
    await raiseLock({ ...terms({ storage, clock: clock as never }), leaseMs: 600_000 });
    await clock.run(beginPoint(repository));
  });

  it('gives up after half an hour and leaves no note behind', async () => {
    const { repository, storage, clock } = createTestRepository();
    await raiseLock({ ...terms({ storage, clock: clock as never }), leaseMs: 10 * HOUR_MS });
    await expect(clock.run(beginPoint(repository))).rejects.toThrow(RepositoryBusy);
    expect((await storage.list('locks')).filter((name) => name.startsWith('writer'))).toEqual([]);
  });

  it('never meets it, however the steps of the two interleave', async () => {
    for (let seed = 0; seed < 150; seed++) await raceWriterAndSweep(`race ${seed}`);
  });
});

/** A full point whose chunks an older, pruned point held too, begun while the prune runs. */
async function raceWriterAndSweep(seed: string): Promise<void> {
  const rng = createRng(seed);
  const storage = new MemoryStorage();
  const { repository: setup, clock } = createTestRepository({ storage, seed: `${seed} setup` });
  const old = noise(9000, `${seed} old`);
  await writePoint(setup, { 0: old });
  await writePoint(setup, { 0: noise(9000, `${seed} young`) });
  const slow = (label: string) => slowed(storage, clock, rng.fork(label));
  const writing = createTestRepository({ storage: slow('writer'), clock, seed: `${seed} w` }).repository;
  const pruning = createTestRepository({ storage: slow('sweeper'), clock, seed: `${seed} p` }).repository;
  const writeLater = async (): Promise<void> => {
    await whileHolding(clock, () => turns(rng.int(0, 80)));
    await writePoint(writing, { 0: old }, { server: 's2' });
  };
  await clock.run(Promise.all([writeLater(), pruning.prune({ keepLast: 1 })]));
  expect(await problemsOf(createTestRepository({ storage }).repository), seed).toEqual([]);
}

/** Every operation takes a few turns of the event loop more. */
function slowed(storage: MemoryStorage, clock: VirtualClock, rng: Rng): FaultyStorage {
  const wait = (): Promise<void> => turns(rng.int(0, 3));
  return new FaultyStorage(storage, () => ({ action: 'delay', until: whileHolding(clock, wait) }));
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
