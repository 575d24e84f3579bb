import { describe, expect, it } from 'vitest';
import { Coverage } from '../../../src/repository/coverage.ts';

describe('Coverage', () => {
  it('tells the gaps between what was added', () => {
    const coverage = new Coverage();
    coverage.add(10, 20);
    coverage.add(30, 40);
    expect(coverage.gaps(50)).toEqual([
      { from: 0, to: 10 },
      { from: 20, to: 30 },
      { from: 40, to: 50 },
    ]);
  });

  it('merges what touches or overlaps', () => {
    const coverage = new Coverage();
    for (const [from, to] of [
      [20, 30],
      [0, 10],
      [10, 20],
      [5, 25],
      [28, 40],
    ] as const)
      coverage.add(from, to);
    expect(coverage.gaps(40)).toEqual([]);
    expect(coverage.isFull(40)).toBe(true);
    expect(coverage.isFull(41)).toBe(false);
  });

  it('is not full when only the end is there, or nothing', () => {
    const coverage = new Coverage();
    expect([coverage.isFull(10), coverage.gaps(10)]).toEqual([false, [{ from: 0, to: 10 }]]);
    coverage.add(1, 10);
    expect(coverage.isFull(10)).toBe(false);
  });
});
