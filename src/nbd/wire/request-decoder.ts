/**
 * What a server reads in transmission. Pulled, so that a server whose client does not read its replies can stop
 * parsing: one 64 KiB chunk holds 2,340 requests, and pausing the socket would not stop those.
 *
 * After a `request` of type WRITE the caller says what becomes of the payload (`collectPayload` or `skipPayload`)
 * before it asks for the next event: only the caller knows whether its length is acceptable.
 */
import { ByteQueue } from './byte-queue.ts';
import { REQUEST_BYTES, REQUEST_MAGIC } from './constants.ts';
import { readU64 } from './uint64.ts';

export interface RequestHeader {
  readonly kind: 'request';
  readonly flags: number;
  readonly type: number;
  /** The cookie's two words, to be echoed and never interpreted. */
  readonly cookieHigh: number;
  readonly cookieLow: number;
  /** Approximate above 2^53. */
  readonly offset: number;
  readonly length: number;
}

export type TransmissionRequest =
  | RequestHeader
  /** The payload asked for with `collectPayload`. A view of a pushed chunk where it lies in one. */
  | { readonly kind: 'payload'; readonly bytes: Buffer }
  /** The payload given up with `skipPayload` has gone by. */
  | { readonly kind: 'skipped' }
  | { readonly kind: 'broken'; readonly why: string };

type State = 'header' | 'payload' | 'skip' | 'broken';

export class RequestDecoder {
  readonly #queue = new ByteQueue();
  #state: State = 'header';
  #payloadBytes = 0;
  /** Where a payload is put together that came in several chunks. */
  #payload: Buffer | undefined;
  #filled = 0;

  push(chunk: Buffer): void {
    this.#queue.push(chunk);
  }

  /** Expects `length` bytes of payload next and gives them as one event. Bound `length` before. */
  collectPayload(length: number): void {
    this.#state = 'payload';
    this.#payloadBytes = length;
  }

  /** Expects `length` bytes of payload next and drops them without keeping any. */
  skipPayload(length: number): void {
    this.#state = 'skip';
    this.#payloadBytes = length;
  }

  /** Bytes that belong to no event yet. */
  get pendingBytes(): number {
    return this.#queue.length;
  }

  /** The next event, or `undefined` until more bytes come. */
  next(): TransmissionRequest | undefined {
    switch (this.#state) {
      case 'header':
        return this.#readHeader();
      case 'payload':
        return this.#readPayload();
      case 'skip':
        return this.#readSkipped();
      case 'broken':
        return undefined;
    }
  }

  #readHeader(): TransmissionRequest | undefined {
    if (this.#queue.length < REQUEST_BYTES) return undefined;
    const bytes = this.#queue.take(REQUEST_BYTES);
    if (bytes.readUInt32BE(0) !== REQUEST_MAGIC) {
      this.#state = 'broken';
      return { kind: 'broken', why: 'wrong request magic' };
    }
    return {
      kind: 'request',
      flags: bytes.readUInt16BE(4),
      type: bytes.readUInt16BE(6),
      cookieHigh: bytes.readUInt32BE(8),
      cookieLow: bytes.readUInt32BE(12),
      offset: readU64(bytes, 16),
      length: bytes.readUInt32BE(24),
    };
  }

  #readPayload(): TransmissionRequest | undefined {
    const length = this.#payloadBytes;
    if (this.#payload === undefined) {
      const view = this.#queue.takeView(length);
      if (view.length === length) return this.#payloadDone(view);
      this.#payload = Buffer.allocUnsafeSlow(length);
      this.#filled = view.copy(this.#payload);
    }
    this.#filled = this.#queue.copyInto(this.#payload, this.#filled, length);
    return this.#filled === length ? this.#payloadDone(this.#payload) : undefined;
  }

  #payloadDone(bytes: Buffer): TransmissionRequest {
    this.#state = 'header';
    this.#payload = undefined;
    return { kind: 'payload', bytes };
  }

  #readSkipped(): TransmissionRequest | undefined {
    this.#payloadBytes -= this.#queue.skip(this.#payloadBytes);
    if (this.#payloadBytes > 0) return undefined;
    this.#state = 'header';
    return { kind: 'skipped' };
  }
}
