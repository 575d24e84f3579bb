/** Frames of the handshake, both directions. */
import {
  CLIENT_FLAGS_BYTES,
  EXPORT_NAME_PADDING_BYTES,
  GREETING_BYTES,
  GREETING_MAGIC,
  INFO,
  OPTION_HEADER_BYTES,
  OPTION_MAGIC,
  OPTION_REPLY_HEADER_BYTES,
  OPTION_REPLY_MAGIC,
} from './constants.ts';
import { writeU64 } from './uint64.ts';

const NOTHING = Buffer.alloc(0);

export function encodeGreeting(handshakeFlags: number): Buffer {
  const bytes = Buffer.allocUnsafe(GREETING_BYTES);
  writeMagic(bytes, 0, GREETING_MAGIC);
  writeMagic(bytes, 8, OPTION_MAGIC);
  bytes.writeUInt16BE(handshakeFlags, 16);
  return bytes;
}

export function encodeClientFlags(flags: number): Buffer {
  const bytes = Buffer.allocUnsafe(CLIENT_FLAGS_BYTES);
  bytes.writeUInt32BE(flags);
  return bytes;
}

export function encodeOption(option: number, data: Buffer = NOTHING): Buffer {
  const header = Buffer.allocUnsafe(OPTION_HEADER_BYTES);
  writeMagic(header, 0, OPTION_MAGIC);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, data]);
}

export function encodeOptionReply(option: number, type: number, data: Buffer = NOTHING): Buffer {
  const header = Buffer.allocUnsafe(OPTION_REPLY_HEADER_BYTES);
  writeMagic(header, 0, OPTION_REPLY_MAGIC);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(type, 12);
  header.writeUInt32BE(data.length, 16);
  return Buffer.concat([header, data]);
}

/** The answer to EXPORT_NAME, which has no header. */
export function encodeExportNameReply(sizeBytes: number, flags: number, isPadded: boolean): Buffer {
  const bytes = Buffer.alloc(10 + (isPadded ? EXPORT_NAME_PADDING_BYTES : 0));
  writeU64(bytes, sizeBytes, 0);
  bytes.writeUInt16BE(flags, 8);
  return bytes;
}

export function encodeInfoExport(sizeBytes: number, flags: number): Buffer {
  const bytes = Buffer.allocUnsafe(12);
  bytes.writeUInt16BE(INFO.EXPORT, 0);
  writeU64(bytes, sizeBytes, 2);
  bytes.writeUInt16BE(flags, 10);
  return bytes;
}

export function encodeInfoBlockSize(min: number, preferred: number, max: number): Buffer {
  const bytes = Buffer.allocUnsafe(14);
  bytes.writeUInt16BE(INFO.BLOCK_SIZE, 0);
  bytes.writeUInt32BE(min, 2);
  bytes.writeUInt32BE(preferred, 6);
  bytes.writeUInt32BE(max, 10);
  return bytes;
}

/** NAME and DESCRIPTION. */
export function encodeInfoText(info: number, text: string): Buffer {
  return Buffer.concat([encodeU16s([info]), Buffer.from(text)]);
}

/** Data of the options GO and INFO. */
export function encodeInfoRequest(exportName: string, infos: readonly number[]): Buffer {
  return Buffer.concat([encodeString(exportName), encodeU16s([infos.length, ...infos])]);
}

/** Data of the options LIST_META_CONTEXT and SET_META_CONTEXT. */
export function encodeMetaRequest(exportName: string, queries: readonly string[]): Buffer {
  return Buffer.concat([encodeString(exportName), encodeU32(queries.length), ...queries.map(encodeString)]);
}

/** Data of the reply META_CONTEXT. */
export function encodeMetaContext(id: number, name: string): Buffer {
  return Buffer.concat([encodeU32(id), Buffer.from(name)]);
}

/** Data of the reply SERVER. */
export function encodeServer(name: string, description: string): Buffer {
  return Buffer.concat([encodeString(name), Buffer.from(description)]);
}

function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([encodeU32(bytes.length), bytes]);
}

function encodeU32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function encodeU16s(values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, 2 * index);
  return bytes;
}

function writeMagic(bytes: Buffer, at: number, magic: { readonly high: number; readonly low: number }): void {
  bytes.writeUInt32BE(magic.high, at);
  bytes.writeUInt32BE(magic.low, at + 4);
}
