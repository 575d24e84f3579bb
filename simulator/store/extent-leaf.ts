/** The leaves of an extent map: up to a few hundred runs side by side in typed arrays. */

/** Runs in one leaf. More make a write slower (a leaf is shifted in place), fewer make a snapshot slower. */
export const LEAF_CAPACITY = 512;
/** A leaf that shrinks below this is joined with its neighbour if both fit comfortably. */
export const LEAF_LOW = 64;
export const LEAF_COMFORT = 384;

export interface Leaf {
  owner: object;
  size: number;
  starts: Uint32Array;
  ends: Uint32Array;
  values: Uint32Array;
}

/** A run by its borders, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly value: number;
}

/** What stands in place of the touched runs once `span` is written over them. */
export function joinSpans(first: Span | undefined, span: Span, last: Span | undefined): Span[] {
  let { start, end } = span;
  const out: Span[] = [];
  if (first !== undefined && first.start < start) {
    if (first.value === span.value) start = first.start;
    else out.push({ start: first.start, end: Math.min(first.end, start), value: first.value });
  }
  const isTail = last !== undefined && last.end > span.end;
  if (isTail && last.value === span.value) end = last.end;
  if (span.value !== 0) out.push({ start, end, value: span.value });
  if (isTail && last.value !== span.value)
    out.push({ start: Math.max(last.start, span.end), end: last.end, value: last.value });
  return out;
}

export function createLeaf(owner: object, capacity: number): Leaf {
  return {
    owner,
    size: 0,
    starts: new Uint32Array(capacity),
    ends: new Uint32Array(capacity),
    values: new Uint32Array(capacity),
  };
}

export function growLeaf(leaf: Leaf, size: number): void {
  if (size <= leaf.starts.length) return;
  const capacity = Math.max(size, Math.min(leaf.starts.length * 2, LEAF_CAPACITY));
  leaf.starts = grown(leaf.starts, capacity);
  leaf.ends = grown(leaf.ends, capacity);
  leaf.values = grown(leaf.values, capacity);
}

function grown(array: Uint32Array, capacity: number): Uint32Array {
  const out = new Uint32Array(capacity);
  out.set(array);
  return out;
}

/** Makes the runs [from, to) of a leaf into `count` runs, whose content is then to be put. */
export function shiftLeaf(leaf: Leaf, from: number, to: number, count: number): void {
  if (to - from !== count) {
    leaf.starts.copyWithin(from + count, to, leaf.size);
    leaf.ends.copyWithin(from + count, to, leaf.size);
    leaf.values.copyWithin(from + count, to, leaf.size);
  }
  leaf.size += count - (to - from);
}

/** Adds the runs of the following leaf. */
export function appendLeaf(leaf: Leaf, next: Leaf): void {
  growLeaf(leaf, leaf.size + next.size);
  leaf.starts.set(next.starts.subarray(0, next.size), leaf.size);
  leaf.ends.set(next.ends.subarray(0, next.size), leaf.size);
  leaf.values.set(next.values.subarray(0, next.size), leaf.size);
  leaf.size += next.size;
}

/** A leaf that may be written to without the other seeing it. */
export function copyLeaf(leaf: Leaf, owner: object): Leaf {
  const { size, starts, ends, values } = leaf;
  return { owner, size, starts: starts.slice(), ends: ends.slice(), values: values.slice() };
}

/** Cuts a leaf in halves; returns the second. */
export function splitLeaf(leaf: Leaf): Leaf {
  const middle = leaf.size >> 1;
  const second: Leaf = {
    owner: leaf.owner,
    size: leaf.size - middle,
    starts: leaf.starts.slice(middle, leaf.size),
    ends: leaf.ends.slice(middle, leaf.size),
    values: leaf.values.slice(middle, leaf.size),
  };
  leaf.size = middle;
  return second;
}

export function putSpan(leaf: Leaf, at: number, span: Span): void {
  leaf.starts[at] = span.start;
  leaf.ends[at] = span.end;
  leaf.values[at] = span.value;
}

export function spanOf(leaf: Leaf, at: number): Span {
  return { start: wordAt(leaf.starts, at), end: wordAt(leaf.ends, at), value: wordAt(leaf.values, at) };
}

export function blocksIn(leaf: Leaf, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at++) sum += wordAt(leaf.ends, at) - wordAt(leaf.starts, at);
  return sum;
}

export function firstStart(leaf: Leaf | undefined): number {
  return leaf === undefined ? 0 : wordAt(leaf.starts, 0);
}

export function lastEnd(leaf: Leaf | undefined): number {
  return leaf === undefined ? 0 : wordAt(leaf.ends, leaf.size - 1);
}

export function wordAt(array: Uint32Array, at: number): number {
  return array[at] ?? 0;
}

/** The lowest index in [from, size) whose value is above `border`, else `size`. The values must rise. */
export function firstAbove(sorted: Uint32Array, from: number, size: number, border: number): number {
  let low = from;
  let high = size;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (wordAt(sorted, middle) > border) high = middle;
    else low = middle + 1;
  }
  return low;
}
