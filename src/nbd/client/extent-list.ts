import type { WireExtent } from '../wire/reply-decoder.ts';
import type { NbdExtent } from './nbd-client-api.ts';

/** Extents put end to end; neighbours of equal flags become one, of any length (32 bits are not enough for that). */
export class ExtentList {
  readonly #extents: { offset: number; length: number; flags: number }[] = [];
  readonly #end: number;
  #at: number;

  constructor(offset: number, length: number) {
    this.#at = offset;
    this.#end = offset + length;
  }

  /** Where the next extent begins. */
  get position(): number {
    return this.#at;
  }

  get missingBytes(): number {
    return this.#end - this.#at;
  }

  /** Adds extents that begin at `position`; what runs past the end is cut off. */
  append(extents: readonly WireExtent[]): void {
    for (const { length, flags } of extents) this.#appendOne(Math.min(length, this.missingBytes), flags);
  }

  toArray(): readonly NbdExtent[] {
    return this.#extents;
  }

  #appendOne(length: number, flags: number): void {
    if (length === 0) return;
    const last = this.#extents.at(-1);
    if (last?.flags === flags) last.length += length;
    else this.#extents.push({ offset: this.#at, length, flags });
    this.#at += length;
  }
}
