/** Byte ranges of a disk cut into its blocks. The last block may be short. */

export interface DiskShape {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly blockCount: number;
}

/** A range within one block. */
export interface BlockPart {
  readonly block: number;
  /** From the beginning of the disk. */
  readonly at: number;
  readonly length: number;
}

export function lengthOfBlock(shape: DiskShape, block: number): number {
  return Math.min(shape.blockBytes, shape.sizeBytes - block * shape.blockBytes);
}

export function* partsOf(shape: DiskShape, offset: number, length: number): IterableIterator<BlockPart> {
  for (let at = offset; at < offset + length; ) {
    const block = Math.floor(at / shape.blockBytes);
    const to = Math.min(offset + length, (block + 1) * shape.blockBytes);
    yield { block, at, length: to - at };
    at = to;
  }
}

/** The blocks [first, last) that lie wholly in the range; none where `last <= first`. */
export function wholeBlocks(
  shape: DiskShape,
  offset: number,
  length: number,
): { first: number; last: number } {
  const end = offset + length;
  const last = end >= shape.sizeBytes ? shape.blockCount : Math.floor(end / shape.blockBytes);
  return { first: Math.ceil(offset / shape.blockBytes), last };
}
