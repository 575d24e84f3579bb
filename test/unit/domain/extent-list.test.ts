import { describe, expect, it } from 'vitest';
import { ExtentList } from '../../../simulator/domain/extent-list.ts';

const HOLE = 3;
const DATA = 0;

describe('a list of extents', () => {
  it('joins neighbours of equal flags', () => {
    const list = new ExtentList(0, 400, 9);
    for (const [to, flags] of [
      [100, HOLE],
      [200, HOLE],
      [400, DATA],
    ] as const)
      list.extendTo(to, flags);
    expect(list.extents).toEqual([
      { lengthBytes: 200, flags: HOLE },
      { lengthBytes: 200, flags: DATA },
    ]);
  });

  it('ends at the first extent that does not fit: a client that asks for one must not take data for its hole', () => {
    const list = new ExtentList(0, 400, 1);
    expect(list.extendTo(100, HOLE)).toBe(true);
    expect(list.extendTo(200, DATA)).toBe(false);
    expect(list.extendTo(400, HOLE)).toBe(false);
    expect(list.extents).toEqual([{ lengthBytes: 100, flags: HOLE }]);
  });
});
