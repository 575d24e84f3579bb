import { describe, expect, it } from 'vitest';
import { type ByteVerdict, compareImage, describeVerdict } from '../../../harness/oracle/byte-oracle.ts';
import { GuestLog } from '../../../harness/oracle/guest-log.ts';
import { patternBytes } from '../../../harness/oracle/write-pattern.ts';

const KIB = 1024;
const SIZE = 1024 * KIB + 512;

/** A disk with a known history: initial content, two overlapping writes, a trim; the moment is 10. */
function story(): { log: GuestLog; image: Uint8Array } {
  const log = new GuestLog();
  log.addDisk('vm1', 'ide0', new Uint8Array(SIZE).fill(7));
  log.addDisk('vm1', 'ide1', new Uint8Array(SIZE));
  log.write('vm1', 'ide0', 0, 128 * KIB, 1); // write 1
  log.write('vm1', 'ide0', 64 * KIB, 64 * KIB, 2); // write 2
  log.trim('vm1', 'ide0', 192 * KIB, 64 * KIB, 3); // trim 3
  log.write('vm1', 'ide0', 512 * KIB, 64 * KIB, 10); // write 4, after the moment
  log.write('vm1', 'ide1', 0, 64 * KIB, 4); // write 5, other disk
  const image = log.imageAt('vm1', 'ide0', 10)?.bytes.slice() ?? new Uint8Array();
  return { log, image };
}

async function judge(log: GuestLog, image: Uint8Array): Promise<ByteVerdict> {
  const expected = log.imageAt('vm1', 'ide0', 10);
  if (expected === undefined) throw new Error('no expectation');
  return compareImage(expected, (offset, length) => image.slice(offset, offset + length));
}

describe('byte oracle', () => {
  it('finds nothing in the right image and says how much it compared', async () => {
    const { log, image } = story();
    expect(await judge(log, image)).toEqual({
      disk: 'vm1/ide0',
      comparedBytes: SIZE,
      differingBytes: 0,
      differences: [],
      wrongBlocks: [],
    });
  });

  it('names every block with a wrong byte once, also where neighbours are right', async () => {
    const { log, image } = story();
    for (const at of [0, 65_000, 3 * 64 * KIB + 1, SIZE - 1]) image[at] = (image[at] ?? 0) ^ 1;
    expect((await judge(log, image)).wrongBlocks).toEqual([0, 3, 16]);
  });

  it.each([
    [
      'an older write',
      64 * KIB,
      () => patternBytes(1, 64 * KIB, 512),
      'holds write 1, expected write 2: a change was missed',
    ],
    [
      'the initial content',
      0,
      () => new Uint8Array(512).fill(7),
      'holds the initial content, expected write 1: a change was missed',
    ],
    [
      'zeros',
      0,
      () => new Uint8Array(512),
      'holds zeros, expected write 1: data was lost or taken for a hole',
    ],
    [
      'a write from after the snapshot',
      512 * KIB,
      () => patternBytes(4, 512 * KIB, 512),
      'holds write 4, expected the initial content: it was written after the snapshot',
    ],
    [
      'what was trimmed',
      192 * KIB,
      () => new Uint8Array(512).fill(7),
      'holds the initial content, expected the zeros of trim 3: a trim was missed',
    ],
    [
      'another sector',
      512,
      () => patternBytes(1, 0, 512),
      'holds write 1 of sector 0 (offset 0) of vm1/ide0, expected write 1: bytes landed in the wrong place',
    ],
    [
      'another disk',
      512,
      () => patternBytes(5, 512, 512),
      'holds write 5 of sector 1 (offset 512) of vm1/ide1, expected write 1: bytes landed in the wrong place',
    ],
    [
      'noise',
      1024 * KIB,
      () => new Uint8Array(512).fill(99),
      'holds bytes that no guest wrote, expected the initial content: bytes were damaged',
    ],
  ])('explains a sector that holds %s', async (_what, offset, bytes, explanation) => {
    const { log, image } = story();
    image.set(bytes(), offset);
    expect((await judge(log, image)).differences).toEqual([{ offset, length: 512, explanation }]);
  });

  it('sees a single wrong byte in the last, partial sector run', async () => {
    const { log, image } = story();
    image[SIZE - 1] = 8;
    const verdict = await judge(log, image);
    expect(verdict.differingBytes).toBe(512);
    expect(verdict.differences[0]?.offset).toBe(SIZE - 512);
  });

  it('joins neighbours with one explanation and stops at ten differences', async () => {
    const { log, image } = story();
    image.fill(0, 0, 64 * KIB);
    expect((await judge(log, image)).differences).toHaveLength(1);
    for (let at = 256 * KIB; at < 512 * KIB; at += 2 * KIB) image.fill(0, at, at + 512);
    const verdict = await judge(log, image);
    expect(verdict.differences).toHaveLength(10);
    expect(verdict.differingBytes).toBe(64 * KIB + 128 * 512);
    expect(describeVerdict(verdict)).toContain('at 0, 65536 bytes: holds zeros');
  });

  it('takes a short read for a difference', async () => {
    const { log, image } = story();
    const verdict = await judge(log, image.subarray(0, SIZE - 512));
    expect(verdict.differences[0]?.explanation).toBe('gave 0 bytes in place of 512');
  });
});

describe('guest log', () => {
  it('gives the image of any moment', () => {
    const { log } = story();
    const early = log.imageAt('vm1', 'ide0', 2)?.bytes ?? new Uint8Array();
    expect(Buffer.compare(early.subarray(64 * KIB, 128 * KIB), patternBytes(1, 64 * KIB, 64 * KIB))).toBe(0);
    expect(early[192 * KIB]).toBe(7);
  });

  it('knows no image after a replacement by unknown content, and knows one again after the next', () => {
    const { log } = story();
    log.replace('vm1', 'ide0', undefined, 'a restore that broke off', 11);
    expect(log.imageAt('vm1', 'ide0', 12)).toBeUndefined();
    log.replace('vm1', 'ide0', new Uint8Array(SIZE), 'a restore', 13);
    expect(log.imageAt('vm1', 'ide0', 14)?.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('cuts unaligned writes out of one stream, so that overlapping reads agree', () => {
    const whole = patternBytes(3, 0, 4096);
    expect(Buffer.compare(patternBytes(3, 700, 1000), whole.subarray(700, 1700))).toBe(0);
  });
});
