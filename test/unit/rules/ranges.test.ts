import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesIn, type Range, unionOf, withoutRanges } from '../../../harness/rules/readings/ranges.ts';

const DISK = 64;
const range = fc
  .tuple(fc.nat(DISK), fc.nat(DISK))
  .map(([a, b]): Range => ({ start: Math.min(a, b), end: Math.max(a, b) }));
const ranges = fc.array(range, { maxLength: 6 });
const bytes = (list: readonly Range[]): Set<number> =>
  new Set(list.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at)));

describe('ranges', () => {
  it('are joined to the same bytes, sorted, with gaps between them', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const joined = unionOf(list);
        expect(bytes(joined)).toEqual(bytes(list));
        for (const [at, { start, end }] of joined.entries()) {
          expect(end).toBeGreaterThan(start);
          expect(start).toBeGreaterThan(joined[at - 1]?.end ?? -1);
        }
      }),
    );
  });

  it('without others are the bytes that are in none of those', () => {
    fc.assert(
      fc.property(ranges, ranges, (list, others) => {
        const left = withoutRanges(list, others);
        const taken = bytes(others);
        expect(bytes(left)).toEqual(new Set([...bytes(list)].filter((at) => !taken.has(at))));
        expect(bytesIn(left)).toBe(bytes(left).size);
      }),
    );
  });
});
