/**
 * Damage to the content of a disk on its way to the reader.
 *
 * Model: storage that rots, or memory that does, below every checksum of the network: one bit of one byte is another
 * one in the answer to one read; the disk itself is untouched, so that reading again gives the truth. Only somebody who
 * reads twice, or knows a checksum, can tell. Holes are not read and so never damaged.
 */
import type { ExportDevice } from '../nbd/export-device.ts';
import type { FaultKind, StruckFault } from './fault-api.ts';

type Pieces = readonly Uint8Array[];

/** Asks which faults strike a read of these bytes, and counts them. */
export type StrikeRead = (isNow: (fault: FaultKind) => boolean) => readonly StruckFault[];

/** The device as a reader sees it whose content is damaged by plan. */
export function damageable(device: ExportDevice, strike: StrikeRead): ExportDevice {
  // Not a copy: flags and contexts of the device may be getters, and its methods are called on it.
  const seen: ExportDevice = Object.create(device);
  const read: ExportDevice['read'] = (offset, length) => {
    const struck = strike((fault) => covers(fault, offset, length));
    const pieces = device.read(offset, length);
    if (struck.length === 0) return pieces;
    return pieces instanceof Promise
      ? pieces.then((content) => damage(content, offset, struck))
      : damage(pieces, offset, struck);
  };
  return Object.defineProperty(seen, 'read', { value: read });
}

function covers(fault: FaultKind, offset: number, length: number): boolean {
  if (fault.kind !== 'corrupt-payload' || length === 0) return false;
  return fault.offset === undefined || (fault.offset >= offset && fault.offset < offset + length);
}

function damage(pieces: Pieces, offset: number, struck: readonly StruckFault[]): Pieces {
  return struck.reduce<Pieces>(
    (content, fault) =>
      fault.kind === 'corrupt-payload' ? flipBit(content, (fault.offset ?? offset) - offset) : content,
    pieces,
  );
}

/** The lowest bit of the byte at `at`. Pieces are shared, so the one that is hit is copied. */
function flipBit(pieces: Pieces, at: number): Pieces {
  let begin = 0;
  return pieces.map((piece) => {
    const place = at - begin;
    begin += piece.length;
    if (place < 0 || place >= piece.length) return piece;
    const copy = Uint8Array.from(piece);
    copy[place] = (copy[place] ?? 0) ^ 1;
    return copy;
  });
}
