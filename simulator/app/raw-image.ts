/**
 * A raw image file under a simulated disk. Never written to: what a restore or a guest writes lies over it.
 *
 * Blocks full of zeros count as holes, found by reading the file once when it is opened, since Node cannot ask the
 * file system where the holes of a sparse file are.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { BaseImage } from '../store/base-image.ts';

export interface RawImage extends BaseImage, Disposable {
  readonly holeCount: number;
}

const SECTOR_BYTES = 512;
/** Read at once while looking for zeros. */
const SCAN_BYTES = 4 * 2 ** 20;

/** A file that can't be a disk. The message says what to do. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** @throws ImageError when it can't be opened, is empty, or is no whole number of sectors */
export function openRawImage(file: string, blockBytes: number): RawImage {
  const descriptor = open(file);
  try {
    const sizeBytes = checkedSize(file, descriptor);
    const holes = findHoles(descriptor, sizeBytes, blockBytes);
    return {
      sizeBytes,
      holeCount: holes.count,
      isHole: (block) => holes.isHole(block),
      read: (offset, length) => readRange(descriptor, offset, length),
      [Symbol.dispose]: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function open(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw new ImageError(`${file}: cannot be opened (${(error as NodeJS.ErrnoException).code})`, {
      cause: error,
    });
  }
}

function checkedSize(file: string, descriptor: number): number {
  const stats = fstatSync(descriptor);
  if (!stats.isFile()) throw new ImageError(`${file}: is not a regular file; give a raw or qcow2 image`);
  if (stats.size === 0 || stats.size % SECTOR_BYTES !== 0)
    throw new ImageError(
      `${file}: has ${stats.size} bytes, no whole number of 512-byte sectors; extend it with "truncate -s %512 ${file}"`,
    );
  return stats.size;
}

function readRange(descriptor: number, offset: number, length: number): Buffer {
  // Not from the pool: the caller keeps the bytes, and a pooled slice would keep its neighbours alive.
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length; ) {
    const read = readSync(descriptor, bytes, done, length - done, offset + done);
    if (read === 0) throw new ImageError('the image became shorter while it was in use');
    done += read;
  }
  return bytes;
}

function findHoles(descriptor: number, sizeBytes: number, blockBytes: number) {
  const blocks = Math.ceil(sizeBytes / blockBytes);
  const isData = new Uint8Array(blocks);
  let count = 0;
  for (let at = 0; at < sizeBytes; at += SCAN_BYTES) {
    const chunk = readRange(descriptor, at, Math.min(SCAN_BYTES, sizeBytes - at));
    for (let from = 0; from < chunk.length; from += blockBytes) {
      const hasData = !isZero(chunk.subarray(from, from + blockBytes));
      if (hasData) isData[(at + from) / blockBytes] = 1;
      else count++;
    }
  }
  return { count, isHole: (block: number) => isData[block] !== 1 };
}

const ZEROS = Buffer.alloc(2 ** 20);

function isZero(bytes: Buffer): boolean {
  return ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
}
