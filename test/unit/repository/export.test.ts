import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { CorruptChunk } from '../../../src/repository/errors.ts';
import { exportQcow2 } from '../../../src/repository/export-qcow2.ts';
import { type ExportSink, exportDisk } from '../../../src/repository/export-raw.ts';
import { createTestRepository, imageOf, writePoint } from './test-repository.ts';

const BLOCK = 64 * 1024;
const noise = (length: number, seed: string): Uint8Array => createRng(seed).bytes(length);

/** A file in memory that remembers which bytes were written. */
class MemorySink implements ExportSink {
  readonly writes: { offset: number; length: number }[] = [];
  file = Buffer.alloc(0);

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.writes.push({ offset, length: bytes.length });
    if (offset + bytes.length > this.file.length) this.#resize(offset + bytes.length);
    this.file.set(bytes, offset);
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#resize(sizeBytes);
  }

  #resize(sizeBytes: number): void {
    const before = this.file;
    this.file = Buffer.alloc(sizeBytes);
    before.copy(this.file, 0, 0, Math.min(sizeBytes, before.length));
  }
}

async function readerOf(writes: Record<number, Uint8Array>, sizeBytes: number, chunkBytes: number) {
  const { repository, storage } = createTestRepository({ chunkBytes });
  const point = await writePoint(repository, writes, { sizeBytes });
  return { reader: await repository.open(point.id), storage };
}

const writes = {
  100: noise(10, 'a'),
  [BLOCK / 2]: noise(10, 'a2'),
  [3 * BLOCK - 5]: noise(10, 'b'),
  [20 * BLOCK]: noise(3 * BLOCK, 'c'),
};
const SIZE = 100 * BLOCK + 777;

describe.each([BLOCK / 64, BLOCK, 5 * BLOCK + 512])('an export from chunks of %d bytes', (chunkBytes) => {
  it('to raw writes each block that holds data once, and no other', async () => {
    const { reader } = await readerOf({ ...writes, [SIZE - 2]: noise(2, 'd') }, SIZE, chunkBytes);
    const sink = new MemorySink();
    await exportDisk(reader, 'ide0', sink);
    expect(sink.file.equals(imageOf(SIZE, { ...writes, [SIZE - 2]: noise(2, 'd') }))).toBe(true);
    const blocks = sink.writes.flatMap(({ offset, length }) =>
      Array.from({ length: Math.ceil(length / BLOCK) }, (_, at) => offset / BLOCK + at),
    );
    expect(blocks).toEqual([0, 2, 3, 20, 21, 22, 100]);
  });

  it('to qcow2 reads back through its tables, with every cluster counted once', async () => {
    const { reader } = await readerOf({ ...writes, [SIZE - 2]: noise(2, 'd') }, SIZE, chunkBytes);
    const sink = new MemorySink();
    await exportQcow2(reader, 'ide0', sink);
    const image = readQcow2(sink.file);
    expect(
      image.bytes.subarray(0, SIZE).equals(imageOf(SIZE, { ...writes, [SIZE - 2]: noise(2, 'd') })),
    ).toBe(true);
    expect(image.bytes.length).toBe(Math.ceil(SIZE / 512) * 512);
    expect(image.refcounts).toEqual(Array.from({ length: sink.file.length / BLOCK }, () => 1));
  });
});

describe('an export', () => {
  it('of an empty disk is an empty image', async () => {
    const { reader } = await readerOf({}, 2 ** 31, 2 ** 22);
    const sink = new MemorySink();
    await exportQcow2(reader, 'ide0', sink);
    expect(sink.file.length).toBe(4 * BLOCK);
    expect(sink.file.readBigUInt64BE(24)).toBe(2n ** 31n);
  });

  it('fails on a damaged chunk and leaves no qcow2 header', async () => {
    const { reader, storage } = await readerOf(writes, SIZE, BLOCK);
    const [name = ''] = await storage.list('chunks');
    await storage.remove(`chunks/${name}`);
    const sink = new MemorySink();
    await expect(exportQcow2(reader, 'ide0', sink)).rejects.toThrow(CorruptChunk);
    expect(sink.writes.every(({ offset }) => offset > 0)).toBe(true);
    await expect(exportDisk(reader, 'ide0', new MemorySink())).rejects.toThrow(CorruptChunk);
  });

  it('of a disk that the point does not have is refused', async () => {
    const { reader } = await readerOf({}, 1000, 1024);
    await expect(exportDisk(reader, 'ide9', new MemorySink())).rejects.toThrow(/no disk ide9/);
  });
});

/** Follows the tables of a qcow2 file as a reader would. */
function readQcow2(file: Buffer): { bytes: Buffer; refcounts: number[] } {
  const at = (offset: number): number => Number(file.readBigUInt64BE(offset) & 0x00fffffffffffe00n);
  expect(file.subarray(0, 8).toString('hex')).toBe('514649fb00000003');
  const bytes = Buffer.alloc(Number(file.readBigUInt64BE(24)));
  const l1 = at(40);
  for (let cluster = 0; cluster * BLOCK < bytes.length; cluster++) {
    const l2 = at(l1 + Math.floor(cluster / 8192) * 8);
    const data = l2 === 0 ? 0 : at(l2 + (cluster % 8192) * 8);
    if (data !== 0) file.copy(bytes, cluster * BLOCK, data, data + BLOCK);
  }
  const refcountTable = at(48);
  const refcounts = Array.from({ length: file.length / BLOCK }, (_, cluster) =>
    file.readUInt16BE(at(refcountTable + Math.floor(cluster / 32768) * 8) + (cluster % 32768) * 2),
  );
  return { bytes, refcounts };
}
