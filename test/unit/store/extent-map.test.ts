import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { ExtentMap } from '../../../simulator/store/extent-map.ts';

const BLOCKS = 2 ** 30;

describe('ExtentMap', () => {
  it('joins neighbours of equal value into one run', () => {
    const map = new ExtentMap();
    map.set(0, 2, 7);
    map.set(4, 2, 7);
    map.set(2, 2, 7);
    expect([...map.runs(0, 10)]).toEqual([{ start: 0, count: 6, value: 7 }]);
  });

  it('cuts a run in three when its middle changes', () => {
    const map = new ExtentMap();
    map.set(0, 9, 1);
    map.set(3, 3, 2);
    expect(map.runCount).toBe(3);
    map.set(3, 3, 1);
    expect(map.runCount).toBe(1);
  });

  it('reaches the last block of 64 TiB and values of 32 bits', () => {
    const map = new ExtentMap();
    map.set(BLOCKS - 1, 1, 2 ** 32 - 1);
    expect(map.get(BLOCKS - 1)).toBe(2 ** 32 - 1);
    expect(map.get(BLOCKS - 2)).toBe(0);
  });

  it('is empty again after everything was removed, across leaves', () => {
    const map = new ExtentMap();
    for (let block = 0; block < 10_000; block++) map.set(block * 2, 1, 1);
    expect(map.leafCount).toBeGreaterThan(10);
    map.set(0, BLOCKS, 0);
    expect([map.runCount, map.blockCount, map.leafCount]).toEqual([0, 0, 0]);
  });

  it('stops visiting when told so', () => {
    const map = new ExtentMap();
    for (let block = 0; block < 10; block++) map.set(block * 2, 1, 1);
    let seen = 0;
    map.visit(0, 100, () => ++seen < 3);
    expect(seen).toBe(3);
  });

  it('keeps leaves well filled with a million scattered runs, and shares them with a snapshot', () => {
    const map = new ExtentMap();
    const rng = createRng('scattered');
    for (let at = 0; at < 1_000_000; at++) map.set(rng.int(0, BLOCKS - 1), 1, 1 + (at & 7));
    expect(map.runCount).toBeGreaterThan(990_000);
    // A leaf takes 6 KiB: 4,600 of them are 27 MiB.
    expect(map.leafCount).toBeLessThan(4_600);
    const frozen = map.snapshot();
    map.set(5, 1, 9);
    expect(frozen.get(5)).toBe(0);
    expect(map.leafCount - frozen.leafCount).toBeLessThanOrEqual(1);
  });
});
