/** The data of a disk in a restore point, in order and without its zeros; what every export format starts from. */
import type { PointReader } from './repository-api.ts';
import { isZero } from './zero-bytes.ts';

/** Zeros are skipped in units of this much, counted from the disk's start. */
export const BLOCK_BYTES = 64 * 1024;
const READ_BYTES = 4 * 1024 * 1024;
/** Reads under way while a block is consumed. */
const READ_AHEAD = 3;

/** Yields runs of blocks, each of which holds data. A run starts on a block boundary; the disk's last may be short. */
export async function* dataBlocks(
  reader: PointReader,
  deviceId: string,
): AsyncGenerator<{ offset: number; bytes: Uint8Array }> {
  for await (const { offset, bytes } of readAhead(reader, deviceId)) {
    let start = 0;
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      if (!isZero(bytes.subarray(at, at + BLOCK_BYTES))) continue;
      if (at > start) yield { offset: offset + start, bytes: bytes.subarray(start, at) };
      start = at + BLOCK_BYTES;
    }
    if (start < bytes.length) yield { offset: offset + start, bytes: bytes.subarray(start) };
  }
}

export function diskSizeBytes(reader: PointReader, deviceId: string): number {
  const disk = reader.info.disks.find((each) => each.deviceId === deviceId);
  if (disk === undefined) throw new RangeError(`restore point ${reader.info.id} has no disk ${deviceId}`);
  return disk.sizeBytes;
}

async function* readAhead(
  reader: PointReader,
  deviceId: string,
): AsyncGenerator<{ offset: number; bytes: Uint8Array }> {
  const underWay: { offset: number; bytes: Promise<Uint8Array> }[] = [];
  for (const { offset, length } of blockRanges(reader, deviceId)) {
    const bytes = reader.read(deviceId, offset, length);
    // Handled when its turn comes; without this a failure that comes earlier would count as unhandled.
    bytes.catch(() => {});
    underWay.push({ offset, bytes });
    const first = underWay.length > READ_AHEAD ? underWay.shift() : undefined;
    if (first !== undefined) yield { offset: first.offset, bytes: await first.bytes };
  }
  for (const { offset, bytes } of underWay) yield { offset, bytes: await bytes };
}

/** The data ranges cut into reads, widened to whole blocks where chunks are smaller than a block. */
function* blockRanges(reader: PointReader, deviceId: string): Generator<{ offset: number; length: number }> {
  const sizeBytes = diskSizeBytes(reader, deviceId);
  let done = 0;
  for (const range of reader.dataRanges(deviceId)) {
    const end = Math.min(roundUp(range.offset + range.length), sizeBytes);
    for (let at = Math.max(done, roundDown(range.offset)); at < end; ) {
      const length = Math.min(READ_BYTES - (at % READ_BYTES), end - at);
      yield { offset: at, length };
      at += length;
      done = at;
    }
  }
}

function roundDown(bytes: number): number {
  return bytes - (bytes % BLOCK_BYTES);
}

function roundUp(bytes: number): number {
  return roundDown(bytes + BLOCK_BYTES - 1);
}
