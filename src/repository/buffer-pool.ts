/** A fixed number of equal buffers; whoever wants one more waits, first come first served. */
export class BufferPool {
  readonly #sizeBytes: number;
  readonly #free: Uint8Array[] = [];
  readonly #waiters: { resolve: (buffer: Uint8Array) => void; reject: (error: unknown) => void }[] = [];
  #unmade: number;

  constructor(count: number, sizeBytes: number) {
    this.#unmade = count;
    this.#sizeBytes = sizeBytes;
  }

  /** Callers that wait for a buffer. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /** The buffer's content is undefined. */
  take(): Promise<Uint8Array> {
    const free = this.#free.pop();
    if (free !== undefined) return Promise.resolve(free);
    if (this.#unmade > 0) {
      this.#unmade--;
      return Promise.resolve(Buffer.allocUnsafeSlow(this.#sizeBytes));
    }
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  give(buffer: Uint8Array): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#free.push(buffer);
    else next.resolve(buffer);
  }

  rejectWaiters(error: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
