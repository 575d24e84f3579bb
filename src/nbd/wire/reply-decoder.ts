/**
 * What a client reads in transmission. Bulk data is not collected here: it goes to the handler piece by piece as it
 * comes in, so that the handler copies it to where it belongs and no byte is moved twice.
 */
import { ByteQueue } from './byte-queue.ts';
import {
  CHUNK,
  CHUNK_ERROR_BIT,
  CHUNK_FLAG_DONE,
  CHUNK_HEADER_BYTES,
  CHUNK_MAGIC,
  MAX_EXTENTS,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
} from './constants.ts';
import { NbdProtocolError } from './protocol-error.ts';
import { readU64 } from './uint64.ts';

/** Takes what the decoder finds. Every method may throw `NbdProtocolError`, above all for a cookie it does not know. */
export interface ReplyHandler {
  /** A simple reply. Returns how many bytes of data follow it: the length of a READ that succeeded, else 0. */
  onSimple(cookie: number, errno: number): number;
  /** Content of [offset, offset+length) follows, in pieces. */
  onDataChunk(cookie: number, offset: number, length: number): void;
  /** A piece of content. `offset` is absolute, or undefined after a simple reply. `bytes` is valid during the call only. */
  onData(cookie: number, offset: number | undefined, bytes: Buffer): void;
  onHole(cookie: number, offset: number, length: number): void;
  /** `extents`: pairs of length and flags, not empty. */
  onStatus(cookie: number, contextId: number, extents: readonly WireExtent[]): void;
  onError(cookie: number, errno: number, message: string): void;
  /** The reply to `cookie` is complete. */
  onDone(cookie: number): void;
}

export interface WireExtent {
  readonly length: number;
  readonly flags: number;
}

type State = 'magic' | 'simple-data' | 'chunk-offset' | 'chunk-data' | 'chunk-payload';

const MAGIC_BYTES = 4;
/** errno, message length, the longest message, and an offset. */
const MAX_ERROR_BYTES = 4 + 2 + 0xffff + 8;
const MAX_STATUS_BYTES = 4 + 8 * MAX_EXTENTS;

export class ReplyDecoder {
  readonly #handler: ReplyHandler;
  readonly #isStructured: boolean;
  readonly #queue = new ByteQueue();
  #state: State = 'magic';
  #cookie = 0;
  #chunkType = 0;
  #isDone = false;
  /** Bytes of the current data or payload still to come. */
  #left = 0;
  #offset: number | undefined;

  constructor(handler: ReplyHandler, isStructured: boolean) {
    this.#handler = handler;
    this.#isStructured = isStructured;
  }

  /**
   * Reads `chunk`, which the caller may reuse after return.
   * @throws NbdProtocolError when the server breaks the protocol; the decoder must not be used after that
   */
  push(chunk: Buffer): void {
    this.#queue.push(chunk);
    while (this.#step()) {
      // each step calls the handler
    }
    this.#queue.ownLast();
  }

  /** True between two replies: a connection that ends here has lost nothing of a reply. */
  get isBetweenReplies(): boolean {
    return this.#state === 'magic' && this.#queue.length === 0;
  }

  #step(): boolean {
    switch (this.#state) {
      case 'magic':
        return this.#readHeader();
      case 'simple-data':
      case 'chunk-data':
        return this.#readData();
      case 'chunk-offset':
        return this.#readOffset();
      case 'chunk-payload':
        return this.#readPayload();
    }
  }

  #readHeader(): boolean {
    // The shorter header is enough to see which one it is; a chunk header has four bytes more.
    if (this.#queue.length < SIMPLE_REPLY_BYTES) return false;
    const magic = this.#queue.peekU32();
    if (magic === SIMPLE_REPLY_MAGIC) return this.#readSimple();
    if (magic !== CHUNK_MAGIC) throw new NbdProtocolError(`wrong reply magic 0x${magic.toString(16)}`);
    if (!this.#isStructured) throw new NbdProtocolError('structured reply, but none was negotiated');
    return this.#readChunk();
  }

  #readSimple(): boolean {
    const bytes = this.#queue.take(SIMPLE_REPLY_BYTES);
    this.#cookie = readU64(bytes, 8);
    this.#left = this.#handler.onSimple(this.#cookie, bytes.readUInt32BE(MAGIC_BYTES));
    this.#isDone = true;
    this.#offset = undefined;
    this.#enter('simple-data');
    return true;
  }

  #readChunk(): boolean {
    if (this.#queue.length < CHUNK_HEADER_BYTES) return false;
    const bytes = this.#queue.take(CHUNK_HEADER_BYTES);
    this.#isDone = (bytes.readUInt16BE(4) & CHUNK_FLAG_DONE) !== 0;
    this.#chunkType = bytes.readUInt16BE(6);
    this.#cookie = readU64(bytes, 8);
    this.#left = bytes.readUInt32BE(16);
    this.#boundChunk();
    this.#state = this.#chunkType === CHUNK.OFFSET_DATA ? 'chunk-offset' : 'chunk-payload';
    return true;
  }

  /** No chunk is waited for, or kept, that is longer than its type allows. Data is bounded by its request. */
  #boundChunk(): void {
    const [min, max] = chunkBounds(this.#chunkType);
    if (this.#left < min || this.#left > max) {
      throw new NbdProtocolError(`chunk of type 0x${this.#chunkType.toString(16)} with ${this.#left} bytes`);
    }
    if (this.#chunkType === CHUNK.NONE && !this.#isDone)
      throw new NbdProtocolError('chunk NONE without DONE');
  }

  #readOffset(): boolean {
    if (this.#queue.length < 8) return false;
    this.#offset = readU64(this.#queue.take(8), 0);
    this.#left -= 8;
    this.#handler.onDataChunk(this.#cookie, this.#offset, this.#left);
    this.#enter('chunk-data');
    return true;
  }

  #readData(): boolean {
    if (this.#queue.length === 0) return false;
    const bytes = this.#queue.takeView(this.#left);
    this.#handler.onData(this.#cookie, this.#offset, bytes);
    if (this.#offset !== undefined) this.#offset += bytes.length;
    this.#left -= bytes.length;
    if (this.#left === 0) this.#finish();
    return true;
  }

  /** Goes on to a piece of data, which may be empty. */
  #enter(state: 'simple-data' | 'chunk-data'): void {
    this.#state = state;
    if (this.#left === 0) this.#finish();
  }

  #readPayload(): boolean {
    if (this.#queue.length < this.#left) return false;
    const payload = this.#queue.take(this.#left);
    this.#takePayload(payload);
    this.#finish();
    return true;
  }

  #takePayload(payload: Buffer): void {
    if ((this.#chunkType & CHUNK_ERROR_BIT) !== 0) return this.#takeError(payload);
    if (this.#chunkType === CHUNK.OFFSET_HOLE) {
      this.#handler.onHole(this.#cookie, readU64(payload, 0), payload.readUInt32BE(8));
    } else if (this.#chunkType === CHUNK.BLOCK_STATUS) {
      this.#handler.onStatus(this.#cookie, payload.readUInt32BE(0), parseExtents(payload));
    }
  }

  #takeError(payload: Buffer): void {
    const errno = payload.readUInt32BE(0);
    const messageBytes = payload.readUInt16BE(4);
    if (errno === 0) throw new NbdProtocolError('error chunk with error 0');
    if (6 + messageBytes > payload.length) throw new NbdProtocolError('error message longer than its chunk');
    if (this.#chunkType === CHUNK.ERROR && 6 + messageBytes !== payload.length) {
      throw new NbdProtocolError('error message shorter than its chunk');
    }
    this.#handler.onError(this.#cookie, errno, payload.toString('utf8', 6, 6 + messageBytes));
  }

  #finish(): void {
    this.#state = 'magic';
    if (this.#isDone) this.#handler.onDone(this.#cookie);
  }
}

/** Shortest and longest payload of a chunk type. */
function chunkBounds(type: number): readonly [number, number] {
  if ((type & CHUNK_ERROR_BIT) !== 0) return [type === CHUNK.ERROR_OFFSET ? 14 : 6, MAX_ERROR_BYTES];
  switch (type) {
    case CHUNK.NONE:
      return [0, 0];
    case CHUNK.OFFSET_DATA:
      return [9, 0xffffffff];
    case CHUNK.OFFSET_HOLE:
      return [12, 12];
    case CHUNK.BLOCK_STATUS:
      return [12, MAX_STATUS_BYTES];
    default:
      throw new NbdProtocolError(`unknown chunk type ${type}`);
  }
}

function parseExtents(payload: Buffer): WireExtent[] {
  if ((payload.length - 4) % 8 !== 0) throw new NbdProtocolError(`block status of ${payload.length} bytes`);
  const extents: WireExtent[] = [];
  for (let at = 4; at < payload.length; at += 8) {
    const length = payload.readUInt32BE(at);
    if (length === 0) throw new NbdProtocolError('extent of length 0');
    extents.push({ length, flags: payload.readUInt32BE(at + 4) });
  }
  return extents;
}
