/** A disk in memory for tests: bytes, and which 4 KiB blocks of it are holes, zeros or data. */
import type { ExportDevice, Extent } from '../../simulator/nbd/export-device.ts';

export const DEVICE_BLOCK_BYTES = 4096;

const DATA = 0;
const HOLE = 3;
const ZERO = 2;

export interface MemoryDeviceOptions {
  readonly sizeBytes: number;
  readonly isReadOnly?: boolean;
  /** Dirty block numbers by bitmap name. */
  readonly bitmaps?: Readonly<Record<string, readonly number[]>>;
  /** Makes every call answer with a promise. */
  readonly isAsync?: boolean;
}

export class MemoryDevice implements ExportDevice {
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly metaContexts: readonly string[];
  /** The content, for tests to look at and to prepare. */
  readonly bytes: Buffer;
  flushes = 0;
  readonly #isAsync: boolean;
  readonly #allocation: Uint8Array;
  readonly #bitmaps: ReadonlyMap<string, ReadonlySet<number>>;

  constructor(options: MemoryDeviceOptions) {
    const bitmaps = Object.entries(options.bitmaps ?? {});
    this.sizeBytes = options.sizeBytes;
    this.isReadOnly = options.isReadOnly ?? false;
    this.bytes = Buffer.alloc(options.sizeBytes);
    this.#isAsync = options.isAsync ?? false;
    this.#allocation = new Uint8Array(Math.ceil(options.sizeBytes / DEVICE_BLOCK_BYTES)).fill(HOLE);
    this.#bitmaps = new Map(bitmaps.map(([name, blocks]) => [`qemu:dirty-bitmap:${name}`, new Set(blocks)]));
    this.metaContexts = ['base:allocation', ...this.#bitmaps.keys()];
  }

  /** Fills a range as if a guest had written it. */
  fill(offset: number, length: number, byte: number): this {
    this.bytes.fill(byte, offset, offset + length);
    this.#mark(offset, length, DATA);
    return this;
  }

  read(offset: number, length: number): readonly Uint8Array[] | Promise<readonly Uint8Array[]> {
    const source = this.bytes.subarray(offset, offset + length);
    const content = this.isReadOnly ? source : Buffer.from(source);
    const middle = length >> 1;
    return this.#answer([content.subarray(0, middle), content.subarray(middle)]);
  }

  write(offset: number, data: Uint8Array): void | Promise<void> {
    this.bytes.set(data, offset);
    this.#mark(offset, data.length, DATA);
    return this.#answer(undefined);
  }

  zero(offset: number, length: number, mayTrim: boolean): void | Promise<void> {
    this.bytes.fill(0, offset, offset + length);
    this.#markWhole(offset, length, mayTrim ? HOLE : ZERO);
    return this.#answer(undefined);
  }

  trim(offset: number, length: number): void | Promise<void> {
    const first = Math.ceil(offset / DEVICE_BLOCK_BYTES) * DEVICE_BLOCK_BYTES;
    const end = Math.floor((offset + length) / DEVICE_BLOCK_BYTES) * DEVICE_BLOCK_BYTES;
    if (end > first) return this.zero(first, end - first, true);
    return this.#answer(undefined);
  }

  flush(): void | Promise<void> {
    this.flushes++;
    return this.#answer(undefined);
  }

  blockStatus(context: string, offset: number, length: number, maxExtents: number): readonly Extent[] {
    const extents: { lengthBytes: number; flags: number }[] = [];
    for (let at = offset; at < offset + length; ) {
      const block = Math.floor(at / DEVICE_BLOCK_BYTES);
      const next = Math.min(offset + length, (block + 1) * DEVICE_BLOCK_BYTES);
      const flags = this.#flagsOf(context, block);
      const last = extents.at(-1);
      if (last?.flags === flags) last.lengthBytes += next - at;
      else if (extents.length === maxExtents) return extents;
      else extents.push({ lengthBytes: next - at, flags });
      at = next;
    }
    return extents;
  }

  #flagsOf(context: string, block: number): number {
    const bitmap = this.#bitmaps.get(context);
    if (bitmap !== undefined) return bitmap.has(block) ? 1 : 0;
    return this.#allocation[block] ?? DATA;
  }

  /** Marks every block that the range touches. */
  #mark(offset: number, length: number, flags: number): void {
    if (length === 0) return;
    const first = Math.floor(offset / DEVICE_BLOCK_BYTES);
    this.#allocation.fill(flags, first, Math.floor((offset + length - 1) / DEVICE_BLOCK_BYTES) + 1);
  }

  /** Marks the blocks that lie wholly in the range. */
  #markWhole(offset: number, length: number, flags: number): void {
    const end = offset + length;
    const first = Math.ceil(offset / DEVICE_BLOCK_BYTES);
    const last = end === this.sizeBytes ? this.#allocation.length : Math.floor(end / DEVICE_BLOCK_BYTES);
    if (last > first) this.#allocation.fill(flags, first, last);
  }

  #answer<T>(value: T): T | Promise<T> {
    return this.#isAsync ? Promise.resolve(value) : value;
  }
}
