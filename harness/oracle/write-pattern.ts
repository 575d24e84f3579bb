/**
 * The bytes of the harness's guest writes. Every 512-byte sector names the write that made it and its own place, so
 * a sector found where it does not belong explains itself.
 *
 * Layout of a sector, little-endian words: magic, number of the write, sector number (low, high), then 124 words
 * drawn from those. The bytes at one position depend on the write and the position only, never on where the write
 * began; so unaligned writes are cut out of the same endless stream.
 */
export const SECTOR_BYTES = 512;
const MAGIC = 0x31_4c_4b_42; // "BKL1"
const WORDS = SECTOR_BYTES / 4;

/** Written by run after run of a scenario. */
const kept = new Map<string, Uint8Array>();
const MOST_KEPT = 128;
const MOST_BYTES_KEPT = 128 * 1024;

/** The bytes that write `number` puts at [offset, offset + length). Shared: nobody may write to them. */
export function patternBytes(number: number, offset: number, length: number): Uint8Array {
  const key = `${number} ${offset} ${length}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const bytes = drawBytes(number, offset, length);
  if (length > MOST_BYTES_KEPT) return bytes;
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(key, bytes);
  return bytes;
}

function drawBytes(number: number, offset: number, length: number): Uint8Array {
  const first = Math.floor(offset / SECTOR_BYTES);
  const end = Math.ceil((offset + length) / SECTOR_BYTES);
  const words = new Uint32Array((end - first) * WORDS);
  for (let sector = first; sector < end; sector++)
    fillSector(words, (sector - first) * WORDS, number, sector);
  const skip = offset - first * SECTOR_BYTES;
  return new Uint8Array(words.buffer, skip, length);
}

/** What a sector says of itself; `undefined` when no guest write of the harness began it. */
export function readStamp(sector: Uint8Array): { write: number; sector: number } | undefined {
  if (sector.length < 16) return undefined;
  const view = new DataView(sector.buffer, sector.byteOffset, 16);
  if (view.getUint32(0, true) !== MAGIC) return undefined;
  return {
    write: view.getUint32(4, true),
    sector: view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32,
  };
}

function fillSector(words: Uint32Array, at: number, number: number, sector: number): void {
  const low = sector >>> 0;
  const high = Math.floor(sector / 2 ** 32);
  words[at] = MAGIC;
  words[at + 1] = number;
  words[at + 2] = low;
  words[at + 3] = high;
  // xorshift32; the odd constant keeps the state from ever being zero.
  let state = (Math.imul(number, 0x9e3779b1) ^ Math.imul(low ^ Math.imul(high, 31), 0x85ebca6b)) | 1;
  for (let word = 4; word < WORDS; word++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at + word] = state;
  }
}
