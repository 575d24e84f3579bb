import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ImageError, openRawImage } from '../../../simulator/app/raw-image.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-raw-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BLOCK = 65_536;

function write(name: string, bytes: Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

describe('a raw image', () => {
  it('counts blocks of zeros as holes, a last block that is not whole included', () => {
    const bytes = Buffer.alloc(3 * BLOCK + 512);
    bytes[BLOCK + 5] = 1;
    using image = openRawImage(write('holes.img', bytes), BLOCK);
    expect([0, 1, 2, 3].map((block) => image.isHole(block))).toEqual([true, false, true, true]);
    expect(image.sizeBytes).toBe(bytes.length);
    expect(image.holeCount).toBe(3);
  });

  it('finds data anywhere in an image of more than one scan', () => {
    const bytes = Buffer.alloc(9 * 2 ** 20 + 512);
    bytes[bytes.length - 1] = 7;
    bytes[4 * 2 ** 20] = 7;
    using image = openRawImage(write('long.img', bytes), BLOCK);
    const data = Array.from({ length: 145 }, (_, block) => block).filter((block) => !image.isHole(block));
    expect(data).toEqual([64, 144]);
  });

  it('reads any range', () => {
    const bytes = Buffer.from(Array.from({ length: 2048 }, (_, at) => at % 251));
    using image = openRawImage(write('range.img', bytes), BLOCK);
    expect(image.read(100, 700)).toEqual(bytes.subarray(100, 800));
  });

  it.each([
    ['missing.img', undefined, 'cannot be opened (ENOENT)'],
    ['empty.img', Buffer.alloc(0), 'has 0 bytes'],
    ['odd.img', Buffer.alloc(513), 'truncate -s %512'],
  ])('refuses %s and says what to do', (name, bytes, message) => {
    const file = bytes === undefined ? join(folder, name) : write(name, bytes);
    expect(() => openRawImage(file, BLOCK)).toThrow(ImageError);
    expect(() => openRawImage(file, BLOCK)).toThrow(message);
  });

  it('refuses a folder', () => {
    expect(() => openRawImage(folder, BLOCK)).toThrow('is not a regular file');
  });
});
