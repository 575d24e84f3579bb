/** Which parts of a read have come in: ranges that neither overlap nor leave the request, in any order. */
export class RangeCover {
  readonly #start: number;
  readonly #end: number;
  /** Sorted, apart from each other: [start, end), [start, end), ... */
  readonly #ranges: { start: number; end: number }[] = [];

  constructor(offset: number, length: number) {
    this.#start = offset;
    this.#end = offset + length;
  }

  /** Adds a range. False, and nothing changes, when it is empty, out of bounds, or there already. */
  add(offset: number, length: number): boolean {
    const end = offset + length;
    if (length === 0 || offset < this.#start || end > this.#end) return false;
    const at = this.#firstEndingAfter(offset);
    const next = this.#ranges[at];
    if (next !== undefined && next.start < end) return false;
    this.#insert(at, offset, end);
    return true;
  }

  get isWhole(): boolean {
    const [only] = this.#ranges;
    return this.#ranges.length === 1 && only?.start === this.#start && only.end === this.#end;
  }

  #firstEndingAfter(offset: number): number {
    // Servers send in order nearly always, so look from the end.
    let at = this.#ranges.length;
    while (at > 0 && (this.#ranges[at - 1]?.end ?? 0) > offset) at--;
    return at;
  }

  #insert(at: number, start: number, end: number): void {
    const previous = this.#ranges[at - 1];
    const next = this.#ranges[at];
    const joinsPrevious = previous?.end === start;
    const joinsNext = next?.start === end;
    if (joinsPrevious && joinsNext) {
      previous.end = next.end;
      this.#ranges.splice(at, 1);
    } else if (joinsPrevious) previous.end = end;
    else if (joinsNext) next.start = start;
    else this.#ranges.splice(at, 0, { start, end });
  }
}
