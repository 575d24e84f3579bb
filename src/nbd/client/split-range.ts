export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** Cuts a range at the multiples of `pieceBytes`, so that equal requests fall on equal borders. */
export function splitRange(offset: number, length: number, pieceBytes: number): Range[] {
  const pieces: Range[] = [];
  const end = offset + length;
  for (let at = offset; at < end; ) {
    const next = Math.min(end, (Math.floor(at / pieceBytes) + 1) * pieceBytes);
    pieces.push({ offset: at, length: next - at });
    at = next;
  }
  return pieces;
}

/** The smallest range of whole blocks round a range. */
export function alignOutward(offset: number, length: number, blockBytes: number): Range {
  const start = offset - (offset % blockBytes);
  return { offset: start, length: Math.ceil((offset + length) / blockBytes) * blockBytes - start };
}
