/**
 * An ordered map from block indexes to small numbers, made for disks of 2^30 blocks of which a million differ.
 *
 * The intuition: neighbouring blocks mostly hold the same value, so runs are stored, not blocks. Runs live in leaves
 * of typed arrays (12 bytes a run); a snapshot shares the leaves and copies one only when it is written to.
 *
 * Invariants: runs are sorted, do not overlap, are not empty and never hold 0 (0 means absent); two runs that touch
 * hold different values; a leaf is never empty; only the owner of a leaf changes it.
 */

import {
  LEAF_CAPACITY,
  LEAF_COMFORT,
  LEAF_LOW,
  appendLeaf,
  blocksIn,
  copyLeaf,
  createLeaf,
  firstAbove,
  firstStart,
  growLeaf,
  joinSpans,
  lastEnd,
  putSpan,
  shiftLeaf,
  spanOf,
  splitLeaf,
  wordAt,
  type Leaf,
  type Span,
} from './extent-leaf.ts';

/** Blocks [start, start + count) hold `value`, which is not 0. */
export interface Run {
  readonly start: number;
  readonly count: number;
  readonly value: number;
}

interface Position {
  readonly leaf: number;
  readonly at: number;
}

/** What can be asked of a map; snapshots are handed out as this. */
export interface FrozenExtents {
  readonly runCount: number;
  /** Blocks that hold something. */
  readonly blockCount: number;
  get(block: number): number;
  runs(from: number, to: number): IterableIterator<Run>;
  visit(from: number, to: number, see: (start: number, end: number, value: number) => boolean): void;
  snapshot(): ExtentMap;
}

export class ExtentMap implements FrozenExtents {
  #leaves: Leaf[] = [];
  /** Where each leaf ends, side by side: a search that went through the leaves would miss the cache at every step. */
  #leafEnds: number[] = [];
  #owner: object = {};
  #runCount = 0;
  #blockCount = 0;

  get runCount(): number {
    return this.#runCount;
  }

  get blockCount(): number {
    return this.#blockCount;
  }

  get leafCount(): number {
    return this.#leaves.length;
  }

  /** The value of a block, 0 where there is none. */
  get(block: number): number {
    const { leaf: leafAt, at } = this.#firstEndingAtOrAfter(block + 1);
    const leaf = this.#leaves[leafAt];
    if (leaf === undefined || wordAt(leaf.starts, at) > block) return 0;
    return wordAt(leaf.values, at);
  }

  /** Gives blocks [start, start + count) the value; 0 removes them. */
  set(start: number, count: number, value: number): void {
    if (count <= 0) return;
    const end = start + count;
    const from = this.#firstEndingAtOrAfter(start);
    const to = this.#endOfStartsUpTo(end, from);
    const first = this.#spanAt(from);
    const last = this.#spanBefore(to, from);
    this.#replace(from, to, joinSpans(first, { start, end, value }, last));
  }

  /** A copy at this moment, in O(leaves); both sides may be written to afterwards. */
  snapshot(): ExtentMap {
    const copy = new ExtentMap();
    copy.#leaves = this.#leaves.slice();
    copy.#leafEnds = this.#leafEnds.slice();
    copy.#runCount = this.#runCount;
    copy.#blockCount = this.#blockCount;
    this.#owner = {};
    return copy;
  }

  /** The runs that meet [from, to), in order, clipped to it. Do not write while walking. */
  *runs(from: number, to: number): IterableIterator<Run> {
    const begin = this.#firstEndingAtOrAfter(from + 1);
    for (let leafAt = begin.leaf, at = begin.at; leafAt < this.#leaves.length; leafAt++, at = 0) {
      const leaf = this.#leaves[leafAt];
      if (leaf === undefined) return;
      for (; at < leaf.size; at++) {
        const start = Math.max(wordAt(leaf.starts, at), from);
        if (start >= to) return;
        yield { start, count: Math.min(wordAt(leaf.ends, at), to) - start, value: wordAt(leaf.values, at) };
      }
    }
  }

  /** As `runs`, without an object per run; `see` returns false to stop. */
  visit(from: number, to: number, see: (start: number, end: number, value: number) => boolean): void {
    const begin = this.#firstEndingAtOrAfter(from + 1);
    for (let leafAt = begin.leaf, at = begin.at; leafAt < this.#leaves.length; leafAt++, at = 0) {
      const leaf = this.#leaves[leafAt];
      if (leaf === undefined) return;
      for (; at < leaf.size; at++) {
        const start = Math.max(wordAt(leaf.starts, at), from);
        if (start >= to) return;
        if (!see(start, Math.min(wordAt(leaf.ends, at), to), wordAt(leaf.values, at))) return;
      }
    }
  }

  #firstEndingAtOrAfter(border: number): Position {
    const leafAt = this.#firstLeafEndingAtOrAfter(border);
    const leaf = this.#leaves[leafAt];
    return { leaf: leafAt, at: leaf === undefined ? 0 : firstAbove(leaf.ends, 0, leaf.size, border - 1) };
  }

  #firstLeafEndingAtOrAfter(border: number): number {
    let low = 0;
    let high = this.#leafEnds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#leafEnds[middle] ?? 0) >= border) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Where the runs that start at or before `border` end; never before `from`. */
  #endOfStartsUpTo(border: number, from: Position): Position {
    let leafAt = from.leaf;
    // Mostly the same leaf; a long range walks over the leaves that it is about to remove.
    for (; leafAt + 1 < this.#leaves.length; leafAt++)
      if (firstStart(this.#leaves[leafAt + 1]) > border) break;
    const leaf = this.#leaves[leafAt];
    if (leaf === undefined) return from;
    const first = leafAt === from.leaf ? from.at : 0;
    return { leaf: leafAt, at: firstAbove(leaf.starts, first, leaf.size, border) };
  }

  #spanAt(position: Position): Span | undefined {
    const leaf = this.#leaves[position.leaf];
    return leaf === undefined || position.at >= leaf.size ? undefined : spanOf(leaf, position.at);
  }

  #spanBefore(to: Position, from: Position): Span | undefined {
    if (to.leaf === from.leaf && to.at === from.at) return undefined;
    if (to.at > 0) return this.#spanAt({ leaf: to.leaf, at: to.at - 1 });
    const leaf = this.#leaves[to.leaf - 1];
    return leaf === undefined ? undefined : spanOf(leaf, leaf.size - 1);
  }

  #replace(from: Position, to: Position, spans: readonly Span[]): void {
    if (from.leaf >= this.#leaves.length) {
      this.#append(spans);
      return;
    }
    if (from.leaf === to.leaf) this.#spliceLeaf(from.leaf, from.at, to.at, spans);
    else this.#spliceAcross(from, to, spans);
  }

  #append(spans: readonly Span[]): void {
    if (spans.length === 0) return;
    const lastAt = this.#leaves.length - 1;
    const last = this.#leaves[lastAt];
    if (last !== undefined && last.size + spans.length <= LEAF_CAPACITY) {
      this.#spliceLeaf(lastAt, last.size, last.size, spans);
      return;
    }
    this.#spliceLeaves(lastAt + 1, 0, createLeaf(this.#owner, 4));
    this.#spliceLeaf(lastAt + 1, 0, 0, spans);
  }

  #spliceAcross(from: Position, to: Position, spans: readonly Span[]): void {
    this.#spliceLeaf(to.leaf, 0, to.at, [], true);
    for (let at = from.leaf + 1; at < to.leaf; at++) this.#forget(this.#leaves[at]);
    const isLastGone = this.#leaves[to.leaf]?.size === 0;
    this.#spliceLeaves(from.leaf + 1, to.leaf - from.leaf - (isLastGone ? 0 : 1));
    const size = this.#leaves[from.leaf]?.size ?? 0;
    this.#spliceLeaf(from.leaf, from.at, size, spans);
  }

  #forget(leaf: Leaf | undefined): void {
    if (leaf === undefined) return;
    this.#runCount -= leaf.size;
    this.#blockCount -= blocksIn(leaf, 0, leaf.size);
  }

  #spliceLeaf(leafAt: number, from: number, to: number, spans: readonly Span[], mayStayEmpty = false): void {
    const leaf = this.#writable(leafAt, spans.length - (to - from));
    this.#blockCount -= blocksIn(leaf, from, to);
    this.#runCount += spans.length - (to - from);
    shiftLeaf(leaf, from, to, spans.length);
    for (const [index, span] of spans.entries()) {
      putSpan(leaf, from + index, span);
      this.#blockCount += span.end - span.start;
    }
    this.#leafEnds[leafAt] = lastEnd(leaf);
    if (!mayStayEmpty) this.#balance(leafAt, leaf);
  }

  #balance(leafAt: number, leaf: Leaf): void {
    if (leaf.size === 0) this.#spliceLeaves(leafAt, 1);
    else if (leaf.size > LEAF_CAPACITY) this.#split(leafAt, leaf);
    else if (leaf.size < LEAF_LOW) this.#joinWithNext(leafAt, leaf);
  }

  #split(leafAt: number, leaf: Leaf): void {
    this.#spliceLeaves(leafAt + 1, 0, splitLeaf(leaf));
    this.#leafEnds[leafAt] = lastEnd(leaf);
  }

  #spliceLeaves(at: number, removeCount: number, ...added: Leaf[]): void {
    this.#leaves.splice(at, removeCount, ...added);
    this.#leafEnds.splice(at, removeCount, ...added.map(lastEnd));
  }

  #joinWithNext(leafAt: number, leaf: Leaf): void {
    const next = this.#leaves[leafAt + 1];
    if (next === undefined || leaf.size + next.size > LEAF_COMFORT) return;
    appendLeaf(leaf, next);
    this.#spliceLeaves(leafAt + 1, 1);
    this.#leafEnds[leafAt] = lastEnd(leaf);
  }

  /** The leaf as this map's own, with room for `growth` more runs. */
  #writable(leafAt: number, growth: number): Leaf {
    let leaf = this.#leaves[leafAt];
    if (leaf === undefined) throw new RangeError(`no leaf ${leafAt}`);
    if (leaf.owner !== this.#owner) {
      leaf = copyLeaf(leaf, this.#owner);
      this.#leaves[leafAt] = leaf;
    }
    growLeaf(leaf, leaf.size + Math.max(growth, 0));
    return leaf;
  }
}
