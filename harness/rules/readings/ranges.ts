/** Half-open byte ranges `[start, end)`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export function rangeOf(offset: number, length: number): Range {
  return { start: offset, end: offset + length };
}

/** Sorted, without overlap; neighbours joined. */
export function unionOf(ranges: readonly Range[]): readonly Range[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else if (end > start) joined.push({ start, end });
  }
  return joined;
}

/** What of `ranges` is not in `others`. */
export function withoutRanges(ranges: readonly Range[], others: readonly Range[]): readonly Range[] {
  const holes = unionOf(others);
  return unionOf(ranges).flatMap((range) => {
    const left: Range[] = [];
    let { start } = range;
    for (const hole of holes) {
      if (hole.end <= start || hole.start >= range.end) continue;
      if (hole.start > start) left.push({ start, end: hole.start });
      start = Math.max(start, hole.end);
    }
    if (start < range.end) left.push({ start, end: range.end });
    return left;
  });
}

export function bytesIn(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

export function describeRange({ start, end }: Range): string {
  return `bytes ${start} to ${end - 1}`;
}
