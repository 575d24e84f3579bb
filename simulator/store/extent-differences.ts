import type { FrozenExtents } from './extent-map.ts';

/** Number of blocks below `blocks` whose value differs between two maps. */
export function countDifferences(a: FrozenExtents, b: FrozenExtents, blocks: number): number {
  let count = 0;
  const walk = a.runs(0, blocks);
  let run = walk.next();
  let equal = 0;
  b.visit(0, blocks, (start, end, value) => {
    while (!run.done && run.value.start + run.value.count <= start) run = walk.next();
    while (!run.done && run.value.start < end) {
      const runEnd = run.value.start + run.value.count;
      if (run.value.value === value) equal += Math.min(runEnd, end) - Math.max(run.value.start, start);
      else count += Math.min(runEnd, end) - Math.max(run.value.start, start);
      if (runEnd > end) break;
      run = walk.next();
    }
    return true;
  });
  // Blocks in both were seen above; those in one only are the rest of each side.
  return count + (a.blockCount - equal - count) + (b.blockCount - equal - count);
}
