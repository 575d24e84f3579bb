/**
 * The content of one disk: a map of what each block holds, and the layers that snapshots froze of it.
 *
 * The intuition: holes, zeros, synthetic and base-image blocks are descriptors in an extent map; only bytes that
 * somebody really wrote take memory. Freezing shares the map's leaves; reverting adopts the frozen map again; a
 * linked clone is a live map of its own over the same pool.
 *
 * Invariants: pieces of a frozen layer never change; a block that was written whole with zeros or with a synthetic
 * block costs no bytes; `onChanged` is told about every block that may read differently, when it does.
 */
import type { BaseImage } from './base-image.ts';
import { lengthOfBlock, partsOf, wholeBlocks } from './block-geometry.ts';
import { ContentPool } from './content-pool.ts';
import { type ContentSource, concat, readPieces, syntheticBlock } from './content-reader.ts';
import { ALLOCATED_ZERO, BASE_IMAGE, HOLE, kindOf, ownGeneration } from './content-value.ts';
import { ExtentMap, type FrozenExtents } from './extent-map.ts';
import { type DiskContent, FrozenLayer } from './frozen-layer.ts';
import { isZero, recogniseBlock, renderBlock } from './tiles.ts';

export interface DiskImageOptions {
  readonly sizeBytes: number;
  /** A power of two from 512 bytes to 1 MiB. */
  readonly blockBytes: number;
  /** A safe integer that no other disk has. */
  readonly seed: number;
  readonly base?: BaseImage | undefined;
  /** The blocks [first, first + count) were written, zeroed or trimmed. */
  readonly onChanged?: (firstBlock: number, blockCount: number) => void;
}

export class DiskImage implements DiskContent {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly #seed: number;
  readonly #pool: ContentPool;
  readonly #base: BaseImage | undefined;
  readonly #onChanged: (firstBlock: number, blockCount: number) => void;
  #map: ExtentMap;

  constructor(options: DiskImageOptions, layer?: FrozenLayer) {
    this.sizeBytes = options.sizeBytes;
    this.blockBytes = options.blockBytes;
    this.blockCount = Math.ceil(options.sizeBytes / options.blockBytes);
    this.#seed = options.seed;
    this.#base = options.base;
    this.#onChanged = options.onChanged ?? (() => undefined);
    this.#pool = layer?.source.pool ?? new ContentPool();
    this.#map = this.#pool.adopt(layer?.extents.snapshot() ?? new ExtentMap());
    if (layer === undefined && options.base !== undefined)
      mapBase(this.#map, this.blockCount, this.blockBytes, options.base);
  }

  /** A linked clone: a disk of its own that begins as `layer` and shares its memory. */
  static cloneOf(
    layer: FrozenLayer,
    onChanged?: (firstBlock: number, blockCount: number) => void,
  ): DiskImage {
    const { sizeBytes, blockBytes, seed, base } = layer.source;
    return new DiskImage({ sizeBytes, blockBytes, seed, base, ...(onChanged && { onChanged }) }, layer);
  }

  get extents(): FrozenExtents {
    return this.#map;
  }

  /** Bytes of blocks that are not holes; the last block counts as far as the disk goes. */
  get allocatedBytes(): number {
    const whole = this.#map.blockCount * this.blockBytes;
    const isTailAllocated = this.blockCount > 0 && this.#map.get(this.blockCount - 1) !== HOLE;
    return isTailAllocated ? whole - (this.blockCount * this.blockBytes - this.sizeBytes) : whole;
  }

  /** Number of blocks whose bytes are kept in memory, of the disk, its layers and clones together. */
  get keptBlockCount(): number {
    return this.#pool.slotCount;
  }

  /** A picture of this moment: later writes do not show in the pieces. */
  read(offset: number, length: number): readonly Uint8Array[] | Promise<readonly Uint8Array[]> {
    return readPieces(this.#source(), offset, length, true);
  }

  /** @returns a promise only when part of a block must be read from an asynchronous base image first */
  write(offset: number, data: Uint8Array): void | Promise<void> {
    const parts = partsOf(this, offset, data.length);
    // What waits for the base image outlives the call, and the caller may reuse its buffer.
    let pending: Promise<void>[] | undefined;
    for (const part of parts) {
      const bytes = data.subarray(part.at - offset, part.at - offset + part.length);
      const done = this.#writePart(part.block, part.at - part.block * this.blockBytes, bytes);
      if (done instanceof Promise) (pending ??= []).push(done);
    }
    return pending === undefined ? undefined : Promise.all(pending).then(() => undefined);
  }

  /** The range reads as zeros: whole blocks become holes (`mayTrim`) or allocated zeros. */
  zero(offset: number, length: number, mayTrim: boolean): void | Promise<void> {
    const { first, last } = wholeBlocks(this, offset, length);
    if (last <= first) return this.#writeZeros(offset, length);
    this.#setBlocks(first, last - first, mayTrim ? HOLE : ALLOCATED_ZERO);
    const head = this.#writeZeros(offset, first * this.blockBytes - offset);
    const tailAt = last * this.blockBytes;
    const tail = this.#writeZeros(tailAt, offset + length - tailAt);
    return head instanceof Promise || tail instanceof Promise
      ? Promise.all([head, tail]).then(() => undefined)
      : undefined;
  }

  /** Whole blocks inside the range become holes; the rest stays as it is. */
  trim(offset: number, length: number): void {
    const { first, last } = wholeBlocks(this, offset, length);
    if (last > first) this.#setBlocks(first, last - first, HOLE);
  }

  /** The blocks get synthetic content that nobody has seen before. */
  writeSynthetic(firstBlock: number, blockCount: number): void {
    this.#setBlocks(firstBlock, blockCount, ownGeneration(this.#pool.nextGeneration()));
  }

  /** Lays down synthetic content as from before the world began; tells nobody. */
  seedSynthetic(runs: Iterable<{ readonly start: number; readonly count: number }>): void {
    const content = ownGeneration(this.#pool.nextGeneration());
    for (const run of runs) this.#map.set(run.start, run.count, content);
  }

  freeze(): FrozenLayer {
    this.#pool.freezeSlots();
    return new FrozenLayer({ ...this.#source(), map: this.#pool.adopt(this.#map.snapshot()) });
  }

  /** The disk holds again what `layer` holds. Generations go on, so content never repeats. */
  revertTo(layer: FrozenLayer): void {
    const old = this.#map;
    this.#map = this.#pool.adopt(layer.extents.snapshot());
    this.#pool.drop(old);
    this.#onChanged(0, this.blockCount);
  }

  /** The disk ceases to be; its layers and clones live on. */
  release(): void {
    this.#pool.drop(this.#map);
  }

  #source(): ContentSource {
    return {
      map: this.#map,
      pool: this.#pool,
      seed: this.#seed,
      sizeBytes: this.sizeBytes,
      blockBytes: this.blockBytes,
      base: this.#base,
    };
  }

  #writePart(block: number, inBlock: number, bytes: Uint8Array): void | Promise<void> {
    if (bytes.length === lengthOfBlock(this, block)) {
      this.#putWhole(block, bytes);
      return;
    }
    const old = this.#map.get(block);
    if (kindOf(old) === 'base') return this.#patchBase(block, inBlock, bytes);
    this.#patch(block, old, inBlock, bytes);
  }

  #putWhole(block: number, bytes: Uint8Array): void {
    const old = this.#map.get(block);
    const known = this.#describe(block, bytes);
    if (known === undefined && this.#pool.isMutable(old)) {
      this.#pool.bytesOf(old).set(bytes);
      this.#onChanged(block, 1);
      return;
    }
    this.#setBlocks(block, 1, known ?? this.#pool.keep(Buffer.from(bytes)));
  }

  /** The descriptor for content that needs no bytes. */
  #describe(block: number, bytes: Uint8Array): number | undefined {
    if (isZero(bytes)) return ALLOCATED_ZERO;
    const found = recogniseBlock(bytes);
    if (found === undefined) return undefined;
    // A generation that this disk has not reached yet (another run's) must not meet its own later ones.
    const isOwn =
      found.seed === this.#seed && found.block === block && found.generation <= this.#pool.generation;
    return isOwn ? ownGeneration(found.generation) : this.#pool.foreign(found, block);
  }

  #patch(block: number, old: number, inBlock: number, bytes: Uint8Array): void {
    if (this.#pool.isMutable(old)) {
      this.#pool.bytesOf(old).set(bytes, inBlock);
      this.#onChanged(block, 1);
      this.#compact(block, inBlock + bytes.length, this.#pool.bytesOf(old));
      return;
    }
    if ((old === HOLE || old === ALLOCATED_ZERO) && isZero(bytes)) {
      this.#setBlocks(block, 1, ALLOCATED_ZERO);
      return;
    }
    const slot = this.#materialise(block, old);
    slot.set(bytes, inBlock);
    this.#setBlocks(block, 1, this.#pool.keep(slot));
    this.#compact(block, inBlock + bytes.length, slot);
  }

  /** A block that was assembled piece by piece may have become one that needs no bytes. */
  #compact(block: number, writtenTo: number, slot: Buffer): void {
    if (writtenTo !== slot.length) return;
    const known = this.#describe(block, slot);
    if (known !== undefined) this.#setBlocks(block, 1, known);
  }

  #materialise(block: number, value: number): Buffer {
    const length = lengthOfBlock(this, block);
    switch (kindOf(value)) {
      case 'slot':
        return Buffer.from(this.#pool.bytesOf(value));
      case 'own':
      case 'foreign':
        return renderBlock(syntheticBlock(this.#source(), block, value), length);
      case 'hole':
      case 'zero':
      case 'base':
        return Buffer.alloc(length);
    }
  }

  #patchBase(block: number, inBlock: number, bytes: Uint8Array): void | Promise<void> {
    const read = concatWhenThere(
      readPieces(this.#source(), block * this.blockBytes, lengthOfBlock(this, block), false),
    );
    if (!(read instanceof Promise)) {
      this.#patchOver(block, read, inBlock, bytes);
      return;
    }
    return this.#patchLater(block, read, inBlock, Buffer.from(bytes));
  }

  async #patchLater(block: number, read: Promise<Buffer>, inBlock: number, bytes: Buffer): Promise<void> {
    const below = await read;
    // Another write may have landed while the image was read; then this one goes on top of it.
    const now = this.#map.get(block);
    if (kindOf(now) === 'base') this.#patchOver(block, below, inBlock, bytes);
    else this.#patch(block, now, inBlock, bytes);
  }

  #patchOver(block: number, below: Buffer, inBlock: number, bytes: Uint8Array): void {
    below.set(bytes, inBlock);
    this.#setBlocks(block, 1, this.#pool.keep(below));
  }

  #writeZeros(offset: number, length: number): void | Promise<void> {
    if (length > 0) return this.write(offset, Buffer.alloc(length));
  }

  #releaseSlots(first: number, count: number, unless: number): void {
    this.#map.visit(first, first + count, (start, _end, old) => {
      if (old !== unless) this.#pool.release(this.#map, start, old);
      return true;
    });
  }

  #setBlocks(first: number, count: number, value: number): void {
    if (this.#pool.slotCount > 0) this.#releaseSlots(first, count, value);
    this.#map.set(first, count, value);
    this.#onChanged(first, count);
  }
}

/** Marks the blocks that the image has and that are no holes. */
function mapBase(map: ExtentMap, blockCount: number, blockBytes: number, base: BaseImage): void {
  const blocks = Math.min(blockCount, Math.ceil(base.sizeBytes / blockBytes));
  let runStart = 0;
  for (let block = 0; block <= blocks; block++) {
    if (block < blocks && !base.isHole(block)) continue;
    map.set(runStart, block - runStart, BASE_IMAGE);
    runStart = block + 1;
  }
}

/** One buffer that the caller owns. */
function concatWhenThere(
  pieces: readonly Uint8Array[] | Promise<readonly Uint8Array[]>,
): Buffer | Promise<Buffer> {
  return pieces instanceof Promise ? pieces.then(concat) : concat(pieces);
}
