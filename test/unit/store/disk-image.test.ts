import { describe, expect, it } from 'vitest';
import type { BaseImage } from '../../../simulator/store/base-image.ts';
import { DiskImage } from '../../../simulator/store/disk-image.ts';
import { type DiskContent, allocationOf } from '../../../simulator/store/frozen-layer.ts';
import { recogniseBlock } from '../../../simulator/store/tiles.ts';

const GRAIN = 4096;

function disk(blocks: number, more: Partial<ConstructorParameters<typeof DiskImage>[0]> = {}): DiskImage {
  return new DiskImage({ sizeBytes: blocks * GRAIN, blockBytes: GRAIN, seed: 5, ...more });
}

async function bytes(content: DiskContent, offset = 0, length = content.sizeBytes - offset): Promise<Buffer> {
  return Buffer.concat(await content.read(offset, length));
}

function noise(length: number, start = 1): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => ((start + at * 7) % 251) + 1));
}

describe('DiskImage', () => {
  it('reads holes as zeros from shared memory', () => {
    const image = disk(1000);
    const pieces = image.read(0, 1000 * GRAIN) as readonly Uint8Array[];
    expect(new Set(pieces.map((piece) => piece.buffer)).size).toBe(1);
    expect(image.allocatedBytes).toBe(0);
  });

  it('serves synthetic blocks as a stamp and a slice of shared memory', () => {
    const image = disk(4);
    image.writeSynthetic(1, 2);
    const pieces = image.read(GRAIN, 2 * GRAIN) as readonly Uint8Array[];
    expect(pieces.map((piece) => piece.length)).toEqual([64, GRAIN - 64, 64, GRAIN - 64]);
    const block = recogniseBlock(Buffer.concat(pieces.slice(0, 2)));
    expect(block).toEqual({ seed: 5, block: 1, generation: 1 });
    expect(pieces[1]?.buffer).toBe(pieces[3]?.buffer);
    expect(image.keptBlockCount).toBe(0);
  });

  it('reads any range alike, whatever the blocks are', async () => {
    const image = new DiskImage({ sizeBytes: 6 * GRAIN + 10, blockBytes: GRAIN, seed: 5 });
    image.writeSynthetic(0, 3);
    await image.write(3 * GRAIN + 5, noise(GRAIN));
    image.writeSynthetic(6, 1);
    const whole = await bytes(image);
    for (const [from, to] of [
      [0, 1],
      [10, 70],
      [63, 65],
      [GRAIN - 1, GRAIN + 65],
      [3 * GRAIN - 3, 5 * GRAIN],
      [6 * GRAIN, 6 * GRAIN + 10],
    ] as const)
      expect((await bytes(image, from, to - from)).equals(whole.subarray(from, to))).toBe(true);
  });

  it('keeps no bytes of zeros or of synthetic blocks that are written back, even on another disk', async () => {
    const image = disk(8);
    image.writeSynthetic(0, 4);
    const copy = disk(8, { seed: 6 });
    await copy.write(GRAIN, await bytes(image, 0, 6 * GRAIN));
    expect(copy.keptBlockCount).toBe(0);
    expect((await bytes(copy, GRAIN, 6 * GRAIN)).equals(await bytes(image, 0, 6 * GRAIN))).toBe(true);
    expect(copy.allocatedBytes).toBe(6 * GRAIN);
    expect(allocationOf(copy.extents.get(6))).toBe('zero');
  });

  it('gives up the bytes of a block that was written in pieces and turns out to be synthetic or zero', async () => {
    const image = disk(2);
    image.writeSynthetic(0, 1);
    const content = await bytes(image, 0, GRAIN);
    const copy = disk(2, { seed: 6 });
    for (let at = 0; at < GRAIN; at += 1024) await copy.write(at, content.subarray(at, at + 1024));
    expect(copy.keptBlockCount).toBe(0);
    await copy.write(GRAIN, noise(100));
    expect(copy.keptBlockCount).toBe(1);
    await copy.write(GRAIN, new Uint8Array(100));
    await copy.write(GRAIN + 100, new Uint8Array(GRAIN - 100));
    expect(copy.keptBlockCount).toBe(0);
  });

  it('keeps bytes in place while only the live disk has them', async () => {
    const image = disk(2);
    for (let round = 0; round < 5; round++) await image.write(10, noise(50, round));
    expect(image.keptBlockCount).toBe(1);
    await image.write(0, noise(GRAIN));
    expect(image.keptBlockCount).toBe(1);
  });

  it('copies a block on the first write after a freeze, and frees what nobody reaches any more', async () => {
    const image = disk(3);
    await image.write(0, noise(2 * GRAIN));
    const before = await bytes(image);
    const layer = image.freeze();
    await image.write(5, noise(10, 99));
    expect(image.keptBlockCount).toBe(3);
    expect((await bytes(layer)).equals(before)).toBe(true);
    layer.release();
    expect(image.keptBlockCount).toBe(2);
    image.trim(0, 3 * GRAIN);
    expect(image.keptBlockCount).toBe(0);
  });

  it('frees a layer in the middle without touching what its neighbours hold', async () => {
    const image = disk(3);
    await image.write(0, noise(GRAIN, 1));
    const first = image.freeze();
    await image.write(0, noise(GRAIN, 2));
    await image.write(GRAIN, noise(GRAIN, 3));
    const second = image.freeze();
    await image.write(GRAIN, noise(GRAIN, 4));
    second.release();
    expect(image.keptBlockCount).toBe(3);
    expect((await bytes(first, 0, GRAIN)).equals(noise(GRAIN, 1))).toBe(true);
    expect((await bytes(image, 0, GRAIN)).equals(noise(GRAIN, 2))).toBe(true);
    expect((await bytes(image, GRAIN, GRAIN)).equals(noise(GRAIN, 4))).toBe(true);
  });

  it('holds after a revert what it held, frees what came since, and never repeats a generation', async () => {
    const image = disk(2);
    image.writeSynthetic(0, 1);
    const layer = image.freeze();
    const before = await bytes(image);
    image.writeSynthetic(0, 1);
    const between = await bytes(image, 0, GRAIN);
    await image.write(GRAIN, noise(GRAIN));
    image.revertTo(layer);
    expect((await bytes(image)).equals(before)).toBe(true);
    expect(image.keptBlockCount).toBe(0);
    image.writeSynthetic(0, 1);
    expect((await bytes(image, 0, GRAIN)).equals(between)).toBe(false);
  });

  it('gives pieces of a layer that stay as they are, whatever happens to layer and disk', async () => {
    const image = disk(1);
    await image.write(0, noise(GRAIN));
    const layer = image.freeze();
    const pieces = await layer.read(0, GRAIN);
    layer.release();
    await image.write(0, noise(GRAIN, 50));
    expect(Buffer.concat(pieces).equals(noise(GRAIN))).toBe(true);
  });

  it('gives pieces of the live disk that are a picture of the moment', async () => {
    const image = disk(1);
    await image.write(0, noise(GRAIN));
    const pieces = await image.read(0, GRAIN);
    await image.write(0, noise(GRAIN, 50));
    expect(Buffer.concat(pieces).equals(noise(GRAIN))).toBe(true);
  });

  it('takes the bytes over, so that the caller may reuse its buffer', async () => {
    const image = disk(2);
    const data = noise(GRAIN);
    await image.write(0, data);
    data.fill(0);
    expect((await bytes(image, 0, GRAIN)).equals(noise(GRAIN))).toBe(true);
  });

  it('lets a linked clone go its own way over the same memory', async () => {
    const image = disk(2);
    await image.write(0, noise(GRAIN));
    image.writeSynthetic(1, 1);
    const layer = image.freeze();
    const clone = DiskImage.cloneOf(layer);
    expect((await bytes(clone)).equals(await bytes(image))).toBe(true);
    await clone.write(3, noise(3, 9));
    clone.writeSynthetic(1, 1);
    image.writeSynthetic(1, 1);
    expect((await bytes(clone, GRAIN)).equals(await bytes(image, GRAIN))).toBe(false);
    expect((await bytes(layer, 0, GRAIN)).equals(noise(GRAIN))).toBe(true);
    layer.release();
    image.release();
    expect(clone.keptBlockCount).toBe(1);
    clone.release();
    expect(clone.keptBlockCount).toBe(0);
  });

  it('counts the last block of an odd size as far as the disk goes', async () => {
    const image = new DiskImage({ sizeBytes: 2 * GRAIN + 7, blockBytes: GRAIN, seed: 5 });
    await image.write(2 * GRAIN + 6, noise(1));
    expect(image.allocatedBytes).toBe(7);
    await image.zero(2 * GRAIN, 7, true);
    expect(image.allocatedBytes).toBe(0);
  });

  it('keeps zeroed blocks allocated unless they may become holes', async () => {
    const image = disk(4);
    image.writeSynthetic(0, 4);
    await image.zero(10, 3 * GRAIN, false);
    expect([0, 1, 2, 3].map((block) => allocationOf(image.extents.get(block)))).toEqual([
      'data',
      'zero',
      'zero',
      'data',
    ]);
    await image.zero(GRAIN, GRAIN, true);
    image.trim(GRAIN + 1, 2 * GRAIN);
    expect([1, 2, 3].map((block) => allocationOf(image.extents.get(block)))).toEqual([
      'hole',
      'hole',
      'data',
    ]);
  });

  it('tells of every block that may read differently', async () => {
    const told: [number, number][] = [];
    const image = disk(8, { onChanged: (first, count) => told.push([first, count]) });
    await image.write(GRAIN - 1, noise(2));
    image.trim(10, 3 * GRAIN);
    image.writeSynthetic(5, 3);
    await image.zero(0, GRAIN, false);
    image.revertTo(image.freeze());
    expect(told).toEqual([
      [0, 1],
      [1, 1],
      [1, 2],
      [5, 3],
      [0, 1],
      [0, 8],
    ]);
  });
});

describe('a disk over an image file', () => {
  const content = noise(3 * GRAIN + 100);
  const isHole = (block: number): boolean => block === 1;
  const below = Buffer.from(content).fill(0, GRAIN, 2 * GRAIN);
  const now: BaseImage = {
    sizeBytes: content.length,
    read: (offset, length) => content.subarray(offset, offset + length),
    isHole,
  };
  const later: BaseImage = { ...now, read: async (offset, length) => now.read(offset, length) };

  it.each([
    ['synchronous', now],
    ['asynchronous', later],
  ])('reads through a %s one, holes left out, and keeps only what was written', async (_, base) => {
    const image = new DiskImage({ sizeBytes: content.length, blockBytes: GRAIN, seed: 5, base });
    expect((await bytes(image)).equals(below)).toBe(true);
    expect(image.allocatedBytes).toBe(2 * GRAIN + 100);
    const layer = image.freeze();
    await image.write(100, noise(20, 3));
    await image.write(3 * GRAIN + 90, noise(10, 4));
    const expected = Buffer.from(below);
    noise(20, 3).copy(expected, 100);
    noise(10, 4).copy(expected, 3 * GRAIN + 90);
    expect((await bytes(image)).equals(expected)).toBe(true);
    expect((await bytes(layer)).equals(below)).toBe(true);
    expect(image.keptBlockCount).toBe(2);
  });

  it('loses no write when two meet in one block while the image is being read', async () => {
    const image = new DiskImage({ sizeBytes: content.length, blockBytes: GRAIN, seed: 5, base: later });
    const data = noise(5, 3);
    const first = image.write(10, data);
    data.fill(0);
    await Promise.all([first, image.write(30, noise(5, 4))]);
    const expected = Buffer.from(below);
    noise(5, 3).copy(expected, 10);
    noise(5, 4).copy(expected, 30);
    expect((await bytes(image)).equals(expected)).toBe(true);
  });

  it('zeroes part of a block of an asynchronous one', async () => {
    const image = new DiskImage({ sizeBytes: content.length, blockBytes: GRAIN, seed: 5, base: later });
    await image.zero(5, 2 * GRAIN, true);
    const expected = Buffer.from(below).fill(0, 5, 5 + 2 * GRAIN);
    expect((await bytes(image)).equals(expected)).toBe(true);
  });

  it('is as big as the disk says, not the image', async () => {
    const image = new DiskImage({ sizeBytes: 8 * GRAIN, blockBytes: GRAIN, seed: 5, base: now });
    const read = await bytes(image);
    expect(read.length).toBe(8 * GRAIN);
    expect(read.subarray(0, content.length).equals(below)).toBe(true);
    expect(read.subarray(content.length).every((byte) => byte === 0)).toBe(true);
  });
});
