/**
 * Writes one disk of a restore point over a disk of the platform, from its first byte to its last, or in some areas.
 *
 * What the point does not hold must read as zeros afterwards, also where the disk held something else. Where the
 * platform promises that a range is zeros already (a fresh disk), nothing is sent for it.
 */
import { TRANSMISSION_FLAG } from '../nbd/wire/constants.ts';
import type { PointReader } from '../repository/repository-api.ts';
import type { OpenDisk } from './proxy-agent.ts';
import { type ByteRange, complementOf, intersectionOf, piecesOf, totalBytes } from './ranges.ts';
import { runWorkers } from './run-workers.ts';

export interface WriteOptions {
  readonly reader: PointReader;
  readonly deviceId: string;
  readonly sizeBytes: number;
  /** Only there; absent: everywhere. */
  readonly areas?: readonly ByteRange[] | undefined;
  readonly nbd: OpenDisk;
  readonly pieceBytes: number;
  readonly parallel: number;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

export interface WrittenDisk {
  readonly deviceId: string;
  readonly writtenBytes: number;
  /** Bytes that are zeros: written as such, or found to be. */
  readonly zeroBytes: number;
}

export async function writeDisk(options: WriteOptions): Promise<WrittenDisk> {
  const { reader, deviceId, sizeBytes, nbd, signal } = options;
  const areas = options.areas ?? [{ offset: 0, length: sizeBytes }];
  const data = intersectionOf(reader.dataRanges(deviceId), areas);
  for (const gap of intersectionOf(complementOf(data, sizeBytes), areas)) await zeroWhatIsNot(options, gap);
  let writtenBytes = 0;
  await runWorkers(piecesOf(data, options.pieceBytes), options.parallel, async ({ offset, length }) => {
    signal.throwIfAborted();
    const bytes = await reader.read(deviceId, offset, length);
    if (isZero(bytes)) {
      await zeroWhatIsNot(options, { offset, length });
    } else {
      await nbd.write(offset, bytes, {}, signal);
      writtenBytes += length;
    }
    options.onBytes(length);
  });
  await nbd.flush(signal);
  return { deviceId, writtenBytes, zeroBytes: totalBytes(areas) - writtenBytes };
}

const ALLOCATION = 'base:allocation';
const STATE_ZERO = 2;
const STATUS_WINDOW = 1024 ** 3;

async function zeroWhatIsNot(options: WriteOptions, range: ByteRange): Promise<void> {
  const { nbd, signal } = options;
  const canAsk = nbd.info.metaContexts.includes(ALLOCATION);
  for (const window of piecesOf([range], STATUS_WINDOW)) {
    const extents = canAsk
      ? await nbd.blockStatus(ALLOCATION, window.offset, window.length, signal)
      : [{ ...window, flags: 0 }];
    for (const extent of extents) if ((extent.flags & STATE_ZERO) === 0) await zero(options, extent);
  }
}

async function zero(options: WriteOptions, range: ByteRange): Promise<void> {
  const { nbd, signal } = options;
  if ((nbd.info.flags & TRANSMISSION_FLAG.SEND_WRITE_ZEROES) !== 0)
    return nbd.writeZeroes(range.offset, range.length, {}, signal);
  for (const { offset, length } of piecesOf([range], options.pieceBytes))
    await nbd.write(offset, new Uint8Array(length), {}, signal);
}

const ZEROS = Buffer.alloc(64 * 1024);

function isZero(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < view.length; at += ZEROS.length) {
    const part = view.subarray(at, at + ZEROS.length);
    if (part.compare(ZEROS, 0, part.length) !== 0) return false;
  }
  return true;
}
