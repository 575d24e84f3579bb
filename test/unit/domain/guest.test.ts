import { describe, expect, it } from 'vitest';
import { codeOf } from './refusal.ts';
import { DISK, GRAIN, SERVER, emptyDisk, serverSpec, smallWorld } from './small-world.ts';

const SIZE = 4 * GRAIN + 10;
const odd = () => smallWorld([serverSpec({ disks: [emptyDisk(DISK, SIZE)] })]);

describe('the guest', () => {
  it('reads back what it wrote, to the last byte of an odd disk', async () => {
    const { guest } = odd().world;
    await guest.write(SERVER, DISK, SIZE - 4, Buffer.from('tail'));
    expect(Buffer.from(await guest.read(SERVER, DISK, SIZE - 5, 5)).toString('latin1')).toBe('\0tail');
  });

  it.each([
    [SIZE, 1],
    [-1, 1],
    [0.5, 1],
    [0, SIZE + 1],
    [Number.NaN, 1],
  ])('is refused the range %d+%d', (offset, length) => {
    const { guest } = odd().world;
    expect(codeOf(() => guest.read(SERVER, DISK, offset, length))).toBe('INVALID_PARAMETER');
    expect(codeOf(() => guest.trim(SERVER, DISK, offset, length))).toBe('INVALID_PARAMETER');
  });

  it('is refused blocks beyond the disk, but has the short last one', () => {
    const { guest } = odd().world;
    expect(codeOf(() => guest.writeSynthetic(SERVER, DISK, 4, 2))).toBe('INVALID_PARAMETER');
    expect(codeOf(() => guest.writeSynthetic(SERVER, DISK, 5, 1))).toBe('INVALID_PARAMETER');
    expect(codeOf(() => guest.writeSynthetic(SERVER, DISK, -1, 1))).toBe('INVALID_PARAMETER');
    expect(codeOf(() => guest.writeSynthetic(SERVER, DISK, 0, 1.5))).toBe('INVALID_PARAMETER');
    expect(codeOf(() => guest.writeSynthetic(SERVER, DISK, 0, 5))).toBe('no error');
  });

  it('leaves each change in the journal, and no refused one', async () => {
    const { world, journal } = odd();
    await world.guest.write(SERVER, DISK, 5, Buffer.from('abc'));
    await world.guest.zero(SERVER, DISK, 0, 9);
    world.guest.trim(SERVER, DISK, GRAIN, GRAIN);
    world.guest.writeSynthetic(SERVER, DISK, 3, 2);
    codeOf(() => world.guest.trim(SERVER, DISK, 0, SIZE + 1));
    const entries = journal.entries.filter((entry) => entry.type === 'guest.write');
    expect(entries.map(({ kind, offset, length }) => [kind, offset, length])).toEqual([
      ['data', 5, 3],
      ['zero', 0, 9],
      ['trim', GRAIN, GRAIN],
      ['data', 3 * GRAIN, GRAIN + 10],
    ]);
  });

  it('knows its server and its disk', () => {
    const { guest } = odd().world;
    expect(codeOf(() => guest.read('nobody', DISK, 0, 1))).toBe('NOT_FOUND');
    expect(codeOf(() => guest.read(SERVER, 'ide9', 0, 1))).toBe('UNKNOWN_DISK');
    expect(codeOf(() => guest.readSnapshot(SERVER, 'nothing', DISK, 0, 1))).toBe('UNKNOWN_SNAPSHOT');
  });
});
