/** Frames of the channel into a proxy's guest: a line of words, and bytes behind it. README.md has the protocol. */
import { ByteQueue } from '../nbd/wire/byte-queue.ts';

/** Bytes of one read, write or copy. */
export const MAX_PIECE_BYTES = 4 * 1024 * 1024;
export const SECTOR_BYTES = 512;

const MAX_LINE_BYTES = 255;
const NEWLINE = 0x0a;

/** The other side does not keep to the protocol; nothing after it can be understood. */
export class ChannelProtocolError extends Error {
  override readonly name = 'ChannelProtocolError';
}

export function encodeFrame(words: readonly (string | number)[]): Buffer {
  return Buffer.from(`${words.join(' ')}\n`);
}

/** Bytes behind a request's line: those of `write` and `exec`. */
export function requestPayloadBytes(words: readonly string[]): number {
  if (words[1] === 'write') return parseCount(words[5]);
  if (words[1] === 'exec') return parseCount(words[3]);
  return 0;
}

/** Bytes behind an answer's line. */
export function answerPayloadBytes(words: readonly string[]): number {
  return parseCount(words[2]);
}

/** @throws ChannelProtocolError */
function parseCount(word: string | undefined): number {
  const count = word !== undefined && /^\d{1,15}$/.test(word) ? Number(word) : Number.NaN;
  if (count <= MAX_PIECE_BYTES) return count;
  throw new ChannelProtocolError(`no length of a payload: ${word ?? 'nothing'}`);
}

export interface FrameReader {
  /** How many bytes follow this line. */
  readonly payloadBytes: (words: readonly string[]) => number;
  /** The payload is the handler's own. */
  readonly onFrame: (words: readonly string[], payload: Buffer) => void;
}

/** Cuts a stream of bytes into frames, wherever the pieces end in which it comes. */
export class FrameDecoder {
  readonly #reader: FrameReader;
  readonly #queue = new ByteQueue();
  #line = '';
  #words: readonly string[] | undefined;
  #payload = Buffer.alloc(0);
  #filled = 0;

  constructor(reader: FrameReader) {
    this.#reader = reader;
  }

  /** @throws ChannelProtocolError */
  push(chunk: Buffer): void {
    this.#queue.push(chunk);
    while (this.#readLine() && this.#readPayload()) this.#deliver();
  }

  #readLine(): boolean {
    while (this.#words === undefined && this.#queue.length > 0) {
      const [byte] = this.#queue.takeView(1);
      if (byte !== NEWLINE) this.#addToLine(byte ?? 0);
      else this.#begin(this.#line.split(' '));
    }
    return this.#words !== undefined;
  }

  #addToLine(byte: number): void {
    if (this.#line.length >= MAX_LINE_BYTES) throw new ChannelProtocolError('the line does not end');
    this.#line += String.fromCharCode(byte);
  }

  #begin(words: readonly string[]): void {
    this.#line = '';
    this.#words = words;
    this.#payload = Buffer.allocUnsafe(this.#reader.payloadBytes(words));
    this.#filled = 0;
  }

  #readPayload(): boolean {
    this.#filled = this.#queue.copyInto(this.#payload, this.#filled, this.#payload.length);
    return this.#filled === this.#payload.length;
  }

  #deliver(): void {
    const words = this.#words ?? [];
    const payload = this.#payload;
    this.#words = undefined;
    this.#payload = Buffer.alloc(0);
    this.#reader.onFrame(words, payload);
  }
}
