import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  planWorkload,
  WORKLOAD_KINDS,
  type WorkloadKind,
  type WorkloadStep,
} from '../../../simulator/control/workloads.ts';
import { createRng } from '../../../src/kernel/rng.ts';

const BLOCK = 65_536;
const plan = (kind: WorkloadKind, count: number, sizeBytes: number, seed = 's'): WorkloadStep[] => [
  ...planWorkload({ kind, count }, { sizeBytes, blockBytes: BLOCK }, createRng(seed)),
];
const kinds = Object.keys(WORKLOAD_KINDS) as WorkloadKind[];

function rangeOf(step: WorkloadStep, sizeBytes: number): readonly [start: number, end: number] {
  switch (step.kind) {
    case 'synthetic': {
      const end = (step.firstBlock + step.blockCount) * BLOCK;
      // A last block that is not whole is written as far as the disk goes.
      return [step.firstBlock * BLOCK, end - sizeBytes < BLOCK ? Math.min(end, sizeBytes) : end];
    }
    case 'data':
      return [step.offset, step.offset + step.data.length];
    case 'trim':
      return [step.offset, step.offset + step.length];
  }
}

describe('planWorkload', () => {
  it.each(kinds)('%s: the same seed gives the same steps, another seed others', (kind) => {
    const size = 4096 * BLOCK;
    expect(plan(kind, 20, size, 'a')).toEqual(plan(kind, 20, size, 'a'));
    expect(plan(kind, 20, size, 'a')).not.toEqual(plan(kind, 20, size, 'b'));
  });

  it('stays inside the disk, whatever its size', () => {
    const sectors = fc.integer({ min: 1, max: 2000 });
    fc.assert(
      fc.property(fc.constantFrom(...kinds), sectors, fc.string(), (kind, count, seed) => {
        const sizeBytes = count * 512;
        for (const step of plan(kind, 30, sizeBytes, seed)) {
          const [start, end] = rangeOf(step, sizeBytes);
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeLessThanOrEqual(sizeBytes);
          expect(end).toBeGreaterThan(start);
        }
      }),
    );
  });

  it('writes neighbouring blocks when it is sequential', () => {
    expect(plan('sequential', 50, 1000 * BLOCK)).toEqual([
      { kind: 'synthetic', firstBlock: expect.any(Number), blockCount: 50 },
    ]);
    expect(plan('sequential', 5000, 10 * BLOCK)).toEqual([
      { kind: 'synthetic', firstBlock: 0, blockCount: 10 },
    ]);
  });

  it('writes nine of ten blocks within one tenth of the disk when it has a hot spot', () => {
    const blocks = plan('hot-spot', 2000, 10_000 * BLOCK).map((step) =>
      step.kind === 'synthetic' ? step.firstBlock : -1,
    );
    const densest = Math.max(
      ...blocks.map((from) => blocks.filter((block) => block >= from && block < from + 1000).length),
    );
    expect(densest / blocks.length).toBeGreaterThan(0.85);
    expect(densest / blocks.length).toBeLessThan(0.97);
  });

  it('spreads random blocks over the whole disk', () => {
    const blocks = plan('random', 2000, 10_000 * BLOCK).map((step) =>
      step.kind === 'synthetic' ? step.firstBlock : -1,
    );
    expect(Math.min(...blocks)).toBeLessThan(200);
    expect(Math.max(...blocks)).toBeGreaterThan(9800);
  });

  it.each(kinds)('%s: does nothing when nothing is asked for', (kind) => {
    expect(plan(kind, 0, 10 * BLOCK)).toEqual([]);
  });
});
