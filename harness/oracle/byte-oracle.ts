/**
 * Verifies that an image (a restored disk, a restore point) is, byte for byte, what the guest had at the snapshot.
 * Runs after every backup and every restore. It does not judge how the bytes came to be there, nor sizes in a
 * repository, nor time. A comparison over no bytes is reported as such and is never a pass.
 */
import { explainDifference } from './explain-difference.ts';
import type { ExpectedImage } from './guest-log.ts';
import { SECTOR_BYTES } from './write-pattern.ts';

export type ReadImage = (offset: number, length: number) => Uint8Array | Promise<Uint8Array>;

export interface Difference {
  readonly offset: number;
  readonly length: number;
  readonly explanation: string;
}

export interface ByteVerdict {
  readonly disk: string;
  readonly comparedBytes: number;
  /** Bytes in sectors that differ. */
  readonly differingBytes: number;
  /** The first ten; neighbours with the same explanation count as one. */
  readonly differences: readonly Difference[];
  /** Numbers of all blocks of `BLOCK_BYTES` in which something differs, in order. */
  readonly wrongBlocks: readonly number[];
}

/** In such blocks the platform counts what has changed. */
export const BLOCK_BYTES = 64 * 1024;

/** No more than a chunk of the repositories that are judged, so that their readers need not put pieces together. */
const STEP_BYTES = 256 * 1024;
const MAX_DIFFERENCES = 10;

/** Compares the whole of `expected` with what `read` gives. */
export async function compareImage(expected: ExpectedImage, read: ReadImage): Promise<ByteVerdict> {
  const differences: Difference[] = [];
  const wrong = new Set<number>();
  let differingBytes = 0;
  for (let offset = 0; offset < expected.bytes.length; offset += STEP_BYTES) {
    const want = expected.bytes.subarray(offset, offset + STEP_BYTES);
    const got = await read(offset, want.length);
    if (got.length !== want.length) {
      const explanation = `gave ${got.length} bytes in place of ${want.length}`;
      differences.push({ offset, length: want.length, explanation });
      differingBytes += want.length;
      for (let at = 0; at < want.length; at += BLOCK_BYTES) wrong.add((offset + at) / BLOCK_BYTES);
    } else if (Buffer.compare(want, got) !== 0) {
      differingBytes += collectSectors(expected, offset, want, got, differences, wrong);
    }
  }
  const comparedBytes = expected.bytes.length;
  return { disk: expected.disk, comparedBytes, differingBytes, differences, wrongBlocks: [...wrong] };
}

function collectSectors(
  expected: ExpectedImage,
  base: number,
  want: Uint8Array,
  got: Uint8Array,
  differences: Difference[],
  wrong: Set<number>,
): number {
  let differingBytes = 0;
  for (let at = 0; at < want.length; at += SECTOR_BYTES) {
    const wanted = want.subarray(at, at + SECTOR_BYTES);
    const found = got.subarray(at, at + SECTOR_BYTES);
    if (Buffer.compare(wanted, found) === 0) continue;
    differingBytes += wanted.length;
    wrong.add(Math.floor((base + at) / BLOCK_BYTES));
    addDifference(differences, base + at, wanted.length, () =>
      explainDifference(expected, base + at, wanted, found),
    );
  }
  return differingBytes;
}

function addDifference(
  differences: Difference[],
  offset: number,
  length: number,
  explain: () => string,
): void {
  const last = differences.at(-1);
  const isNeighbour = last !== undefined && last.offset + last.length === offset;
  if (!isNeighbour && differences.length >= MAX_DIFFERENCES) return;
  const explanation = explain();
  if (isNeighbour && last.explanation === explanation) {
    differences[differences.length - 1] = { ...last, length: last.length + length };
  } else if (differences.length < MAX_DIFFERENCES) {
    differences.push({ offset, length, explanation });
  }
}

/** One line per difference, for people. */
export function describeVerdict(verdict: ByteVerdict): string {
  if (verdict.differences.length === 0) return `${verdict.disk}: ${verdict.comparedBytes} bytes equal`;
  const lines = verdict.differences.map((d) => `  at ${d.offset}, ${d.length} bytes: ${d.explanation}`);
  return [
    `${verdict.disk}: ${verdict.differingBytes} of ${verdict.comparedBytes} bytes in wrong sectors`,
    ...lines,
  ].join('\n');
}
