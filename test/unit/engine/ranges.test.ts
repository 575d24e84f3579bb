import { expect, it } from 'vitest';
import {
  complementOf,
  intersectionOf,
  mergeRanges,
  piecesOf,
  roundOutward,
  totalBytes,
} from '../../../src/engine/ranges.ts';

const range = (offset: number, length: number) => ({ offset, length });

it('merges what touches or overlaps, whatever the order', () => {
  expect(mergeRanges([range(10, 5), range(0, 4), range(4, 2), range(12, 1), range(30, 0)])).toEqual([
    range(0, 6),
    range(10, 5),
  ]);
});

it('rounds outward and cuts at the end of the disk', () => {
  expect(roundOutward([range(5, 1), range(1000, 30)], 16, 1020)).toEqual([range(0, 16), range(992, 28)]);
  expect(roundOutward([range(2000, 10)], 16, 1020)).toEqual([]);
});

it('finds the gaps before, between and after', () => {
  expect(complementOf([range(2, 3), range(7, 1)], 10)).toEqual([range(0, 2), range(5, 2), range(8, 2)]);
  expect(complementOf([], 4)).toEqual([range(0, 4)]);
  expect(complementOf([range(0, 4)], 4)).toEqual([]);
});

it('cuts pieces at multiples of their size, losing and doubling nothing', () => {
  const pieces = [...piecesOf([range(3, 10), range(40, 2)], 4)];
  expect(pieces).toEqual([range(3, 1), range(4, 4), range(8, 4), range(12, 1), range(40, 2)]);
  expect(totalBytes(pieces)).toBe(12);
});

it('works beyond 32 bits', () => {
  const far = 63 * 2 ** 40;
  expect(roundOutward([range(far + 1, 1)], 65_536, 2 ** 46)).toEqual([range(far, 65_536)]);
  expect([...piecesOf([range(far - 1, 2)], 65_536)]).toEqual([range(far - 1, 1), range(far, 1)]);
});

it('keeps what two lists have in common', () => {
  const some = [range(0, 10), range(20, 10), range(40, 10)];
  const others = [range(5, 20), range(28, 13), range(49, 11)];
  const both = [range(5, 5), range(20, 5), range(28, 2), range(40, 1), range(49, 1)];
  expect(intersectionOf(some, others)).toEqual(both);
  expect(intersectionOf(others, some)).toEqual(both);
});

it('has nothing in common where ranges only touch', () => {
  expect(intersectionOf([range(0, 10)], [range(10, 10)])).toEqual([]);
  expect(intersectionOf([], [range(0, 1)])).toEqual([]);
});
