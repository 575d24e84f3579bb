/**
 * The processor-bound work on chunks. Injected, so that in-process runs stay pure JavaScript and real ones use the
 * thread pool; both give the same bytes.
 */
import { hash } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

export interface Codec {
  /** SHA-256, lower-case hex. */
  hash(bytes: Uint8Array): string | Promise<string>;
  /** One zstd frame. */
  compress(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** The frame's content. Rejects when it is no valid frame or holds more than `sizeBytes`. */
  decompress(bytes: Uint8Array, sizeBytes: number): Uint8Array | Promise<Uint8Array>;
  /** Reads documents where there is a better way than `JSON.parse`; throws like it. Not to be written to. */
  readonly parseJson?: (text: string) => unknown;
}

/** Level 1: about 0.5 GB/s per core, and on disk images within 10 % of the default level's ratio. */
const zstdParams: Record<number, number> = { [constants.ZSTD_c_compressionLevel]: 1 };

interface CompressOptions {
  readonly params: Record<number, number>;
  readonly chunkSize: number;
  readonly pledgedSrcSize: number;
}

/**
 * One output buffer for the whole result, because Node otherwise grows it in steps of 16 KiB, each a trip to the
 * thread pool. The pledged size makes the frame the same whether it is made at once or in the pool.
 */
export function compressOptions(sizeBytes: number): CompressOptions {
  return { params: zstdParams, chunkSize: sizeBytes + (sizeBytes >> 7) + 1024, pledgedSrcSize: sizeBytes };
}

/** A little room to spare, because a buffer that is just filled has Node make another one to see whether more comes. */
export function decompressOptions(sizeBytes: number): { chunkSize: number; maxOutputLength: number } {
  return { chunkSize: sizeBytes + 64, maxOutputLength: Math.max(sizeBytes, 1) };
}

export const syncCodec: Codec = {
  hash: (bytes) => hash('sha256', bytes),
  compress: (bytes) => zstdCompressSync(bytes, compressOptions(bytes.length)),
  decompress: (bytes, sizeBytes) => zstdDecompressSync(bytes, decompressOptions(sizeBytes)),
};
