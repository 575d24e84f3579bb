import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { decodeChunk, encodeChunk } from '../../../src/repository/chunk-format.ts';
import { type Codec, syncCodec } from '../../../src/repository/codec.ts';
import { CorruptChunk } from '../../../src/repository/errors.ts';

const text = Buffer.from('the quick brown fox jumps over the lazy dog. '.repeat(40));
const noise = createRng('noise').bytes(1500);

describe('chunk format', () => {
  it.each([
    ['compressible', text],
    ['incompressible', noise],
    ['one byte', Buffer.from([7])],
  ])('gives back %s bytes', async (_, plain) => {
    const file = await encodeChunk(plain, syncCodec);
    expect(Buffer.compare(await decodeChunk(file, syncCodec), plain)).toBe(0);
  });

  it('stores compressible bytes smaller and incompressible ones as they are', async () => {
    expect((await encodeChunk(text, syncCodec)).length).toBeLessThan(text.length / 4);
    expect((await encodeChunk(noise, syncCodec)).length).toBe(noise.length + 24);
  });

  it('compresses only a sample of a large incompressible chunk', async () => {
    const compressed: number[] = [];
    const counting: Codec = {
      ...syncCodec,
      compress: (bytes) => {
        compressed.push(bytes.length);
        return syncCodec.compress(bytes);
      },
    };
    await encodeChunk(createRng('large').bytes(1024 * 1024), counting);
    expect(compressed).toEqual([32 * 1024]);
  });

  it('compresses a large chunk whose data is only in its middle', async () => {
    const plain = Buffer.alloc(1024 * 1024);
    plain.set(createRng('middle').bytes(64 * 1024), 500_000);
    expect((await encodeChunk(plain, syncCodec)).length).toBeLessThan(70 * 1024);
  });

  it.each([
    ['a compressed chunk', text, Number.POSITIVE_INFINITY],
    ['the header of a raw chunk', noise, 24],
  ])('recognises every single flipped bit of %s', async (_, plain, lengthBytes) => {
    const file = await encodeChunk(plain, syncCodec);
    for (let bit = 0; bit < Math.min(file.length, lengthBytes) * 8; bit++) {
      const damaged = Uint8Array.from(file);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await expect(decodeChunk(damaged, syncCodec), `bit ${bit}`).rejects.toThrow(CorruptChunk);
    }
  });

  it('recognises every truncation and an appended byte', async () => {
    const file = await encodeChunk(text, syncCodec);
    for (let length = 0; length < file.length; length++) {
      await expect(decodeChunk(file.subarray(0, length), syncCodec), `${length} bytes`).rejects.toThrow(
        CorruptChunk,
      );
    }
    await expect(decodeChunk(Buffer.concat([file, Buffer.of(0)]), syncCodec)).rejects.toThrow(/payload/);
  });

  it('names the version of a chunk from a newer program', async () => {
    const file = await encodeChunk(text, syncCodec);
    file[8] = 2;
    await expect(decodeChunk(file, syncCodec)).rejects.toThrow(/has version 2; this program knows 1/);
  });
});
