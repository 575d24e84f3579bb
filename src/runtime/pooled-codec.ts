/** The chunk codec on Node's thread pool, so that hashing and compressing leave the event loop to the network. */
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { type Clock, whileHolding } from '../kernel/clock.ts';
import { type Codec, compressOptions, decompressOptions } from '../repository/codec.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

export interface PooledCodecOptions {
  /** Jobs at once; by default one per core but never the whole pool, which file operations use too. */
  readonly parallelism?: number;
  /** A virtual clock stands still during every job. */
  readonly clock?: Clock;
}

export function createPooledCodec({ parallelism, clock }: PooledCodecOptions = {}): Codec {
  const gate = new Gate(parallelism ?? Math.min(Math.max(availableParallelism(), 1), 3));
  const run = <T>(work: () => Promise<T>): Promise<T> =>
    gate.run(() => (clock === undefined ? work() : whileHolding(clock, work)));
  return {
    hash: (bytes) => run(() => sha256(bytes)),
    compress: (bytes) => run(() => compress(bytes, compressOptions(bytes.length))),
    decompress: (bytes, sizeBytes) => run(() => decompress(bytes, decompressOptions(sizeBytes))),
  };
}

async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}

/** Lets `limit` jobs run at a time, the rest in order. */
class Gate {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
