import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { ChunkAssembler } from '../../../src/repository/chunk-assembler.ts';
import { DiskImage } from '../../../src/repository/disk-image.ts';

const CHUNK = 16;
const noise = createRng('assembler').bytes(1024);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Stores chunks under running numbers, each only when it is let. */
class HeldChunks {
  readonly stored = new Map<string, Buffer>();
  readonly #held: (() => void)[] = [];
  isOpen = false;
  most = 0;

  async store(plain: Uint8Array): Promise<string> {
    await this.#pass();
    const name = `chunk ${this.stored.size}`;
    this.stored.set(name, Buffer.from(plain));
    return name;
  }

  async load(hash: string): Promise<Uint8Array> {
    return this.stored.get(hash) ?? Buffer.alloc(0);
  }

  get waiting(): number {
    return this.#held.length;
  }

  letOne(): void {
    this.#held.shift()?.();
  }

  letAll(): void {
    this.isOpen = true;
    for (const pass of this.#held.splice(0)) pass();
  }

  async #pass(): Promise<void> {
    if (this.isOpen) return;
    await new Promise<void>((resolve) => this.#held.push(resolve));
  }
}

function bytesOf(image: DiskImage, chunks: HeldChunks): Buffer {
  const out = Buffer.alloc(image.sizeBytes);
  for (const [index, hash] of image.entries()) chunks.stored.get(hash)?.copy(out, index * image.chunkBytes);
  return out;
}

describe('ChunkAssembler', () => {
  it('stores a chunk as soon as its last byte comes, in whatever order', async () => {
    const chunks = new HeldChunks();
    const image = new DiskImage('d', 64, CHUNK);
    const assembler = new ChunkAssembler(chunks, CHUNK, 2);
    await assembler.write(image, 10, noise.subarray(10, 16));
    await assembler.write(image, 0, noise.subarray(0, 4));
    expect(chunks.waiting).toBe(0);
    await assembler.write(image, 4, noise.subarray(4, 10));
    await turn();
    expect(chunks.waiting).toBe(1);
  });

  it('makes writers wait when all buffers are on their way to the storage, and no longer', async () => {
    const chunks = new HeldChunks();
    const image = new DiskImage('d', 64, CHUNK);
    const assembler = new ChunkAssembler(chunks, CHUNK, 2);
    const done: number[] = [];
    const writes = [0, 1, 2, 3].map(async (index) => {
      await assembler.write(image, index * CHUNK, noise.subarray(index * CHUNK, (index + 1) * CHUNK));
      done.push(index);
    });
    await turn();
    expect([done, chunks.waiting]).toEqual([[0, 1], 2]);
    chunks.letOne();
    await turn();
    expect([done, chunks.waiting]).toEqual([[0, 1, 2], 2]);
    chunks.letAll();
    await Promise.all(writes);
    await assembler.finish();
    expect(bytesOf(image, chunks).equals(noise.subarray(0, 64))).toBe(true);
  });

  it('never needs more than its buffers for many half-written chunks and many writers', async () => {
    const chunks = new HeldChunks();
    const image = new DiskImage('d', 1024, CHUNK);
    const assembler = new ChunkAssembler(chunks, CHUNK, 3);
    const writes = Array.from({ length: 64 }, (_, index) =>
      assembler.write(image, index * CHUNK + 3, noise.subarray(index * CHUNK + 3, index * CHUNK + 9)),
    );
    let most = 0;
    for (let at = 0; at < 200; at++) {
      await turn();
      most = Math.max(most, chunks.waiting);
      chunks.letOne();
    }
    await Promise.all(writes);
    chunks.letAll();
    await assembler.finish();
    const expected = Buffer.alloc(1024);
    for (let index = 0; index < 64; index++)
      expected.set(noise.subarray(index * CHUNK + 3, index * CHUNK + 9), index * CHUNK + 3);
    expect(bytesOf(image, chunks).equals(expected)).toBe(true);
    expect(most).toBeLessThanOrEqual(3);
    expect(most).toBeGreaterThan(0);
  });

  it('keeps what was stored early when more of the same chunk comes later', async () => {
    const chunks = new HeldChunks();
    chunks.letAll();
    const image = new DiskImage('d', 64, CHUNK);
    const assembler = new ChunkAssembler(chunks, CHUNK, 1);
    for (const offset of [0, 16, 32, 4, 20, 36, 8, 24, 40]) {
      await assembler.write(image, offset, noise.subarray(offset, offset + 4));
    }
    await assembler.finish();
    const expected = Buffer.alloc(64);
    for (const start of [0, 16, 32]) expected.set(noise.subarray(start, start + 12), start);
    expect(bytesOf(image, chunks).equals(expected)).toBe(true);
  });

  it('stores a chunk once however many writers wait for its buffer', async () => {
    const chunks = new HeldChunks();
    const image = new DiskImage('d', 1024, CHUNK);
    const assembler = new ChunkAssembler(chunks, CHUNK, 3);
    const offsets = Array.from({ length: 1024 }, (_, at) => at);
    const worker = async (): Promise<void> => {
      for (let offset = offsets.shift(); offset !== undefined; offset = offsets.shift())
        await assembler.write(image, offset, noise.subarray(offset, offset + 1));
    };
    const writes = Promise.all(Array.from({ length: 16 }, worker));
    for (let at = 0; at < 200; at++) {
      await turn();
      chunks.letOne();
    }
    chunks.letAll();
    await writes;
    await assembler.finish();
    expect(bytesOf(image, chunks).equals(Buffer.from(noise))).toBe(true);
    expect(chunks.stored.size).toBe(64);
  });

  it('lets zeros follow data that is still on its way', async () => {
    const chunks = new HeldChunks();
    const image = new DiskImage('d', 64, CHUNK);
    const assembler = new ChunkAssembler(chunks, CHUNK, 4);
    await assembler.write(image, 0, noise.subarray(0, 32));
    await assembler.writeZeros(image, 0, CHUNK);
    await assembler.writeZeros(image, CHUNK, 4);
    await assembler.write(image, 2 * CHUNK, noise.subarray(0, 8));
    await assembler.writeZeros(image, 2 * CHUNK, CHUNK);
    chunks.letAll();
    await assembler.finish();
    const expected = Buffer.alloc(64);
    expected.set(noise.subarray(20, 32), 20);
    expect(bytesOf(image, chunks).equals(expected)).toBe(true);
    expect(image.dataChunks).toBe(1);
  });

  it('does not count on buffers from changes that hold none', async () => {
    const chunks = new HeldChunks();
    const image = new DiskImage('d', 64, CHUNK);
    const assembler = new ChunkAssembler(chunks, CHUNK, 1);
    await assembler.write(image, 0, noise.subarray(0, CHUNK));
    const waiting = [1, 2].map((index) => assembler.write(image, index * CHUNK, noise.subarray(0, 4)));
    for (let at = 0; at < 20; at++) await assembler.writeZeros(image, 0, CHUNK);
    chunks.letAll();
    await Promise.all(waiting);
    await assembler.finish();
    expect(image.dataRanges()).toEqual([{ offset: CHUNK, length: 2 * CHUNK }]);
  });

  it('finds the touched chunks of a huge range of zeros', async () => {
    const chunks = new HeldChunks();
    const image = new DiskImage('d', CHUNK * 1e9, CHUNK);
    const assembler = new ChunkAssembler(chunks, CHUNK, 8);
    await assembler.write(image, 0, noise.subarray(0, 40));
    await assembler.write(image, 5e9, noise.subarray(0, 40));
    await assembler.writeZeros(image, 20, 8e9);
    chunks.letAll();
    await assembler.finish();
    expect(image.dataRanges()).toEqual([{ offset: 0, length: 32 }]);
    const [, second] = image.entries().map(([, hash]) => chunks.stored.get(hash));
    expect(second?.equals(Buffer.concat([noise.subarray(16, 20)], CHUNK))).toBe(true);
  });

  it('rejects waiting and later writers and the end with the first failure', async () => {
    const chunks = new HeldChunks();
    const image = new DiskImage('d', 1024, CHUNK);
    const failing = {
      store: async (plain: Uint8Array) => {
        await chunks.store(plain);
        throw new Error('disk full');
      },
      load: (hash: string) => chunks.load(hash),
    };
    const assembler = new ChunkAssembler(failing, CHUNK, 2);
    const writes = Array.from({ length: 5 }, (_, index) =>
      assembler.write(image, index * CHUNK, noise.subarray(0, CHUNK)),
    );
    const outcomes = Promise.allSettled(writes);
    await turn();
    chunks.letAll();
    expect((await outcomes).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
    ]);
    await expect(assembler.write(image, 0, noise.subarray(0, 4))).rejects.toThrow('disk full');
    await expect(assembler.finish()).rejects.toThrow('disk full');
  });

  it('lets go of waiting writers when it is discarded', async () => {
    const chunks = new HeldChunks();
    const image = new DiskImage('d', 1024, CHUNK);
    const assembler = new ChunkAssembler(chunks, CHUNK, 1);
    const outcomes = Promise.allSettled(
      [0, 1, 2].map((index) => assembler.write(image, index * CHUNK, noise.subarray(0, CHUNK))),
    );
    await turn();
    const discarded = assembler.discard(new Error('aborted'));
    chunks.letAll();
    await discarded;
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  });
});
