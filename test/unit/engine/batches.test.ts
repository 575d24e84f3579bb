import { describe, expect, it } from 'vitest';
import { batchAround, smallerBatch } from '../../../src/engine/batches.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];

describe('batches', () => {
  it('cut the disks from the first one on', () => {
    expect(IDS.map((id) => batchAround(IDS, id, 2).join(''))).toEqual(['ab', 'ab', 'cd', 'cd', 'e']);
  });

  it('hold all when there is room', () => {
    expect(batchAround(IDS, 'e', 5)).toEqual(IDS);
    expect(batchAround(IDS, 'a', 64)).toEqual(IDS);
  });

  it('know no disk but theirs', () => {
    expect(() => batchAround(IDS, 'x', 2)).toThrow(RangeError);
  });

  it('shrink down to one', () => {
    const sizes = [20];
    while ((sizes.at(-1) ?? 1) > 1) sizes.push(smallerBatch(sizes.at(-1) ?? 1));
    expect(sizes).toEqual([20, 10, 5, 3, 2, 1]);
    expect(smallerBatch(1)).toBe(1);
  });
});
