/**
 * What a server reads before transmission: the client's flags, then options.
 *
 * Pulled, not pushed: after GO and STARTTLS the bytes that follow belong to somebody else, so the caller decides after
 * every event whether it wants another one.
 */
import { ByteQueue } from './byte-queue.ts';
import { CLIENT_FLAGS_BYTES, OPTION_HEADER_BYTES, OPTION_MAGIC } from './constants.ts';

export type HandshakeRequest =
  | { readonly kind: 'client-flags'; readonly flags: number }
  | { readonly kind: 'option'; readonly option: number; readonly data: Buffer }
  /** The client can't be understood any further; the connection has to go. */
  | { readonly kind: 'broken'; readonly why: string };

type State = 'client-flags' | 'option-header' | 'option-data' | 'broken';

export class HandshakeServerDecoder {
  readonly #maxOptionBytes: number;
  readonly #queue = new ByteQueue();
  #state: State = 'client-flags';
  #option = 0;
  #dataBytes = 0;

  constructor(maxOptionBytes: number) {
    this.#maxOptionBytes = maxOptionBytes;
  }

  push(chunk: Buffer): void {
    this.#queue.push(chunk);
  }

  /** The next event, or `undefined` until more bytes come. */
  next(): HandshakeRequest | undefined {
    switch (this.#state) {
      case 'client-flags':
        return this.#readFlags();
      case 'option-header':
        return this.#readHeader();
      case 'option-data':
        return this.#readData();
      case 'broken':
        return undefined;
    }
  }

  /** Bytes that no event has used. */
  get pendingBytes(): number {
    return this.#queue.length;
  }

  /** Hands over the bytes that no event has used. */
  takeRest(): Buffer {
    return this.#queue.take(this.#queue.length);
  }

  #readFlags(): HandshakeRequest | undefined {
    if (this.#queue.length < CLIENT_FLAGS_BYTES) return undefined;
    this.#state = 'option-header';
    return { kind: 'client-flags', flags: this.#queue.take(CLIENT_FLAGS_BYTES).readUInt32BE(0) };
  }

  #readHeader(): HandshakeRequest | undefined {
    if (this.#queue.length < OPTION_HEADER_BYTES) return undefined;
    const header = this.#queue.take(OPTION_HEADER_BYTES);
    if (header.readUInt32BE(0) !== OPTION_MAGIC.high || header.readUInt32BE(4) !== OPTION_MAGIC.low) {
      return this.#break('wrong option magic');
    }
    this.#option = header.readUInt32BE(8);
    this.#dataBytes = header.readUInt32BE(12);
    if (this.#dataBytes > this.#maxOptionBytes) return this.#break(`option of ${this.#dataBytes} bytes`);
    this.#state = 'option-data';
    return this.#readData();
  }

  #readData(): HandshakeRequest | undefined {
    if (this.#queue.length < this.#dataBytes) return undefined;
    this.#state = 'option-header';
    return { kind: 'option', option: this.#option, data: this.#queue.take(this.#dataBytes) };
  }

  #break(why: string): HandshakeRequest {
    this.#state = 'broken';
    return { kind: 'broken', why };
  }
}
