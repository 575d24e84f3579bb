/** Bytes of a map of block contents, as pieces that are sent without being copied. */
import type { BaseImage } from './base-image.ts';
import type { ContentPool } from './content-pool.ts';
import { foreignParts, kindOf, payloadOf } from './content-value.ts';
import type { FrozenExtents } from './extent-map.ts';
import { STAMP_BYTES, type SyntheticBlock, ZEROS, asBuffer, putStamp, tileBody, tileOf } from './tiles.ts';

export interface ContentSource {
  readonly map: FrozenExtents;
  readonly pool: ContentPool;
  readonly seed: number;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly base?: BaseImage | undefined;
}

type Pieces = (Uint8Array | Promise<Uint8Array>)[];

/** Pieces of [offset, offset + length). A promise only where the base image gives one. */
export function readPieces(
  source: ContentSource,
  offset: number,
  length: number,
  copySlots: boolean,
): readonly Uint8Array[] | Promise<readonly Uint8Array[]> {
  const { blockBytes } = source;
  const end = offset + length;
  const pieces: Pieces = [];
  let at = offset;
  source.map.visit(Math.floor(offset / blockBytes), Math.ceil(end / blockBytes), (first, last, value) => {
    pushZeros(pieces, first * blockBytes - at);
    const from = Math.max(first * blockBytes, offset);
    at = Math.min(last * blockBytes, end);
    pushRun(source, pieces, value, from, at, copySlots);
    return true;
  });
  pushZeros(pieces, end - at);
  return pieces.every((piece) => piece instanceof Uint8Array)
    ? pieces
    : Promise.all(pieces.map(async (piece) => piece));
}

/** The synthetic block that a value of kind `own` or `foreign` at index `block` stands for. */
export function syntheticBlock(source: ContentSource, block: number, value: number): SyntheticBlock {
  if (kindOf(value) === 'own') return { seed: source.seed, block, generation: payloadOf(value) };
  const { origin, generation } = foreignParts(value);
  const { seed, delta } = source.pool.originOf(origin);
  return { seed, block: block - delta, generation };
}

export function concat(pieces: readonly Uint8Array[]): Buffer {
  return Buffer.concat(pieces);
}

function pushRun(
  source: ContentSource,
  pieces: Pieces,
  value: number,
  from: number,
  to: number,
  copySlots: boolean,
): void {
  switch (kindOf(value)) {
    case 'hole':
    case 'zero':
      pushZeros(pieces, to - from);
      return;
    case 'base':
      pushBase(source.base, pieces, from, to);
      return;
    case 'slot':
      pushSlot(source, pieces, value, from, to, copySlots);
      return;
    case 'own':
    case 'foreign':
      pushSynthetic(source, pieces, value, from, to);
  }
}

function pushZeros(pieces: Pieces, length: number): void {
  for (let left = length; left > 0; left -= ZEROS.length)
    pieces.push(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS);
}

/** The image may end within its last block. */
function pushBase(base: BaseImage | undefined, pieces: Pieces, from: number, to: number): void {
  const end = Math.max(from, Math.min(to, base?.sizeBytes ?? 0));
  if (base !== undefined && end > from) pieces.push(base.read(from, end - from));
  pushZeros(pieces, to - end);
}

function pushSlot(
  source: ContentSource,
  pieces: Pieces,
  value: number,
  from: number,
  to: number,
  copySlots: boolean,
): void {
  const inBlock = from % source.blockBytes;
  const bytes = asBuffer(source.pool.bytesOf(value)).subarray(inBlock, inBlock + to - from);
  pieces.push(copySlots ? Buffer.from(bytes) : bytes);
}

function pushSynthetic(source: ContentSource, pieces: Pieces, value: number, from: number, to: number): void {
  const { blockBytes } = source;
  const first = Math.floor(from / blockBytes);
  const last = Math.ceil(to / blockBytes);
  const stamps = Buffer.allocUnsafeSlow((last - first) * STAMP_BYTES).fill(0);
  for (let block = first; block < last; block++) {
    const content = syntheticBlock(source, block, value);
    const stampAt = (block - first) * STAMP_BYTES;
    putStamp(stamps, stampAt, content);
    const start = block * blockBytes;
    const low = Math.max(from - start, 0);
    const high = Math.min(to - start, blockBytes);
    if (low < STAMP_BYTES) pieces.push(stamps.subarray(stampAt + low, stampAt + Math.min(high, STAMP_BYTES)));
    if (high > STAMP_BYTES) pushBody(pieces, tileBody(tileOf(content), blockBytes), low, high);
  }
}

/** `low` and `high` count from the block's beginning; the body lacks the stamp. */
function pushBody(pieces: Pieces, body: Buffer, low: number, high: number): void {
  const from = Math.max(low - STAMP_BYTES, 0);
  const to = high - STAMP_BYTES;
  pieces.push(from === 0 && to === body.length ? body : body.subarray(from, to));
}
