/** The map of a disk with wrong bytes: what it should hold, what the platform said, what the engine did, what is wrong. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import { BLOCK_BYTES, type ByteVerdict } from '../oracle/byte-oracle.ts';
import type { ExpectedImage } from '../oracle/guest-log.ts';
import { type Extent, readTraffic } from './disk-traffic.ts';
import type { BlockRange, DiskMap } from './run-evidence.ts';

/** What the comparison alone tells. */
export function mapDifferences(image: ExpectedImage, verdict: ByteVerdict): DiskMap {
  const { bytes } = image;
  const count = Math.ceil(bytes.length / BLOCK_BYTES);
  const zeros = Buffer.alloc(BLOCK_BYTES);
  const holdsData = (block: number): boolean => {
    const part = bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
    return Buffer.compare(part, zeros.subarray(0, part.length)) !== 0;
  };
  return {
    disk: image.disk,
    sizeBytes: bytes.length,
    blockBytes: BLOCK_BYTES,
    allocated: rangesOf(Array.from({ length: count }, (_, block) => block).filter(holdsData)),
    asked: [],
    changed: [],
    read: [],
    written: [],
    wrong: rangesOf(verdict.wrongBlocks),
  };
}

/** The map with what the journal tells of the backup and the restore that came before the comparison. */
export function withTraffic(map: DiskMap, journal: readonly JournalEntry[]): DiskMap {
  const device = map.disk.slice(map.disk.lastIndexOf('/') + 1);
  const { isAnswerLong, ...traffic } = readTraffic(journal, device);
  return {
    ...map,
    asked: blocksOf(traffic.asked, map),
    changed: blocksOf(traffic.changed, map),
    read: blocksOf(traffic.read, map),
    written: blocksOf(traffic.written, map),
    ...(isAnswerLong ? { isChangedPartly: true } : {}),
  };
}

function blocksOf(extents: readonly Extent[], { sizeBytes, blockBytes }: DiskMap): readonly BlockRange[] {
  const blocks = new Set<number>();
  for (const { offset, length } of extents) {
    const end = Math.min(offset + length, sizeBytes);
    for (let block = Math.floor(offset / blockBytes); block * blockBytes < end; block++) blocks.add(block);
  }
  return rangesOf([...blocks].toSorted((a, b) => a - b));
}

/** Of numbers in order. */
function rangesOf(blocks: readonly number[]): readonly BlockRange[] {
  const ranges: [number, number][] = [];
  for (const block of blocks) {
    const last = ranges.at(-1);
    if (last !== undefined && last[0] + last[1] === block) last[1]++;
    else ranges.push([block, 1]);
  }
  return ranges;
}
