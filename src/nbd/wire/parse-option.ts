/** Contents of options and option replies. Parsers of foreign bytes: `undefined` means malformed. */
import { INFO, MAX_STRING_BYTES } from './constants.ts';
import { readU64 } from './uint64.ts';

export interface InfoRequest {
  readonly exportName: string;
  readonly infos: readonly number[];
}

export interface MetaRequest {
  readonly exportName: string;
  readonly queries: readonly string[];
}

/** Data of GO and INFO: a name, a count, that many 16-bit numbers, nothing else. */
export function parseInfoRequest(data: Buffer): InfoRequest | undefined {
  const name = readString(data, 0);
  if (name === undefined || data.length < name.end + 2) return undefined;
  const count = data.readUInt16BE(name.end);
  if (data.length !== name.end + 2 + 2 * count) return undefined;
  const infos = Array.from({ length: count }, (_, index) => data.readUInt16BE(name.end + 2 + 2 * index));
  return { exportName: name.text, infos };
}

/** Data of LIST_META_CONTEXT and SET_META_CONTEXT: a name, a count, that many strings, nothing else. */
export function parseMetaRequest(data: Buffer): MetaRequest | undefined {
  const name = readString(data, 0);
  if (name === undefined || data.length < name.end + 4) return undefined;
  const count = data.readUInt32BE(name.end);
  const queries: string[] = [];
  let at = name.end + 4;
  // Every query needs four bytes at least, so a count that lies ends the loop at the end of the data.
  while (queries.length < count) {
    const query = readString(data, at);
    if (query === undefined) return undefined;
    queries.push(query.text);
    at = query.end;
  }
  return at === data.length ? { exportName: name.text, queries } : undefined;
}

/** Text of the protocol: UTF-8 of at most 4096 bytes without NUL. */
export function parseText(bytes: Buffer): string | undefined {
  if (bytes.length > MAX_STRING_BYTES || bytes.includes(0)) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readString(data: Buffer, at: number): { text: string; end: number } | undefined {
  if (data.length < at + 4) return undefined;
  const end = at + 4 + data.readUInt32BE(at);
  if (end > data.length) return undefined;
  const text = parseText(data.subarray(at + 4, end));
  return text === undefined ? undefined : { text, end };
}

export type InfoReply =
  | { readonly info: 'export'; readonly sizeBytes: number; readonly flags: number }
  | { readonly info: 'block-size'; readonly min: number; readonly preferred: number; readonly max: number }
  | { readonly info: 'other' };

/** Data of the reply INFO. `sizeBytes` is not a safe integer when the server claims 2^53 or more. */
export function parseInfoReply(data: Buffer): InfoReply | undefined {
  if (data.length < 2) return undefined;
  switch (data.readUInt16BE(0)) {
    case INFO.EXPORT:
      if (data.length !== 12) return undefined;
      return { info: 'export', sizeBytes: readU64(data, 2), flags: data.readUInt16BE(10) };
    case INFO.BLOCK_SIZE:
      if (data.length !== 14) return undefined;
      return {
        info: 'block-size',
        min: data.readUInt32BE(2),
        preferred: data.readUInt32BE(6),
        max: data.readUInt32BE(10),
      };
    default:
      return { info: 'other' };
  }
}

/** Data of the reply META_CONTEXT. */
export function parseMetaContext(data: Buffer): { id: number; name: string } | undefined {
  if (data.length < 4) return undefined;
  const name = parseText(data.subarray(4));
  return name === undefined ? undefined : { id: data.readUInt32BE(0), name };
}

/** Data of the reply SERVER. */
export function parseServer(data: Buffer): { name: string; description: string } | undefined {
  const name = readString(data, 0);
  const description = name && parseText(data.subarray(name.end));
  return name === undefined || description === undefined ? undefined : { name: name.text, description };
}
