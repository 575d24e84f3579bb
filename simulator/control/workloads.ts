/**
 * What a guest does to a disk, as a list of writes that follows from a seed. Pure, so that a scenario, the control
 * interface and an oracle's own log can make the same list.
 */
import type { Rng } from '../../src/kernel/rng.ts';

export type WorkloadKind = 'sequential' | 'random' | 'hot-spot' | 'small' | 'trim';

export const WORKLOAD_KINDS: Readonly<Record<WorkloadKind, string>> = {
  sequential: 'neighbouring blocks, from a place drawn from the seed',
  random: 'single blocks all over the disk',
  'hot-spot': 'single blocks, nine of ten within one tenth of the disk',
  small: 'pieces of one to eight sectors, rarely on a block boundary',
  trim: 'runs of blocks that become holes',
};

export interface WorkloadSpec {
  readonly kind: WorkloadKind;
  /** Operations: blocks written, pieces written, or runs trimmed. */
  readonly count: number;
}

export interface WorkloadDisk {
  readonly sizeBytes: number;
  readonly blockBytes: number;
}

/** One write. Synthetic blocks cost no memory per byte; `data` is real bytes. */
export type WorkloadStep =
  | { readonly kind: 'synthetic'; readonly firstBlock: number; readonly blockCount: number }
  | { readonly kind: 'data'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'trim'; readonly offset: number; readonly length: number };

const SECTOR_BYTES = 512;
const HOT_SHARE = 0.9;
const HOT_PART = 0.1;
const LONGEST_TRIM_BLOCKS = 64;

/** The steps, in order; the same for the same seed. Empty for a disk of no blocks. */
export function* planWorkload(spec: WorkloadSpec, disk: WorkloadDisk, rng: Rng): Generator<WorkloadStep> {
  const blocks = Math.ceil(disk.sizeBytes / disk.blockBytes);
  if (blocks === 0 || spec.count === 0) return;
  if (spec.kind === 'sequential') {
    const blockCount = Math.min(spec.count, blocks);
    yield { kind: 'synthetic', firstBlock: rng.int(0, blocks - blockCount), blockCount };
    return;
  }
  const hotStart = rng.int(0, Math.max(0, Math.floor(blocks * (1 - HOT_PART))));
  for (let step = 0; step < spec.count; step++) yield nextStep(spec.kind, disk, blocks, hotStart, rng);
}

function nextStep(
  kind: Exclude<WorkloadKind, 'sequential'>,
  disk: WorkloadDisk,
  blocks: number,
  hotStart: number,
  rng: Rng,
): WorkloadStep {
  switch (kind) {
    case 'random':
      return { kind: 'synthetic', firstBlock: rng.int(0, blocks - 1), blockCount: 1 };
    case 'hot-spot':
      return { kind: 'synthetic', firstBlock: hotBlock(blocks, hotStart, rng), blockCount: 1 };
    case 'small':
      return smallWrite(disk, rng);
    case 'trim':
      return trimRun(disk, blocks, rng);
  }
}

function hotBlock(blocks: number, hotStart: number, rng: Rng): number {
  if (rng.float() >= HOT_SHARE) return rng.int(0, blocks - 1);
  const hotBlocks = Math.max(1, Math.floor(blocks * HOT_PART));
  return Math.min(blocks - 1, hotStart + rng.int(0, hotBlocks - 1));
}

function smallWrite(disk: WorkloadDisk, rng: Rng): WorkloadStep {
  const sectors = Math.floor(disk.sizeBytes / SECTOR_BYTES);
  const length = Math.min(rng.int(1, 8), sectors);
  const firstSector = rng.int(0, sectors - length);
  return { kind: 'data', offset: firstSector * SECTOR_BYTES, data: rng.bytes(length * SECTOR_BYTES) };
}

function trimRun(disk: WorkloadDisk, blocks: number, rng: Rng): WorkloadStep {
  const firstBlock = rng.int(0, blocks - 1);
  const blockCount = Math.min(rng.int(1, LONGEST_TRIM_BLOCKS), blocks - firstBlock);
  const offset = firstBlock * disk.blockBytes;
  return { kind: 'trim', offset, length: Math.min(blockCount * disk.blockBytes, disk.sizeBytes - offset) };
}
