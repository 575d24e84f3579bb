import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RangeCover } from '../../../src/nbd/client/range-cover.ts';
import { splitRange } from '../../../src/nbd/client/split-range.ts';

const START = 100;
const LENGTH = 60;

test('a cover takes a range exactly when no byte of it is there yet', () => {
  const ranges = fc.array(fc.tuple(fc.integer({ min: 90, max: 170 }), fc.nat(12)), { maxLength: 60 });
  fc.assert(
    fc.property(ranges, (adds) => {
      const cover = new RangeCover(START, LENGTH);
      const there = new Set<number>();
      for (const [offset, length] of adds) {
        const bytes = Array.from({ length }, (_, index) => offset + index);
        const fits =
          length > 0 && bytes.every((byte) => byte >= START && byte < START + LENGTH && !there.has(byte));
        expect(cover.add(offset, length)).toBe(fits);
        if (fits) for (const byte of bytes) there.add(byte);
        expect(cover.isWhole).toBe(there.size === LENGTH);
      }
    }),
  );
});

test('a split range has no gaps, and breaks at multiples only', () => {
  const sizes = fc.tuple(fc.nat(100_000), fc.nat(5_000), fc.integer({ min: 1, max: 4096 }));
  fc.assert(
    fc.property(sizes, ([offset, length, piece]) => {
      let at = offset;
      for (const part of splitRange(offset, length, piece)) {
        expect(part.offset).toBe(at);
        expect(part.length).toBeGreaterThan(0);
        expect(at === offset || at % piece === 0).toBe(true);
        at += part.length;
        expect(Math.floor(part.offset / piece)).toBe(Math.floor((at - 1) / piece));
      }
      expect(at).toBe(offset + length);
    }),
  );
});
