import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { encodeChunk } from '../../../src/repository/chunk-format.ts';
import { syncCodec } from '../../../src/repository/codec.ts';
import { FaultyStorage } from '../../../src/repository/faulty-storage.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import { createTestRepository, problemsOf, writePoint } from './test-repository.ts';

const noise = createRng('verify').bytes(600);
const text = Buffer.from('all work and no play '.repeat(30));

async function smallPoint() {
  const made = createTestRepository({ chunkBytes: 600 });
  const point = await writePoint(
    made.repository,
    { 0: noise, 600: text.subarray(0, 600) },
    { sizeBytes: 1800 },
  );
  return { ...made, point };
}

describe('verify', () => {
  it('reports chunks and bytes of whole points', async () => {
    const { repository, point } = await smallPoint();
    expect(await repository.verify()).toEqual({
      points: [{ id: point.id, chunks: 2, bytes: 1200, problems: [] }],
    });
  });

  it('finds every single flipped byte of every file of a point', async () => {
    const { repository, storage } = await smallPoint();
    const files = (await storage.list('points')).map((name) => `points/${name}`);
    files.push(...(await storage.list('chunks')).map((name) => `chunks/${name}`));
    expect(files).toHaveLength(3);
    for (const path of files) {
      const whole = await storage.read(path);
      for (let at = 0; at < whole.length; at++) {
        await storage.write(
          path,
          whole.map((byte, each) => (each === at ? byte ^ (1 << (at & 7)) : byte)),
        );
        expect(await problemsOf(repository), `${path} byte ${at}`).toHaveLength(1);
      }
      await storage.write(path, whole);
    }
    expect(await problemsOf(repository)).toEqual([]);
  });

  it('finds every truncation of every file of a point', async () => {
    const { repository, storage } = await smallPoint();
    const files = (await storage.list('points')).map((name) => `points/${name}`);
    files.push(...(await storage.list('chunks')).map((name) => `chunks/${name}`));
    for (const path of files) {
      const whole = await storage.read(path);
      for (let length = 0; length < whole.length; length++) {
        await storage.write(path, whole.subarray(0, length));
        expect(await problemsOf(repository), `${path} cut to ${length}`).toHaveLength(1);
      }
      await storage.write(path, whole);
    }
  });

  it('finds a missing chunk in every point that wants it, and says where', async () => {
    const { repository, storage, point } = await smallPoint();
    await writePoint(repository, {}, { base: point, sizeBytes: 1800 });
    const [first = ''] = await storage.list('chunks');
    await storage.remove(`chunks/${first}`);
    expect(await problemsOf(repository)).toEqual([
      expect.stringMatching(/^ide0 at (0|600): chunk [0-9a-f]{64} is missing$/),
      expect.stringMatching(/^ide0 at (0|600): chunk [0-9a-f]{64} is missing$/),
    ]);
  });

  it('finds a whole chunk under the name of another', async () => {
    const { repository, storage } = await smallPoint();
    const [first = '', second = ''] = await storage.list('chunks');
    await storage.write(`chunks/${first}`, await storage.read(`chunks/${second}`));
    expect(await problemsOf(repository)).toEqual([expect.stringMatching(/holds other bytes/)]);
  });

  it('finds a chunk with other bytes of the right length', async () => {
    const { repository, storage } = await smallPoint();
    const [first = ''] = await storage.list('chunks');
    await storage.write(`chunks/${first}`, await encodeChunk(createRng('other').bytes(600), syncCodec));
    expect(await problemsOf(repository)).toHaveLength(1);
  });

  it('reads a shared chunk once', async () => {
    const storage = new FaultyStorage(new MemoryStorage());
    const { repository } = createTestRepository({ storage });
    const base = await writePoint(repository, { 0: noise });
    for (let at = 0; at < 5; at++) await writePoint(repository, {}, { base });
    const before = storage.operations.length;
    expect((await repository.verify()).points).toHaveLength(6);
    const reads = storage.operations.slice(before).filter(({ path }) => path.startsWith('chunks/'));
    expect(reads).toHaveLength(1);
  });

  it('verifies only the points that it is asked for', async () => {
    const { repository, point } = await smallPoint();
    await writePoint(repository, { 0: text });
    expect((await repository.verify([point.id])).points.map(({ id }) => id)).toEqual([point.id]);
  });
});
