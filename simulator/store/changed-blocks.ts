/**
 * The CBT file of one disk: for every block, the number of the snapshot interval in which it was last changed.
 *
 * The intuition: intervals are numbered by `inc_id`; a write marks its block with the current number; a snapshot
 * closes the interval. "Changed since checkpoint i" is then "marked with more than i".
 *
 * Invariants: no mark is higher than the current interval; a frozen history never changes.
 */
import { ExtentMap, type FrozenExtents } from './extent-map.ts';

/** `version_id * 2^32 + inc_id`. @source on-host snapshot records of HCI 6.12 @fidelity observed */
export function checkpointId(versionId: number, incId: number): number {
  return versionId * 2 ** 32 + incId;
}

export function splitCheckpoint(id: number): { versionId: number; incId: number } {
  return { versionId: Math.floor(id / 2 ** 32), incId: id % 2 ** 32 };
}

/** What a snapshot keeps of a disk's history. */
export interface FrozenChanges {
  readonly marks: FrozenExtents;
  /** Tells histories apart: a reset or a new enabling starts another. */
  readonly era: number;
  readonly versionId: number;
  /** The interval that the snapshot closed. */
  readonly incId: number;
  /** First interval that the history knows of; older checkpoints say nothing about this disk. */
  readonly firstIncId: number;
}

export class ChangedBlocks {
  readonly era: number;
  readonly versionId: number;
  readonly firstIncId: number;
  readonly #marks = new ExtentMap();
  #incId: number;
  #isExpired = false;

  constructor(era: number, versionId: number, firstIncId: number) {
    this.era = era;
    this.versionId = versionId;
    this.firstIncId = firstIncId;
    this.#incId = firstIncId;
  }

  /** A revert or a restore has made the history worthless, until a reset starts another. */
  get isExpired(): boolean {
    return this.#isExpired;
  }

  expire(): void {
    this.#isExpired = true;
  }

  mark(firstBlock: number, blockCount: number): void {
    this.#marks.set(firstBlock, blockCount, this.#incId);
  }

  /** Closes the current interval. */
  freeze(): FrozenChanges {
    const { era, versionId, firstIncId } = this;
    const frozen = { marks: this.#marks.snapshot(), era, versionId, incId: this.#incId, firstIncId };
    this.#incId++;
    return frozen;
  }
}
