import { describe, expect, it } from 'vitest';
import { ChangedBlocks, checkpointId, splitCheckpoint } from '../../../simulator/store/changed-blocks.ts';

describe('a checkpoint id', () => {
  it.each([
    [1, 16, 4_294_967_312],
    [1, 3, 4_294_967_299],
    [5, 4, 21_474_836_484],
  ])('of version %i and interval %i is %i, as the product prints it', (version, inc, id) => {
    expect(checkpointId(version, inc)).toBe(id);
    expect(splitCheckpoint(id)).toEqual({ versionId: version, incId: inc });
  });
});

describe('ChangedBlocks', () => {
  it('marks a block with the interval of its last change and keeps frozen marks', () => {
    const changes = new ChangedBlocks(1, 1, 1);
    changes.mark(5, 2);
    const first = changes.freeze();
    changes.mark(6, 1);
    const second = changes.freeze();
    expect([first.marks.get(5), first.marks.get(6)]).toEqual([1, 1]);
    expect([second.marks.get(5), second.marks.get(6)]).toEqual([1, 2]);
    expect([first.incId, second.incId]).toEqual([1, 2]);
  });
});
