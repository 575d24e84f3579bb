/** Bytes that have come in and were not read yet: a list of chunks, never joined unless a reader asks across a border. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  /** Index of the first chunk that still holds bytes; the ones before it are spent. */
  #first = 0;
  /** Bytes of the first chunk that are spent. */
  #spent = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next `n` bytes: a view where they lie in one chunk, a copy where they don't. */
  take(n: number): Buffer {
    if (n > this.#length) throw new RangeError(`take ${n} of ${this.#length} bytes`);
    const view = this.takeView(n);
    if (view.length === n) return view;
    const joined = Buffer.allocUnsafe(n);
    view.copy(joined);
    this.copyInto(joined, view.length, n);
    return joined;
  }

  /** At most `limit` bytes, as many as lie in one chunk. Empty only when the queue is. */
  takeView(limit: number): Buffer {
    const chunk = this.#chunks[this.#first];
    if (chunk === undefined) return EMPTY;
    const end = Math.min(chunk.length, this.#spent + limit);
    const view = chunk.subarray(this.#spent, end);
    this.#advance(chunk, end);
    return view;
  }

  /** The next four bytes as a big-endian number, without reading them. There must be four. */
  peekU32(): number {
    const chunk = this.#chunks[this.#first];
    if (chunk !== undefined && chunk.length - this.#spent >= 4) return chunk.readUInt32BE(this.#spent);
    let value = 0;
    for (let at = 0; at < 4; at++) value = value * 256 + this.#byteAt(at);
    return value;
  }

  /** Fills `target` from `at` up to `end`, as far as the bytes reach. Returns the position after the last one. */
  copyInto(target: Buffer, at: number, end: number): number {
    let to = at;
    while (to < end && this.#length > 0) to += this.takeView(end - to).copy(target, to);
    return to;
  }

  /** Drops at most `n` bytes; returns how many. */
  skip(n: number): number {
    let left = n;
    while (left > 0 && this.#length > 0) left -= this.takeView(left).length;
    return n - left;
  }

  /** Copies what is left of the chunk that was pushed last, because its memory is about to be reused. */
  ownLast(): void {
    const last = this.#chunks.length - 1;
    const chunk = this.#chunks[last];
    if (chunk === undefined) return;
    const isFirst = last === this.#first;
    this.#chunks[last] = Buffer.from(isFirst ? chunk.subarray(this.#spent) : chunk);
    if (isFirst) this.#spent = 0;
  }

  #byteAt(at: number): number {
    let left = at + this.#spent;
    for (let index = this.#first; index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index];
      const byte = chunk?.[left];
      if (byte !== undefined) return byte;
      left -= chunk?.length ?? 0;
    }
    throw new RangeError(`byte ${at} of ${this.#length}`);
  }

  #advance(chunk: Buffer, end: number): void {
    this.#length -= end - this.#spent;
    this.#spent = end;
    if (end < chunk.length) return;
    this.#spent = 0;
    this.#first++;
    if (this.#length === 0) {
      this.#chunks = [];
      this.#first = 0;
    } else if (this.#first >= COMPACT_AT) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** Spent chunks kept before the list is rebuilt, so that dripping bytes cost constant time each. */
const COMPACT_AT = 256;
const EMPTY = Buffer.alloc(0);
