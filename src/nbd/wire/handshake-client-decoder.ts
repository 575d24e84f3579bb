/** What a client reads before transmission: the greeting, then option replies. Pulled, like its counterpart. */
import { ByteQueue } from './byte-queue.ts';
import {
  GREETING_BYTES,
  GREETING_MAGIC,
  OPTION_MAGIC,
  OPTION_REPLY_HEADER_BYTES,
  OPTION_REPLY_MAGIC,
} from './constants.ts';

export type HandshakeReply =
  | { readonly kind: 'greeting'; readonly flags: number }
  | { readonly kind: 'reply'; readonly option: number; readonly type: number; readonly data: Buffer }
  | { readonly kind: 'broken'; readonly why: string };

type State = 'greeting' | 'reply-header' | 'reply-data' | 'broken';

export class HandshakeClientDecoder {
  readonly #maxReplyBytes: number;
  readonly #queue = new ByteQueue();
  #state: State = 'greeting';
  #option = 0;
  #type = 0;
  #dataBytes = 0;

  constructor(maxReplyBytes: number) {
    this.#maxReplyBytes = maxReplyBytes;
  }

  /** `chunk` may be reused by the caller after return. */
  push(chunk: Buffer): void {
    this.#queue.push(chunk);
    this.#queue.ownLast();
  }

  /** The next event, or `undefined` until more bytes come. */
  next(): HandshakeReply | undefined {
    switch (this.#state) {
      case 'greeting':
        return this.#readGreeting();
      case 'reply-header':
        return this.#readHeader();
      case 'reply-data':
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

  #readGreeting(): HandshakeReply | undefined {
    if (this.#queue.length < GREETING_BYTES) return undefined;
    const bytes = this.#queue.take(GREETING_BYTES);
    if (!hasMagic(bytes, 0, GREETING_MAGIC)) return this.#break('wrong greeting magic');
    if (!hasMagic(bytes, 8, OPTION_MAGIC)) return this.#break('not a newstyle server');
    this.#state = 'reply-header';
    return { kind: 'greeting', flags: bytes.readUInt16BE(16) };
  }

  #readHeader(): HandshakeReply | undefined {
    if (this.#queue.length < OPTION_REPLY_HEADER_BYTES) return undefined;
    const header = this.#queue.take(OPTION_REPLY_HEADER_BYTES);
    if (!hasMagic(header, 0, OPTION_REPLY_MAGIC)) return this.#break('wrong option reply magic');
    this.#option = header.readUInt32BE(8);
    this.#type = header.readUInt32BE(12);
    this.#dataBytes = header.readUInt32BE(16);
    if (this.#dataBytes > this.#maxReplyBytes) return this.#break(`option reply of ${this.#dataBytes} bytes`);
    this.#state = 'reply-data';
    return this.#readData();
  }

  #readData(): HandshakeReply | undefined {
    if (this.#queue.length < this.#dataBytes) return undefined;
    this.#state = 'reply-header';
    return { kind: 'reply', option: this.#option, type: this.#type, data: this.#queue.take(this.#dataBytes) };
  }

  #break(why: string): HandshakeReply {
    this.#state = 'broken';
    return { kind: 'broken', why };
  }
}

function hasMagic(
  bytes: Buffer,
  at: number,
  magic: { readonly high: number; readonly low: number },
): boolean {
  return bytes.readUInt32BE(at) === magic.high && bytes.readUInt32BE(at + 4) === magic.low;
}
