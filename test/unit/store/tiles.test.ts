import { describe, expect, it } from 'vitest';
import {
  STAMP_BYTES,
  isZero,
  readStamp,
  recogniseBlock,
  renderBlock,
  tileBody,
} from '../../../simulator/store/tiles.ts';

const BLOCK = { seed: 2 ** 40 + 7, block: 2 ** 30 - 1, generation: 12 };
const GRAIN = 65_536;

/** The documented format, told again without the code under test. */
function renderByTheDocument(seed: number, block: number, generation: number, length: number): Buffer {
  const tile = (5 * block + 11 * generation + (seed % 64)) % 64;
  const out = Buffer.alloc(length);
  let state = 0x9e3779b9;
  for (let at = 0; at < tile * 65_536 + length; at += 4) {
    state = (state ^ (state << 13)) >>> 0;
    state = (state ^ (state >>> 17)) >>> 0;
    state = (state ^ (state << 5)) >>> 0;
    if (at >= tile * 65_536) out.writeUInt32LE(state, at - tile * 65_536);
  }
  out.fill(0, 0, 64);
  out.write('BLBLOCK1', 'latin1');
  out.writeBigUInt64BE(BigInt(seed), 8);
  out.writeUInt32BE(block, 16);
  out.writeUInt32BE(generation, 20);
  out.writeUInt32BE(tile, 24);
  let hash = 0x811c9dc5;
  for (const byte of out.subarray(8, 28)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  out.writeUInt32BE(hash, 28);
  return out;
}

describe('a synthetic block', () => {
  it('looks as the format says', () => {
    const bytes = renderBlock({ seed: 2 ** 33 + 5, block: 1_000_003, generation: 77 }, 4096);
    expect(bytes.equals(renderByTheDocument(2 ** 33 + 5, 1_000_003, 77, 4096))).toBe(true);
  });

  it('is recognised whole, also when the end of the disk cuts it', () => {
    expect(recogniseBlock(renderBlock(BLOCK, GRAIN))).toEqual(BLOCK);
    expect(recogniseBlock(renderBlock(BLOCK, 100))).toEqual(BLOCK);
    expect(recogniseBlock(renderBlock(BLOCK, STAMP_BYTES))).toEqual(BLOCK);
  });

  it.each([0, 9, 17, 23, 27, 30, 40, 63, 64, 5_000, GRAIN - 1])(
    'is not recognised with byte %i changed',
    (at) => {
      const bytes = renderBlock(BLOCK, GRAIN);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(recogniseBlock(bytes)).toBeUndefined();
    },
  );

  it('can be named by its stamp when the rest is damaged', () => {
    const bytes = renderBlock(BLOCK, GRAIN);
    bytes.fill(1, STAMP_BYTES);
    expect(readStamp(bytes)).toEqual(BLOCK);
  });

  it('differs for another seed, block or generation', () => {
    const others = [
      { ...BLOCK, seed: BLOCK.seed + 64 },
      { ...BLOCK, block: BLOCK.block - 64 },
      { ...BLOCK, generation: BLOCK.generation + 64 },
    ];
    for (const other of others)
      expect(renderBlock(other, GRAIN).equals(renderBlock(BLOCK, GRAIN))).toBe(false);
  });

  it('shares the memory behind its stamp', () => {
    expect(tileBody(3, GRAIN).buffer).toBe(tileBody(4, 4096).buffer);
    expect(tileBody(3, GRAIN)).toBe(tileBody(3, GRAIN));
    expect(tileBody(63, 2 ** 20).length).toBe(2 ** 20 - STAMP_BYTES);
  });

  it('is not seen in bytes that are too short or too long', () => {
    expect(recogniseBlock(new Uint8Array(10))).toBeUndefined();
    expect(recogniseBlock(Buffer.concat([renderBlock(BLOCK, GRAIN), Buffer.alloc(2 ** 20)]))).toBeUndefined();
  });
});

describe('isZero', () => {
  it.each([0, 1, 100, 2 ** 20, 2 ** 20 + 5])('sees %i zeros, and a one at the end', (length) => {
    const bytes = new Uint8Array(length);
    expect(isZero(bytes)).toBe(true);
    if (length === 0) return;
    bytes[length - 1] = 1;
    expect(isZero(bytes)).toBe(false);
  });
});
