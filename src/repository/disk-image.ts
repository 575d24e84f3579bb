/** Part of one chunk: `from` and `to` count from the chunk's start. */
export interface ChunkPiece {
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

/** Which chunk holds which part of a disk. A chunk that is not in the map is zeros. */
export class DiskImage {
  readonly deviceId: string;
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  readonly #hashes: Map<number, string>;

  constructor(
    deviceId: string,
    sizeBytes: number,
    chunkBytes: number,
    hashes: Iterable<readonly [number, string]> = [],
  ) {
    this.deviceId = deviceId;
    this.sizeBytes = sizeBytes;
    this.chunkBytes = chunkBytes;
    this.#hashes = new Map(hashes);
  }

  /** Number of chunks that hold data. */
  get dataChunks(): number {
    return this.#hashes.size;
  }

  hashAt(index: number): string | undefined {
    return this.#hashes.get(index);
  }

  setHash(index: number, hash: string | undefined): void {
    if (hash === undefined) this.#hashes.delete(index);
    else this.#hashes.set(index, hash);
  }

  /** Bytes of the disk in a chunk; the last one may be shorter. */
  lengthOf(index: number): number {
    return Math.min(this.chunkBytes, this.sizeBytes - index * this.chunkBytes);
  }

  /** Chunks that hold data, ascending. */
  entries(): [number, string][] {
    return [...this.#hashes].sort(([a], [b]) => a - b);
  }

  indexes(): Iterable<number> {
    return this.#hashes.keys();
  }

  dataRanges(): { offset: number; length: number }[] {
    const ranges: { offset: number; length: number }[] = [];
    for (const [index] of this.entries()) {
      const offset = index * this.chunkBytes;
      const last = ranges.at(-1);
      if (last !== undefined && last.offset + last.length === offset) last.length += this.lengthOf(index);
      else ranges.push({ offset, length: this.lengthOf(index) });
    }
    return ranges;
  }

  /** @throws RangeError unless [offset, offset + length) lies inside the disk */
  checkRange(offset: number, length: number): void {
    const isInside = offset >= 0 && length >= 0 && offset + length <= this.sizeBytes;
    if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && isInside) return;
    throw new RangeError(
      `range ${offset}+${length} is outside of ${this.deviceId} (${this.sizeBytes} bytes)`,
    );
  }

  /** The parts of a range chunk by chunk. */
  *pieces(offset: number, length: number): Generator<ChunkPiece> {
    for (let at = offset; at < offset + length; ) {
      const index = Math.floor(at / this.chunkBytes);
      const from = at - index * this.chunkBytes;
      const to = Math.min(this.chunkBytes, from + offset + length - at);
      yield { index, from, to };
      at += to - from;
    }
  }
}
