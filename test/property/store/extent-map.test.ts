import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countDifferences } from '../../../simulator/store/extent-differences.ts';
import { ExtentMap } from '../../../simulator/store/extent-map.ts';

const BLOCKS = 4_000;

interface SetStep {
  readonly kind: 'set' | 'freeze';
  readonly start: number;
  readonly count: number;
  readonly value: number;
}

const step = fc.record<SetStep>({
  kind: fc.oneof({ weight: 9, arbitrary: fc.constant('set' as const) }, fc.constant('freeze' as const)),
  start: fc.integer({ min: 0, max: BLOCKS - 1 }),
  count: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.integer({ min: 1, max: 900 })),
  value: fc.integer({ min: 0, max: 3 }),
});

/** Scattered single blocks first, so that there are several leaves to cut through. */
const steps = fc.record({
  stride: fc.integer({ min: 2, max: 5 }),
  scattered: fc.integer({ min: 0, max: BLOCKS / 2 }),
  steps: fc.array(step, { maxLength: 60 }),
});

function apply(model: Uint8Array, { start, count, value }: SetStep): void {
  model.fill(value, start, Math.min(start + count, BLOCKS));
}

function runsOf(
  model: Uint8Array,
  from: number,
  to: number,
): { start: number; count: number; value: number }[] {
  const out: { start: number; count: number; value: number }[] = [];
  for (let at = from; at < to; at++) {
    const value = model[at] ?? 0;
    const last = out.at(-1);
    if (value === 0) continue;
    if (last !== undefined && last.value === value && last.start + last.count === at) last.count++;
    else out.push({ start: at, count: 1, value });
  }
  return out;
}

function expectEqual(map: ExtentMap, model: Uint8Array): void {
  const runs = [...map.runs(0, BLOCKS)];
  expect(runs).toEqual(runsOf(model, 0, BLOCKS));
  expect(map.runCount).toBe(runs.length);
  expect(map.blockCount).toBe(model.filter((value) => value !== 0).length);
}

describe('ExtentMap', () => {
  it('holds what a plain array holds, and so does every snapshot of it', () => {
    fc.assert(
      fc.property(steps, ({ stride, scattered, steps: list }) => {
        const map = new ExtentMap();
        const model = new Uint8Array(BLOCKS);
        const set = (given: SetStep): void => {
          const count = Math.min(given.count, BLOCKS - given.start);
          map.set(given.start, count, given.value);
          apply(model, given);
        };
        for (let at = 0; at < scattered; at++) {
          const start = (at * stride * 7) % BLOCKS;
          set({ kind: 'set', start, count: 1, value: 1 + (at % 3) });
        }
        const frozen: { map: ExtentMap; model: Uint8Array }[] = [];
        for (const given of list) {
          if (given.kind === 'set') set(given);
          else frozen.push({ map: map.snapshot(), model: model.slice() });
        }
        expectEqual(map, model);
        for (const layer of frozen) {
          expectEqual(layer.map, layer.model);
          const differing = model.filter((value, at) => value !== layer.model[at]).length;
          expect(countDifferences(layer.map, map, BLOCKS)).toBe(differing);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('clips runs to the asked range and answers single blocks', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: BLOCKS - 1 }),
        fc.integer({ min: 0, max: 600 }),
        (list, from, length) => {
          const map = new ExtentMap();
          const model = new Uint8Array(BLOCKS);
          for (const given of list) {
            map.set(given.start, Math.min(given.count, BLOCKS - given.start), given.value);
            apply(model, given);
          }
          const to = Math.min(from + length, BLOCKS);
          expect([...map.runs(from, to)]).toEqual(runsOf(model, from, to));
          const seen: { start: number; count: number; value: number }[] = [];
          map.visit(from, to, (start, end, value) => seen.push({ start, count: end - start, value }) > 0);
          expect(seen).toEqual(runsOf(model, from, to));
          expect(map.get(from)).toBe(model[from]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps a copy apart from its original in both directions', () => {
    const map = new ExtentMap();
    map.set(0, 10, 1);
    const copy = map.snapshot();
    copy.set(5, 1, 2);
    map.set(7, 1, 3);
    expect([copy.get(5), copy.get(7), map.get(5), map.get(7)]).toEqual([2, 1, 1, 3]);
  });
});
