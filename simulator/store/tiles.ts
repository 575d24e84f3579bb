/**
 * Synthetic block content: looks random, differs for every (disk seed, block, generation), costs no memory.
 *
 * The intuition: a block is a 64-byte stamp that says whose block it is, followed by bytes of one of 64 shared tiles.
 * So a block that ended up in the wrong place can be named, and a block that comes back whole is recognised and need
 * not be stored.
 *
 * The format, for those who check it without this code:
 * - the pool is one stream of 32-bit words, little-endian: xorshift32 (13, 17, 5) that starts from 0x9e3779b9; the
 *   first word is the state after one step. Tile `k` begins at byte `k * 65536`.
 * - a block of tile `k = (5 * block + 11 * generation + seed mod 64) mod 64` is the stamp, then the tile from its
 *   byte 64 on, up to the block's length.
 * - the stamp, big-endian: 0 magic "BLBLOCK1", 8 seed (u64), 16 block (u32), 20 generation (u32), 24 tile (u32),
 *   28 checksum (u32: FNV-1a over bytes 8 to 27), 32 zeros.
 */

export interface SyntheticBlock {
  /** A safe integer; belongs to the disk. */
  readonly seed: number;
  readonly block: number;
  readonly generation: number;
}

export const STAMP_BYTES = 64;
const MAX_BLOCK_BYTES = 2 ** 20;

const TILE_COUNT = 64;
const TILE_STEP = 65536;
const MAGIC = Buffer.from('BLBLOCK1', 'latin1');
const CHECKED_FROM = 8;
const CHECKED_TO = 28;

/** Zeros that everybody shares. Never write to it. */
export const ZEROS: Buffer = Buffer.alloc(2 ** 20);

let pool: Buffer | undefined;
const bodies = new Map<number, readonly Buffer[]>();

export function tileOf(block: SyntheticBlock): number {
  return (((block.block & 63) * 5 + (block.generation & 63) * 11 + (block.seed % TILE_COUNT)) & 63) >>> 0;
}

/** What follows the stamp of a whole block of `blockBytes`. Shared memory: never write to it. */
export function tileBody(tile: number, blockBytes: number): Buffer {
  // Only the sizes of whole blocks are worth keeping; the last block of a disk may have any size.
  if ((blockBytes & (blockBytes - 1)) !== 0) return cutBody(tile, blockBytes);
  let cut = bodies.get(blockBytes);
  if (cut === undefined) {
    cut = Array.from({ length: TILE_COUNT }, (_, at) => cutBody(at, blockBytes));
    bodies.set(blockBytes, cut);
  }
  return cut[tile] ?? cutBody(tile, blockBytes);
}

/** Writes the stamp of a block at `at`. */
export function putStamp(target: Buffer, at: number, block: SyntheticBlock): void {
  MAGIC.copy(target, at);
  target.writeUInt32BE(Math.floor(block.seed / 2 ** 32), at + 8);
  target.writeUInt32BE(block.seed % 2 ** 32, at + 12);
  target.writeUInt32BE(block.block, at + 16);
  target.writeUInt32BE(block.generation, at + 20);
  target.writeUInt32BE(tileOf(block), at + 24);
  target.writeUInt32BE(checksum(target, at), at + 28);
}

/** A block's bytes in memory of their own, cut to `length`. */
export function renderBlock(block: SyntheticBlock, length: number): Buffer {
  const out = Buffer.alloc(length);
  const stamp = Buffer.alloc(STAMP_BYTES);
  putStamp(stamp, 0, block);
  stamp.copy(out);
  if (length > STAMP_BYTES) tileBody(tileOf(block), length).copy(out, STAMP_BYTES);
  return out;
}

/**
 * Tells which synthetic block `bytes` is, whole and byte for byte; `undefined` when it is none. The last block of a
 * disk may be cut, down to the stamp.
 */
export function recogniseBlock(bytes: Uint8Array): SyntheticBlock | undefined {
  const view = asBuffer(bytes);
  const found = readStamp(view);
  if (found === undefined) return undefined;
  const body = tileBody(tileOf(found), view.length);
  return view.subarray(STAMP_BYTES).equals(body) ? found : undefined;
}

/** Reads a stamp alone: names a block even when what follows is damaged. */
export function readStamp(bytes: Uint8Array): SyntheticBlock | undefined {
  const view = asBuffer(bytes);
  if (view.length < STAMP_BYTES || view.length > MAX_BLOCK_BYTES) return undefined;
  if (MAGIC.compare(view, 0, MAGIC.length) !== 0) return undefined;
  const high = view.readUInt32BE(8);
  if (high >= 2 ** 21 || view.readUInt32BE(28) !== checksum(view, 0)) return undefined;
  const found = {
    seed: high * 2 ** 32 + view.readUInt32BE(12),
    block: view.readUInt32BE(16),
    generation: view.readUInt32BE(20),
  };
  const isWhole = view.readUInt32BE(24) === tileOf(found) && isZero(view.subarray(32, STAMP_BYTES));
  return isWhole ? found : undefined;
}

export function isZero(bytes: Uint8Array): boolean {
  if (bytes.length > 0 && bytes[0] !== 0) return false;
  const view = asBuffer(bytes);
  for (let at = 0; at < view.length; at += ZEROS.length) {
    const part = view.subarray(at, at + ZEROS.length);
    if (!part.equals(ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function cutBody(tile: number, blockBytes: number): Buffer {
  pool ??= fillPool();
  const from = tile * TILE_STEP;
  return pool.subarray(from + STAMP_BYTES, from + Math.max(blockBytes, STAMP_BYTES));
}

function fillPool(): Buffer {
  const words = new Uint32Array(((TILE_COUNT - 1) * TILE_STEP + MAX_BLOCK_BYTES) / 4);
  let state = 0x9e3779b9 | 0;
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return Buffer.from(words.buffer);
}

function checksum(bytes: Buffer, at: number): number {
  let hash = 0x811c9dc5;
  for (let i = at + CHECKED_FROM; i < at + CHECKED_TO; i++)
    hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash >>> 0;
}
