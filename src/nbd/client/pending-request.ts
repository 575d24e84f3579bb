/** One request under way: what its reply may contain, and what has come of it. */
import { COMMAND, commandName } from '../wire/constants.ts';
import type { WireExtent } from '../wire/reply-decoder.ts';
import { NbdError, NbdProtocolError } from './errors.ts';
import { RangeCover } from './range-cover.ts';

export interface RequestSpec {
  readonly command: number;
  readonly flags: number;
  readonly offset: number;
  readonly length: number;
  /** Content of a WRITE. Must not change until the request is answered. */
  readonly payload?: Uint8Array;
  /** Where a READ puts its content; `length` bytes. */
  readonly target?: Buffer;
}

export type StatusReply = ReadonlyMap<number, readonly WireExtent[]>;

export class PendingRequest {
  readonly spec: RequestSpec;
  readonly deadlineMs: number;
  readonly #resolve: (status: StatusReply) => void;
  readonly #reject: (error: unknown) => void;
  readonly #cover: RangeCover | undefined;
  readonly #status = new Map<number, readonly WireExtent[]>();
  #error: NbdError | undefined;
  /** Position of the next piece of a simple reply's data. */
  #filled = 0;

  constructor(
    spec: RequestSpec,
    deadlineMs: number,
    resolve: (status: StatusReply) => void,
    reject: (error: unknown) => void,
  ) {
    this.spec = spec;
    this.deadlineMs = deadlineMs;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#cover = spec.command === COMMAND.READ ? new RangeCover(spec.offset, spec.length) : undefined;
  }

  /** @throws NbdProtocolError when such a request can't be answered so */
  onSimple(errno: number, isStructured: boolean): number {
    const { command, length } = this.spec;
    if (errno !== 0) this.#setError(errno, '');
    if (command === COMMAND.READ && isStructured) throw this.#broken('simple reply to READ');
    if (command === COMMAND.BLOCK_STATUS && errno === 0) throw this.#broken('simple reply without status');
    if (command !== COMMAND.READ || errno !== 0) return 0;
    this.#cover?.add(this.spec.offset, length);
    return length;
  }

  /** @throws NbdProtocolError when the range is not (or no longer) missing */
  cover(offset: number, length: number): void {
    if (this.#cover === undefined) throw this.#broken('content in the reply');
    if (!this.#cover.add(offset, length)) throw this.#broken(`content [${offset}, +${length}) does not fit`);
  }

  put(offset: number | undefined, bytes: Buffer): void {
    const at = offset === undefined ? this.#filled : offset - this.spec.offset;
    this.spec.target?.set(bytes, at);
    this.#filled = at + bytes.length;
  }

  putZeros(offset: number, length: number): void {
    const at = offset - this.spec.offset;
    this.spec.target?.fill(0, at, at + length);
  }

  /** @throws NbdProtocolError for extents that were not asked for or run too far */
  onStatus(contextId: number, extents: readonly WireExtent[], exportBytes: number): void {
    if (this.spec.command !== COMMAND.BLOCK_STATUS) throw this.#broken('block status in the reply');
    if (this.#status.has(contextId)) throw this.#broken(`second status of context ${contextId}`);
    let at = this.spec.offset;
    for (const { length } of extents) {
      if (at >= this.spec.offset + this.spec.length) throw this.#broken('more extents than asked for');
      at += length;
    }
    if (at > exportBytes) throw this.#broken('extents past the end of the export');
    this.#status.set(contextId, extents);
  }

  onError(errno: number, message: string): void {
    this.#setError(errno, message);
  }

  /** The reply is complete. @throws NbdProtocolError when it is not what was asked for */
  finish(contexts: number): void {
    if (this.#error !== undefined) return this.#reject(this.#error);
    if (this.#cover !== undefined && !this.#cover.isWhole) throw this.#broken('content with gaps');
    if (this.spec.command === COMMAND.BLOCK_STATUS && this.#status.size !== contexts) {
      throw this.#broken(`status of ${this.#status.size} contexts instead of ${contexts}`);
    }
    this.#resolve(this.#status);
  }

  get hasShutdownError(): boolean {
    return this.#error?.code === 'ESHUTDOWN';
  }

  fail(error: Error): void {
    this.#reject(error);
  }

  #setError(errno: number, message: string): void {
    this.#error ??= new NbdError(errno, message === '' ? this.#what : `${this.#what}: ${message}`);
  }

  #broken(what: string): NbdProtocolError {
    return new NbdProtocolError(`${this.#what}: ${what}`);
  }

  get #what(): string {
    return `${commandName(this.spec.command)} [${this.spec.offset}, +${this.spec.length})`;
  }
}
