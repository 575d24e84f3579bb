/** Headers of the transmission phase, both directions. Payloads are written after them by the caller, uncopied. */
import {
  CHUNK,
  CHUNK_FLAG_DONE,
  CHUNK_HEADER_BYTES,
  CHUNK_MAGIC,
  REQUEST_BYTES,
  REQUEST_MAGIC,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
} from './constants.ts';
import { writeU64 } from './uint64.ts';

/** The two words of a cookie, as a request carried them. */
export interface Cookie {
  readonly cookieHigh: number;
  readonly cookieLow: number;
}

/** A client's request; its cookie is a number below 2^32. */
export function encodeRequest(
  type: number,
  flags: number,
  cookie: number,
  offset: number,
  length: number,
): Buffer {
  const bytes = Buffer.allocUnsafe(REQUEST_BYTES);
  bytes.writeUInt32BE(REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(flags, 4);
  bytes.writeUInt16BE(type, 6);
  bytes.writeUInt32BE(0, 8);
  bytes.writeUInt32BE(cookie, 12);
  writeU64(bytes, offset, 16);
  bytes.writeUInt32BE(length, 24);
  return bytes;
}

export function encodeSimpleReply(cookie: Cookie, errno: number): Buffer {
  const bytes = Buffer.allocUnsafe(SIMPLE_REPLY_BYTES);
  bytes.writeUInt32BE(SIMPLE_REPLY_MAGIC, 0);
  bytes.writeUInt32BE(errno, 4);
  bytes.writeUInt32BE(cookie.cookieHigh, 8);
  bytes.writeUInt32BE(cookie.cookieLow, 12);
  return bytes;
}

/** Header of an OFFSET_DATA chunk, including its offset; `length` bytes of content follow. */
export function encodeDataChunk(cookie: Cookie, isDone: boolean, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(CHUNK_HEADER_BYTES + 8);
  writeChunkHeader(bytes, cookie, isDone, CHUNK.OFFSET_DATA, 8 + length);
  writeU64(bytes, offset, CHUNK_HEADER_BYTES);
  return bytes;
}

export function encodeHoleChunk(cookie: Cookie, isDone: boolean, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(CHUNK_HEADER_BYTES + 12);
  writeChunkHeader(bytes, cookie, isDone, CHUNK.OFFSET_HOLE, 12);
  writeU64(bytes, offset, CHUNK_HEADER_BYTES);
  bytes.writeUInt32BE(length, CHUNK_HEADER_BYTES + 8);
  return bytes;
}

export function encodeStatusChunk(
  cookie: Cookie,
  isDone: boolean,
  contextId: number,
  extents: readonly { readonly lengthBytes: number; readonly flags: number }[],
): Buffer {
  const payloadBytes = 4 + 8 * extents.length;
  const bytes = Buffer.allocUnsafe(CHUNK_HEADER_BYTES + payloadBytes);
  writeChunkHeader(bytes, cookie, isDone, CHUNK.BLOCK_STATUS, payloadBytes);
  let at = bytes.writeUInt32BE(contextId, CHUNK_HEADER_BYTES);
  for (const extent of extents) {
    at = bytes.writeUInt32BE(extent.lengthBytes, at);
    at = bytes.writeUInt32BE(extent.flags, at);
  }
  return bytes;
}

/**
 * A final ERROR chunk.
 * @param message at most 900 bytes; qemu hangs up on a longer one
 */
export function encodeErrorChunk(cookie: Cookie, errno: number, message: string): Buffer {
  const text = Buffer.from(message).subarray(0, MAX_ERROR_TEXT_BYTES);
  const bytes = Buffer.allocUnsafe(CHUNK_HEADER_BYTES + 6 + text.length);
  writeChunkHeader(bytes, cookie, true, CHUNK.ERROR, 6 + text.length);
  bytes.writeUInt32BE(errno, CHUNK_HEADER_BYTES);
  bytes.writeUInt16BE(text.length, CHUNK_HEADER_BYTES + 4);
  text.copy(bytes, CHUNK_HEADER_BYTES + 6);
  return bytes;
}

const MAX_ERROR_TEXT_BYTES = 900;

function writeChunkHeader(
  bytes: Buffer,
  cookie: Cookie,
  isDone: boolean,
  type: number,
  length: number,
): void {
  bytes.writeUInt32BE(CHUNK_MAGIC, 0);
  bytes.writeUInt16BE(isDone ? CHUNK_FLAG_DONE : 0, 4);
  bytes.writeUInt16BE(type, 6);
  bytes.writeUInt32BE(cookie.cookieHigh, 8);
  bytes.writeUInt32BE(cookie.cookieLow, 12);
  bytes.writeUInt32BE(length, 16);
}
