/** Which bytes of one chunk have been written: disjoint, sorted, merged intervals. */
export class Coverage {
  #spans: { from: number; to: number }[] = [];

  add(from: number, to: number): void {
    const isApart = (span: { from: number; to: number }): boolean => span.to < from || span.from > to;
    const touching = this.#spans.filter((span) => !isApart(span));
    const merged = {
      from: Math.min(from, ...touching.map((span) => span.from)),
      to: Math.max(to, ...touching.map((span) => span.to)),
    };
    this.#spans = [...this.#spans.filter(isApart), merged].sort((a, b) => a.from - b.from);
  }

  /** What is missing to [0, length). */
  gaps(length: number): { from: number; to: number }[] {
    const gaps: { from: number; to: number }[] = [];
    let at = 0;
    for (const span of this.#spans) {
      if (span.from > at) gaps.push({ from: at, to: span.from });
      at = span.to;
    }
    if (at < length) gaps.push({ from: at, to: length });
    return gaps;
  }

  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  isFull(length: number): boolean {
    const [first] = this.#spans;
    return first !== undefined && first.from === 0 && first.to >= length;
  }
}
