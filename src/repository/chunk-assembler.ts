/**
 * Turns writes of any size, in any order, from several callers into whole chunks, in bounded memory.
 *
 * The intuition: a chunk being written has a buffer and a note of what is covered. A chunk that becomes fully covered
 * is stored at once. When all buffers are taken, the chunk that was touched longest ago is stored as it is: its gaps
 * are filled from what the disk held there before (read-modify-write). A later write to a stored chunk simply starts
 * over with the stored one as the "before".
 *
 * Invariants: at most one open slot per chunk; stores of the same chunk happen one after the other; a caller waits
 * only while every buffer is taken, and then at least one buffer is on its way back.
 */
import { BufferPool } from './buffer-pool.ts';
import { Coverage } from './coverage.ts';
import type { DiskImage } from './disk-image.ts';
import { isZero } from './zero-bytes.ts';

export interface ChunkAccess {
  store(plain: Uint8Array): Promise<string>;
  load(hash: string): Promise<Uint8Array>;
}

interface Slot {
  readonly key: string;
  readonly image: DiskImage;
  readonly index: number;
  readonly buffer: Uint8Array;
  readonly covered: Coverage;
}

export class ChunkAssembler {
  readonly #chunks: ChunkAccess;
  readonly #pool: BufferPool;
  /** In order of their last touch. */
  readonly #open = new Map<string, Slot>();
  /** Chunks that wait for a buffer. */
  readonly #opening = new Map<string, Promise<void>>();
  /** The last change under way of a chunk. */
  readonly #changing = new Map<string, Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(chunks: ChunkAccess, chunkBytes: number, buffers: number) {
    this.#chunks = chunks;
    this.#pool = new BufferPool(buffers, chunkBytes);
  }

  /** Copies `data`; resolves when all of it is in buffers. */
  async write(image: DiskImage, offset: number, data: Uint8Array): Promise<void> {
    image.checkRange(offset, data.length);
    let done = 0;
    for (const { index, from, to } of image.pieces(offset, data.length)) {
      const bytes = data.subarray(done, done + to - from);
      if (isZero(bytes)) await this.#zero(image, index, from, to);
      else await this.#copy(image, index, from, bytes);
      done += to - from;
    }
    this.#throwIfFailed();
  }

  async writeZeros(image: DiskImage, offset: number, length: number): Promise<void> {
    image.checkRange(offset, length);
    const isSparse = length / image.chunkBytes > image.dataChunks + this.#open.size + this.#changing.size;
    const pieces = isSparse ? this.#touchedPieces(image, offset, length) : image.pieces(offset, length);
    for (const { index, from, to } of pieces) await this.#zero(image, index, from, to);
    this.#throwIfFailed();
  }

  /** Stores a chunk again although nothing was written to it: its length differs from the base's. */
  async rewrite(image: DiskImage, index: number): Promise<void> {
    await this.#edit(image, index, 0, 0, () => {});
  }

  /** Stores everything that is still open. @throws whatever the first failed store threw */
  async finish(): Promise<void> {
    for (const slot of this.#open.values()) this.#store(slot);
    while (this.#changing.size > 0) await Promise.all(this.#changing.values());
    this.#throwIfFailed();
  }

  /** Drops what is open and lets go all callers; resolves when nothing is under way any more. */
  async discard(reason: unknown): Promise<void> {
    this.#fail(reason);
    while (this.#changing.size > 0) await Promise.all(this.#changing.values());
    this.#open.clear();
  }

  #copy(image: DiskImage, index: number, from: number, bytes: Uint8Array): Promise<void> {
    return this.#edit(image, index, from, from + bytes.length, (buffer) => buffer.set(bytes, from));
  }

  async #zero(image: DiskImage, index: number, from: number, to: number): Promise<void> {
    const key = keyOf(image, index);
    if (this.#isBlank(image, index, key)) return;
    if (to - from === image.lengthOf(index)) this.#zeroChunk(image, index, key);
    else await this.#edit(image, index, from, to, (buffer) => buffer.fill(0, from, to));
  }

  #zeroChunk(image: DiskImage, index: number, key: string): void {
    const slot = this.#open.get(key);
    if (slot !== undefined) {
      this.#open.delete(key);
      this.#pool.give(slot.buffer);
    }
    if (this.#changing.has(key)) this.#change(key, async () => image.setHash(index, undefined));
    else image.setHash(index, undefined);
  }

  async #edit(
    image: DiskImage,
    index: number,
    from: number,
    to: number,
    put: (buffer: Uint8Array) => void,
  ): Promise<void> {
    this.#throwIfFailed();
    const key = keyOf(image, index);
    let slot = this.#open.get(key);
    // No await between the look and the use: another caller could store the slot in between.
    for (; slot === undefined; slot = this.#open.get(key)) await this.#openChunk(image, index, key);
    put(slot.buffer);
    slot.covered.add(from, to);
    this.#open.delete(key);
    this.#open.set(key, slot);
    if (slot.covered.isFull(image.lengthOf(index))) this.#store(slot);
    this.#relieve();
  }

  /**
   * Callers that want the same chunk wait for one buffer together. If each waited for its own, a slow storage would
   * have `#relieve` store the chunk half filled for the next of them, again and again.
   */
  #openChunk(image: DiskImage, index: number, key: string): Promise<void> {
    const known = this.#opening.get(key);
    if (known !== undefined) return known;
    const opening = this.#takeBuffer()
      .then((buffer) => void this.#open.set(key, { key, image, index, buffer, covered: new Coverage() }))
      .finally(() => this.#opening.delete(key));
    this.#opening.set(key, opening);
    return opening;
  }

  async #takeBuffer(): Promise<Uint8Array> {
    const taken = this.#pool.take();
    this.#relieve();
    return taken;
  }

  /** Everybody who waits for a buffer has one store under way that will give one back. */
  #relieve(): void {
    for (const slot of this.#open.values()) {
      if (this.#pool.waiting <= this.#changing.size) return;
      // An untouched slot belongs to writers that are about to fill it; taking it from them could go on for ever.
      if (!slot.covered.isEmpty) this.#store(slot);
    }
  }

  #store(slot: Slot): void {
    if (!this.#open.delete(slot.key)) return;
    this.#change(slot.key, async () => {
      try {
        await this.#storeFilled(slot);
      } finally {
        this.#pool.give(slot.buffer);
      }
    });
  }

  async #storeFilled({ image, index, buffer, covered }: Slot): Promise<void> {
    const plain = buffer.subarray(0, image.lengthOf(index));
    const gaps = covered.gaps(plain.length);
    const hash = image.hashAt(index);
    const before = gaps.length > 0 && hash !== undefined ? await this.#chunks.load(hash) : new Uint8Array(0);
    for (const { from, to } of gaps) {
      plain.fill(0, from, to);
      plain.set(before.subarray(from, to), from);
    }
    image.setHash(index, isZero(plain) ? undefined : await this.#chunks.store(plain));
  }

  /** Queues a change of a chunk behind the one under way. */
  #change(key: string, change: () => Promise<void>): void {
    const before = this.#changing.get(key);
    const run = async (): Promise<void> => {
      await before;
      try {
        await change();
      } catch (error) {
        this.#fail(error);
      }
      if (this.#changing.get(key) === changing) this.#changing.delete(key);
      this.#relieve();
    };
    const changing = run();
    this.#changing.set(key, changing);
  }

  #isBlank(image: DiskImage, index: number, key: string): boolean {
    return image.hashAt(index) === undefined && !this.#open.has(key) && !this.#changing.has(key);
  }

  /** The parts of a range that hold data or are about to; for ranges with more holes than chunks. */
  #touchedPieces(
    image: DiskImage,
    offset: number,
    length: number,
  ): { index: number; from: number; to: number }[] {
    const end = offset + length;
    const slots = [...this.#open.keys(), ...this.#changing.keys()]
      .filter((key) => isKeyOf(image, key))
      .map(indexOf);
    return [...new Set([...image.indexes(), ...slots])]
      .sort((a, b) => a - b)
      .map((index) => {
        const start = index * image.chunkBytes;
        return { index, from: Math.max(0, offset - start), to: Math.min(image.lengthOf(index), end - start) };
      })
      .filter(({ from, to }) => from < to);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#pool.rejectWaiters(this.#failure.error);
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function keyOf(image: DiskImage, index: number): string {
  return `${image.deviceId} ${index}`;
}

function isKeyOf(image: DiskImage, key: string): boolean {
  return key.slice(0, key.lastIndexOf(' ')) === image.deviceId;
}

function indexOf(key: string): number {
  return Number(key.slice(key.lastIndexOf(' ') + 1));
}
