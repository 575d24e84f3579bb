/** Collects block-status extents of a byte range: neighbours of equal flags become one, no more than asked for. */
import type { Extent } from '../nbd/export-device.ts';

export class ExtentList {
  readonly #extents: { lengthBytes: number; flags: number }[] = [];
  readonly #end: number;
  readonly #maxExtents: number;
  #at: number;
  /** What did not fit ends the list: nothing after it may be taken for its neighbour. */
  #isFull = false;

  constructor(offset: number, length: number, maxExtents: number) {
    this.#at = offset;
    this.#end = offset + length;
    this.#maxExtents = maxExtents;
  }

  /** Everything from where the list ends up to byte `to` has `flags`. Returns false once nothing more fits. */
  extendTo(to: number, flags: number): boolean {
    const lengthBytes = Math.min(to, this.#end) - this.#at;

    if (this.#isFull) return false;
    if (lengthBytes <= 0) return this.#at < this.#end;
    const last = this.#extents.at(-1);
    if (last?.flags === flags) last.lengthBytes += lengthBytes;
    else if (this.#extents.length < this.#maxExtents) this.#extents.push({ lengthBytes, flags });
    else {
      this.#isFull = true;
      return false;
    }
    this.#at += lengthBytes;
    return this.#at < this.#end;
  }

  get extents(): readonly Extent[] {
    return this.#extents;
  }
}
