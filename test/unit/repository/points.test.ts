import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { encodeChunk } from '../../../src/repository/chunk-format.ts';
import { syncCodec } from '../../../src/repository/codec.ts';
import { DiskImage } from '../../../src/repository/disk-image.ts';
import { CorruptChunk, PointClosed, PointNotFound, PruneRefused } from '../../../src/repository/errors.ts';
import { FaultyStorage, faultAtNth } from '../../../src/repository/faulty-storage.ts';
import { encodeManifest, readManifest } from '../../../src/repository/manifest.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import { StorageFailure } from '../../../src/repository/storage-failure.ts';
import {
  beginPoint,
  CHUNK_BYTES,
  createTestRepository,
  imageOf,
  problemsOf,
  readDisk,
  START_MS,
  writePoint,
} from './test-repository.ts';

const noise = (length: number, seed = 'noise'): Uint8Array => createRng(seed).bytes(length);

describe('a full point', () => {
  it('reads as what was written and as zeros elsewhere', async () => {
    const { repository } = createTestRepository();
    const writes = { 100: noise(50), 1000: noise(3000), 9990: noise(10) };
    const point = await writePoint(repository, writes);
    expect((await readDisk(repository, point)).equals(imageOf(10_000, writes))).toBe(true);
  });

  it('tells who, when and what the engine wants back', async () => {
    const { repository } = createTestRepository();
    const writer = await beginPoint(repository);
    const info = await writer.commit({ checkpoint: '4294967297', cbt: { ide0: true } });
    expect(info).toEqual({
      id: expect.stringMatching(/^20260203T040506Z-[0-9a-f]{8}$/),
      serverId: 's1',
      serverName: 'S1',
      createdAtMs: START_MS,
      kind: 'full',
      disks: [{ deviceId: 'ide0', sizeBytes: 10_000 }],
      engine: { checkpoint: '4294967297', cbt: { ide0: true } },
    });
    expect(await repository.points()).toEqual([info]);
    expect((await repository.open(info.id)).info).toEqual(info);
  });

  it('stores equal chunks once and zeros not at all', async () => {
    const { repository, storage } = createTestRepository();
    const chunk = noise(CHUNK_BYTES);
    const writes = {
      0: chunk,
      [CHUNK_BYTES]: chunk,
      [5 * CHUNK_BYTES]: chunk,
      [7 * CHUNK_BYTES]: Buffer.alloc(2000),
    };
    const point = await writePoint(repository, writes);
    expect(await storage.list('chunks')).toHaveLength(1);
    const ranges = (await repository.open(point.id)).dataRanges('ide0');
    expect(ranges).toEqual([
      { offset: 0, length: 2 * CHUNK_BYTES },
      { offset: 5 * CHUNK_BYTES, length: CHUNK_BYTES },
    ]);
  });

  it('stores nothing again that another point holds', async () => {
    const { repository, storage } = createTestRepository();
    const writes = { 0: noise(9000) };
    await writePoint(repository, writes);
    const before = await storage.list('chunks');
    await writePoint(repository, writes, { server: 's2' });
    expect(await storage.list('chunks')).toEqual(before);
  });

  it('heals a damaged chunk whose bytes it brings again', async () => {
    const { repository, storage } = createTestRepository();
    const writes = { 0: noise(CHUNK_BYTES) };
    await writePoint(repository, writes);
    const [name = ''] = await storage.list('chunks');
    await storage.write(`chunks/${name}`, Buffer.from('damaged'));
    expect(await problemsOf(repository)).toHaveLength(1);
    await writePoint(repository, writes);
    expect(await problemsOf(repository)).toEqual([]);
  });

  it('does not trust a whole chunk under the wrong name either', async () => {
    const { repository, storage } = createTestRepository();
    const writes = { 0: noise(CHUNK_BYTES) };
    await writePoint(repository, writes);
    const [name = ''] = await storage.list('chunks');
    await storage.write(`chunks/${name}`, await encodeChunk(noise(CHUNK_BYTES, 'other'), syncCodec));
    const point = await writePoint(repository, writes);
    expect((await readDisk(repository, point)).equals(imageOf(10_000, writes))).toBe(true);
  });

  it('keeps several disks apart', async () => {
    const { repository } = createTestRepository();
    const disks = [
      { deviceId: 'ide0', sizeBytes: 3000 },
      { deviceId: 'virtio1', sizeBytes: 5000 },
    ];
    const writer = await repository.begin({ serverId: 's', serverName: 'S', kind: 'full', disks });
    await writer.write('ide0', 0, noise(2500, 'a'));
    await writer.write('virtio1', 0, noise(4000, 'b'));
    const point = await writer.commit({});
    expect((await readDisk(repository, point, 'ide0')).equals(imageOf(3000, { 0: noise(2500, 'a') }))).toBe(
      true,
    );
    expect(
      (await readDisk(repository, point, 'virtio1')).equals(imageOf(5000, { 0: noise(4000, 'b') })),
    ).toBe(true);
  });

  it('costs nothing for the holes of a 64 TiB disk', async () => {
    const { repository, storage } = createTestRepository({ chunkBytes: 4 * 1024 * 1024 });
    const sizeBytes = 64 * 2 ** 40;
    const writer = await beginPoint(repository, { sizeBytes });
    await writer.write('ide0', sizeBytes - 5, Buffer.from('end'));
    await writer.writeZeros('ide0', 0, sizeBytes - 10);
    const point = await writer.commit({});
    const reader = await repository.open(point.id);
    expect(Buffer.from(await reader.read('ide0', sizeBytes - 6, 6)).toString()).toBe('\0end\0\0');
    expect(await storage.list('chunks')).toHaveLength(1);
  });
});

describe('an incremental point', () => {
  it('reads as the base where nothing was written', async () => {
    const { repository } = createTestRepository();
    const before = { 0: noise(10_000, 'before') };
    const changes = { 500: noise(100, 'a'), 3000: noise(4096, 'b'), 9999: noise(1, 'c') };
    const base = await writePoint(repository, before);
    const point = await writePoint(repository, changes, { base });
    expect((await readDisk(repository, point)).equals(imageOf(10_000, changes, before[0]))).toBe(true);
    expect((await readDisk(repository, base)).equals(imageOf(10_000, before))).toBe(true);
    expect(point).toMatchObject({ kind: 'incremental', baseId: base.id });
  });

  it('turns written zeros into holes', async () => {
    const { repository } = createTestRepository();
    const base = await writePoint(repository, { 0: noise(10_000) });
    const writer = await beginPoint(repository, { base });
    await writer.writeZeros('ide0', 0, 2 * CHUNK_BYTES);
    await writer.write('ide0', 2 * CHUNK_BYTES, new Uint8Array(CHUNK_BYTES));
    await writer.writeZeros('ide0', 3 * CHUNK_BYTES + 10, 20);
    const point = await writer.commit({});
    const expected = imageOf(10_000, { 0: noise(10_000) });
    expected.fill(0, 0, 3 * CHUNK_BYTES).fill(0, 3 * CHUNK_BYTES + 10, 3 * CHUNK_BYTES + 30);
    expect((await readDisk(repository, point)).equals(expected)).toBe(true);
    const [first] = (await repository.open(point.id)).dataRanges('ide0');
    expect(first?.offset).toBe(3 * CHUNK_BYTES);
  });

  it.each([
    ['grew inside its last chunk', 9800, 10_000],
    ['grew by chunks', 9800, 20_000],
    ['grew from a whole number of chunks', 8 * CHUNK_BYTES, 20_000],
    ['shrank', 20_000, 9800],
    ['shrank to a whole number of chunks', 20_000, 8 * CHUNK_BYTES],
  ])('of a disk that %s keeps the old bytes', async (_, oldSize, newSize) => {
    const { repository } = createTestRepository();
    const base = await writePoint(repository, { 0: noise(oldSize) }, { sizeBytes: oldSize });
    const point = await writePoint(repository, { 5: noise(7, 'new') }, { base, sizeBytes: newSize });
    const expected = imageOf(newSize, { 5: noise(7, 'new') }, noise(oldSize));
    expect((await readDisk(repository, point)).equals(expected)).toBe(true);
    expect(await problemsOf(repository)).toEqual([]);
  });

  it('keeps the chunk size of its base', async () => {
    const { repository, storage } = createTestRepository();
    const base = await writePoint(repository, { 0: noise(10_000) });
    const other = createTestRepository({ storage, chunkBytes: 4096, seed: 'other' }).repository;
    const point = await writePoint(other, { 300: noise(5, 'new') }, { base });
    expect(
      (await readDisk(other, point)).equals(imageOf(10_000, { 300: noise(5, 'new') }, noise(10_000))),
    ).toBe(true);
    expect(await storage.list('chunks')).toHaveLength(11);
  });

  it('begins at zeros on a disk that the base does not have', async () => {
    const { repository } = createTestRepository();
    const base = await writePoint(repository, { 0: noise(10_000) });
    const disks = [{ deviceId: 'ide1', sizeBytes: 5000 }];
    const writer = await repository.begin({
      serverId: 's1',
      serverName: 'S1',
      kind: 'incremental',
      baseId: base.id,
      disks,
    });
    await writer.write('ide1', 10, noise(10));
    const point = await writer.commit({});
    expect((await readDisk(repository, point, 'ide1')).equals(imageOf(5000, { 10: noise(10) }))).toBe(true);
  });

  it('fails on a damaged chunk of the base that it has to complete', async () => {
    const { repository, storage } = createTestRepository();
    const base = await writePoint(repository, { 0: noise(CHUNK_BYTES) });
    const [name = ''] = await storage.list('chunks');
    await storage.remove(`chunks/${name}`);
    await expect(writePoint(repository, { 5: noise(5) }, { base })).rejects.toThrow(CorruptChunk);
    expect(await repository.points()).toEqual([base]);
  });
});

describe('the catalog', () => {
  it('orders points by age, also those of the same millisecond, and finds the latest of a server', async () => {
    const { repository, clock } = createTestRepository();
    const made = [];
    for (let at = 0; at < 8; at++)
      made.push(await writePoint(repository, { 0: noise(10) }, { server: `s${at % 2}` }));
    await clock.advanceBy(1000);
    made.push(await writePoint(repository, { 0: noise(10) }, { server: 's0' }));
    expect(await repository.points()).toEqual(made);
    expect(await repository.latest('s0')).toEqual(made[8]);
    expect(await repository.latest('s1')).toEqual(made[7]);
    expect(await repository.latest('nobody')).toBeUndefined();
  });

  it('goes by the order of beginning when the clock was set back', async () => {
    const { repository, storage } = createTestRepository();
    const before = await writePoint(repository, { 0: noise(10) });
    const clock = new VirtualClock(START_MS - 3600_000);
    const later = createTestRepository({ storage, clock, seed: 'set back' }).repository;
    const after = await writePoint(later, { 0: noise(20) });
    expect(after.createdAtMs).toBeLessThan(before.createdAtMs);
    expect(await later.latest('s1')).toEqual(after);
    expect((await later.prune({ keepLast: 1 })).removedPoints).toEqual([before.id]);
  });

  it('leaves out a manifest that the medium does not give back, which verify reports', async () => {
    const { repository, storage } = createTestRepository();
    const bad = await writePoint(repository, { 0: noise(10) });
    const good = await writePoint(repository, { 0: noise(10) });
    const worn = new FaultyStorage(storage, ({ kind, path }) =>
      kind === 'read' && path === `points/${bad.id}.json` ? { action: 'fail', code: 'EIO' } : undefined,
    );
    const fresh = createTestRepository({ storage: worn }).repository;
    expect(await fresh.points()).toEqual([good]);
    expect(
      (await fresh.verify()).points.filter(({ problems }) => problems.length > 0).map(({ id }) => id),
    ).toEqual([bad.id]);
    await expect(fresh.prune({ keepLast: 1 })).rejects.toThrow(PruneRefused);
  });

  it('is the same for another process on the same storage', async () => {
    const { repository, storage } = createTestRepository();
    const point = await writePoint(repository, { 0: noise(10) });
    expect(await createTestRepository({ storage }).repository.points()).toEqual([point]);
  });

  it('leaves out a damaged manifest, which verify reports, and keeps the others', async () => {
    const { repository, storage } = createTestRepository();
    const bad = await writePoint(repository, { 0: noise(10, 'a') });
    const good = await writePoint(repository, { 0: noise(10, 'b') });
    const bytes = await storage.read(`points/${bad.id}.json`);
    await storage.write(`points/${bad.id}.json`, bytes.subarray(0, bytes.length >> 1));
    const fresh = createTestRepository({ storage }).repository;
    expect(await fresh.points()).toEqual([good]);
    await expect(fresh.open(bad.id)).rejects.toThrow(
      new RegExp(`points/${bad.id}.json does not match its checksum`),
    );
    const report = await fresh.verify();
    expect(Object.fromEntries(report.points.map(({ id, problems }) => [id, problems.length]))).toEqual({
      [bad.id]: 1,
      [good.id]: 0,
    });
  });

  it('leaves out a manifest under the name of another point', async () => {
    const { repository, storage } = createTestRepository();
    const point = await writePoint(repository, { 0: noise(10) });
    await storage.write(
      'points/20200101T000000Z-00000000.json',
      await storage.read(`points/${point.id}.json`),
    );
    expect(await repository.points()).toEqual([point]);
    await expect(repository.open('20200101T000000Z-00000000')).rejects.toThrow(
      `is the manifest of ${point.id}`,
    );
  });

  it('does not know an id that was never committed', async () => {
    const { repository } = createTestRepository();
    await expect(repository.open('20200101T000000Z-00000000')).rejects.toThrow(PointNotFound);
    await expect(repository.verify(['20200101T000000Z-00000000'])).rejects.toThrow(PointNotFound);
    await expect(writePoint(repository, {}, { base: { id: 'x' } as never })).rejects.toThrow(PointNotFound);
  });
});

describe('a point writer', () => {
  it('shows nothing before its commit and nothing after an abort', async () => {
    const { repository, storage } = createTestRepository();
    const writer = await beginPoint(repository);
    await writer.write('ide0', 0, noise(5000));
    expect(await repository.points()).toEqual([]);
    await writer.abort();
    expect(await repository.points()).toEqual([]);
    expect(await storage.list('locks')).toEqual([]);
  });

  it('takes nothing after its commit or abort', async () => {
    const { repository } = createTestRepository();
    const writer = await beginPoint(repository);
    await writer.commit({});
    await expect(writer.write('ide0', 0, noise(5))).rejects.toThrow(PointClosed);
    await expect(writer.commit({})).rejects.toThrow(PointClosed);
    await writer.abort();
    expect(await repository.points()).toHaveLength(1);
  });

  it('commits writes that the caller did not wait for', async () => {
    const { repository } = createTestRepository();
    const writer = await beginPoint(repository, { sizeBytes: 50_000 });
    for (let at = 0; at < 50_000; at += 500) void writer.write('ide0', at, noise(500, `${at}`));
    const image = await readDisk(repository, await writer.commit({}));
    for (let at = 0; at < 50_000; at += 500) {
      expect(image.subarray(at, at + 500).equals(noise(500, `${at}`)), `offset ${at}`).toBe(true);
    }
  });

  it.each([
    ['beyond the end', 'ide0', 9999, 2],
    ['a negative offset', 'ide0', -1, 1],
    ['a fraction', 'ide0', 0.5, 1],
    ['an unknown disk', 'ide7', 0, 1],
  ])(
    'refuses %s and then the commit, so that no bytes go missing unnoticed',
    async (_, device, offset, length) => {
      const { repository } = createTestRepository();
      const writer = await beginPoint(repository);
      await expect(writer.write(device, offset, noise(length))).rejects.toThrow(RangeError);
      await expect(writer.commit({})).rejects.toThrow(RangeError);
      expect(await repository.points()).toEqual([]);
    },
  );

  it.each([
    ['an incremental without a base', { kind: 'incremental' as const }, /has a base/],
    ['a disk without bytes', { disks: [{ deviceId: 'ide0', sizeBytes: 0 }] }, /size of ide0 is 0/],
    [
      'a disk named twice',
      {
        disks: [
          { deviceId: 'a', sizeBytes: 1 },
          { deviceId: 'a', sizeBytes: 1 },
        ],
      },
      /twice/,
    ],
  ])('is not begun for %s', async (_, wrong, message) => {
    const { repository, storage } = createTestRepository();
    const point = { serverId: 's', serverName: 'S', kind: 'full' as const, disks: [], ...wrong };
    await expect(repository.begin(point)).rejects.toThrow(message);
    expect(await storage.list('locks')).toEqual([]);
  });

  it('tells later calls and the commit when a chunk could not be stored', async () => {
    const plan = faultAtNth('write', 2, { action: 'fail', code: 'ENOSPC', afterBytes: 100 });
    const storage = new FaultyStorage(new MemoryStorage(), plan);
    const { repository } = createTestRepository({ storage });
    const writer = await beginPoint(repository, { sizeBytes: 100_000 });
    const writeAll = async (): Promise<void> => {
      for (let at = 0; at < 100_000; at += 1000) await writer.write('ide0', at, noise(1000, `${at}`));
    };
    await expect(writeAll()).rejects.toThrow(StorageFailure);
    await expect(writer.commit({})).rejects.toThrow(/no space left/);
    expect(storage.fired).toHaveLength(1);
    expect(await repository.points()).toEqual([]);
    expect(await storage.list('locks')).toEqual([]);
  });
});

describe('a point reader', () => {
  it('refuses a chunk that is shorter than its place on the disk', async () => {
    const { repository, storage } = createTestRepository();
    const point = await writePoint(repository, { 0: noise(900) }, { sizeBytes: 900 });
    const manifest = await readManifest(storage, syncCodec, point.id);
    const images = manifest.images.map((image) => new DiskImage('ide0', 1000, CHUNK_BYTES, image.entries()));
    const info = { ...point, disks: [{ deviceId: 'ide0', sizeBytes: 1000 }] };
    await storage.write(
      `points/${point.id}.json`,
      await encodeManifest({ ...manifest, info, images }, syncCodec),
    );
    const { repository: fresh } = createTestRepository({ storage });
    await expect((await fresh.open(point.id)).read('ide0', 0, 10)).rejects.toThrow(
      /holds 900 bytes instead of the 1000/,
    );
    expect(await problemsOf(fresh)).toEqual([expect.stringContaining('holds 900 bytes instead of the 1000')]);
  });

  it('refuses a range outside of the disk and a disk that the point does not have', async () => {
    const { repository } = createTestRepository();
    const point = await writePoint(repository, { 0: noise(10) });
    const reader = await repository.open(point.id);
    await expect(reader.read('ide0', 9999, 2)).rejects.toThrow(RangeError);
    await expect(reader.read('ide1', 0, 1)).rejects.toThrow(/no disk ide1/);
    expect(() => reader.dataRanges('ide1')).toThrow(/no disk ide1/);
  });

  it('never gives out bytes of a damaged chunk, and reads again once it is repaired', async () => {
    const { repository, storage } = createTestRepository();
    const point = await writePoint(repository, { 0: noise(CHUNK_BYTES) });
    const reader = await repository.open(point.id);
    const [name = ''] = await storage.list('chunks');
    const whole = await storage.read(`chunks/${name}`);
    await storage.write(
      `chunks/${name}`,
      whole.map((byte, at) => (at === 500 ? byte ^ 1 : byte)),
    );
    await expect(reader.read('ide0', 0, 10)).rejects.toThrow(CorruptChunk);
    await storage.write(`chunks/${name}`, whole);
    expect(Buffer.compare(await reader.read('ide0', 0, 10), noise(10))).toBe(0);
  });

  it('loads a chunk once for many small reads in order', async () => {
    const storage = new FaultyStorage(new MemoryStorage());
    const { repository } = createTestRepository({ storage });
    const point = await writePoint(repository, { 0: noise(10_000) });
    const reader = await repository.open(point.id);
    const before = storage.operations.filter(({ kind }) => kind === 'read').length;
    for (let at = 0; at < 10_000; at += 100) await reader.read('ide0', at, 100);
    expect(storage.operations.filter(({ kind }) => kind === 'read').length - before).toBe(10);
  });
});
