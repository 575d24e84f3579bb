/** Arithmetic on byte ranges of one disk. Lists are sorted by offset, without overlaps, neighbours merged. */

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Sorts and merges; empty ranges vanish. */
export function mergeRanges(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const sorted = ranges.filter((range) => range.length > 0).sort((a, b) => a.offset - b.offset);
  const merged: { offset: number; length: number }[] = [];
  for (const { offset, length } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && offset <= last.offset + last.length)
      last.length = Math.max(last.length, offset + length - last.offset);
    else merged.push({ offset, length });
  }
  return merged;
}

/**
 * Grows every range to multiples of `granularityBytes` and cuts it at the end of the disk. Reading a little too much
 * costs time; reading a byte too little costs the byte.
 */
export function roundOutward(
  ranges: readonly ByteRange[],
  granularityBytes: number,
  sizeBytes: number,
): readonly ByteRange[] {
  return mergeRanges(
    ranges.map(({ offset, length }) => {
      const start = Math.min(Math.floor(offset / granularityBytes) * granularityBytes, sizeBytes);
      const end = Math.min(Math.ceil((offset + length) / granularityBytes) * granularityBytes, sizeBytes);
      return { offset: start, length: end - start };
    }),
  );
}

/** What `ranges` leaves out of [0, sizeBytes). */
export function complementOf(ranges: readonly ByteRange[], sizeBytes: number): readonly ByteRange[] {
  const gaps: ByteRange[] = [];
  let at = 0;
  for (const { offset, length } of ranges) {
    if (offset > at) gaps.push({ offset: at, length: offset - at });
    at = offset + length;
  }
  if (at < sizeBytes) gaps.push({ offset: at, length: sizeBytes - at });
  return gaps;
}

/** What both lists have. */
export function intersectionOf(
  some: readonly ByteRange[],
  others: readonly ByteRange[],
): readonly ByteRange[] {
  const both: ByteRange[] = [];
  for (let one = 0, other = 0; ; ) {
    const [a, b] = [some[one], others[other]];
    if (a === undefined || b === undefined) return both;
    const offset = Math.max(a.offset, b.offset);
    const end = Math.min(a.offset + a.length, b.offset + b.length);
    if (end > offset) both.push({ offset, length: end - offset });
    if (a.offset + a.length < b.offset + b.length) one++;
    else other++;
  }
}

export function totalBytes(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, range) => sum + range.length, 0);
}

/** Cuts ranges at multiples of `pieceBytes`, so that pieces of neighbours never share a piece's slot. */
export function* piecesOf(ranges: Iterable<ByteRange>, pieceBytes: number): Generator<ByteRange> {
  for (const range of ranges) {
    const end = range.offset + range.length;
    for (let offset = range.offset; offset < end; ) {
      const next = Math.min((Math.floor(offset / pieceBytes) + 1) * pieceBytes, end);
      yield { offset, length: next - offset };
      offset = next;
    }
  }
}
