import { describe, expect, it } from 'vitest';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';

describe('createRng', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: string): number[] => Array.from({ length: 8 }, createRng(seed).u32);
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
  });

  it('is pinned, so that a seed in a bug report stays a reproduction', () => {
    const rng = createRng('pinned');
    expect([rng.u32(), rng.u32(), rng.u32()]).toMatchInlineSnapshot(`
      [
        516613859,
        3598656636,
        2622765838,
      ]
    `);
  });

  it('spreads evenly over a range', () => {
    const rng = createRng('even');
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 10_000; draw++) {
      const value = rng.int(0, 9);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(880);
    for (const count of counts) expect(count).toBeLessThan(1120);
  });

  it('forks streams that do not depend on how much was drawn before', () => {
    const early = createRng('s');
    const late = createRng('s');
    late.u32();
    expect(early.fork('x').u32()).toBe(late.fork('x').u32());
    expect(early.fork('x').u32()).not.toBe(early.fork('y').u32());
  });

  it('refuses to pick from nothing', () => {
    expect(() => createRng('s').pick([])).toThrow(RangeError);
  });
});

describe('createIdSource', () => {
  it('makes well-formed version 4 UUIDs without repetition', () => {
    const ids = createIdSource(createRng('ids'));
    const made = Array.from({ length: 2000 }, () => ids.uuid());
    for (const id of made)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(made).size).toBe(made.length);
  });
});
