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
  return new DamageableDevice(device, strike);
}

class DamageableDevice implements ExportDevice {
  readonly #device: ExportDevice;
  readonly #strike: StrikeRead;

  constructor(device: ExportDevice, strike: StrikeRead) {
    this.#device = device;
    this.#strike = strike;
  }

  get sizeBytes(): number {
    return this.#device.sizeBytes;
  }

  get isReadOnly(): boolean {
    return this.#device.isReadOnly;
  }

  get metaContexts(): readonly string[] {
    return this.#device.metaContexts;
  }

  read(offset: number, length: number): Pieces | Promise<Pieces> {
    const struck = this.#strike((fault) => covers(fault, offset, length));
    const pieces = this.#device.read(offset, length);
    if (struck.length === 0) return pieces;
    return pieces instanceof Promise
      ? pieces.then((content) => damage(content, offset, struck))
      : damage(pieces, offset, struck);
  }

  write(offset: number, data: Uint8Array): void | Promise<void> {
    return this.#device.write(offset, data);
  }

  zero(offset: number, length: number, mayTrim: boolean): void | Promise<void> {
    return this.#device.zero(offset, length, mayTrim);
  }

  trim(offset: number, length: number): void | Promise<void> {
    return this.#device.trim(offset, length);
  }

  flush(): void | Promise<void> {
    return this.#device.flush();
  }

  blockStatus(...query: Parameters<ExportDevice['blockStatus']>): ReturnType<ExportDevice['blockStatus']> {
    return this.#device.blockStatus(...query);
  }
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
