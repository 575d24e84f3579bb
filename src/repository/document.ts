/**
 * A JSON document with a checksum over its exact text, so that a flipped bit in a manifest is found and not restored
 * from. One line: `{"format":"backlot <kind>","version":1,"sha256":"<64 hex>","body":<JSON>}`.
 */
import type { Json } from '../kernel/journal.ts';
import type { Codec } from './codec.ts';
import { DamagedDocument } from './errors.ts';

const VERSION = 1;
const ENDING = '}\n';

export async function encodeDocument(kind: string, body: unknown, codec: Codec): Promise<Uint8Array> {
  const text = JSON.stringify(body);
  return Buffer.from(head(kind, await codec.hash(Buffer.from(text))) + text + ENDING);
}

/** The body as it was written. @throws DamagedDocument when anything differs */
export async function decodeDocument(kind: string, bytes: Uint8Array, codec: Codec): Promise<Json> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const prefixBytes = Buffer.byteLength(head(kind, '0'.repeat(64)));
  const body = text.subarray(prefixBytes, -ENDING.length);
  const expected = Buffer.from(head(kind, await codec.hash(body)));
  if (
    !expected.equals(text.subarray(0, prefixBytes)) ||
    !text.subarray(-ENDING.length).equals(Buffer.from(ENDING))
  ) {
    throw new DamagedDocument(describe(kind, text));
  }
  return (codec.parseJson ?? JSON.parse)(body.toString()) as Json;
}

function head(kind: string, sha256: string): string {
  return `{"format":"backlot ${kind}","version":${VERSION},"sha256":"${sha256}","body":`;
}

function describe(kind: string, text: Buffer): string {
  const version = /^\{"format":"backlot [a-z ]+","version":(\d+),/.exec(text.subarray(0, 80).toString())?.[1];
  if (version === undefined) return `is not a ${kind} or its beginning is damaged (${text.length} bytes)`;
  return Number(version) > VERSION
    ? `was written by a newer version (format ${version}; this program knows ${VERSION})`
    : `does not match its checksum (${text.length} bytes)`;
}
