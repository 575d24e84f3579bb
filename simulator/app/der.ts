/**
 * Just enough DER to write an X.509 certificate.
 *
 * Writing it here costs a third of a millisecond per certificate, without asynchronous crypto; a certificate library
 * on WebCrypto costs ten times that, keeps the thread pool busy in runs that must be pure JavaScript, and delays the
 * start of the process. Tests read every certificate with independent implementations.
 */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element: tag, length, content. */
export function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(body.length)]), body]);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return [0x80 | bytes.length, ...bytes];
}

export const sequence = (...content: readonly Uint8Array[]): Buffer => element(TAG.sequence, ...content);
export const set = (...content: readonly Uint8Array[]): Buffer => element(TAG.set, ...content);
export const octets = (content: Uint8Array): Buffer => element(TAG.octetString, content);
export const text = (value: string): Buffer => element(TAG.utf8String, Buffer.from(value));
export const truth = (): Buffer => element(TAG.boolean, Buffer.from([0xff]));

/** A whole number, given as its big-endian bytes; never negative. */
export function integer(bytes: Uint8Array): Buffer {
  const isHigh = ((bytes[0] ?? 0) & 0x80) !== 0;
  return element(TAG.integer, Buffer.from(isHigh ? [0] : []), bytes);
}

/** Bits, the last `unusedBits` of which do not count. */
export function bits(content: Uint8Array, unusedBits = 0): Buffer {
  return element(TAG.bitString, Buffer.from([unusedBits]), content);
}

/** `2.5.4.3` */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(TAG.objectId, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

/** `2026-01-31T00:00:00Z`; the form used here holds years from 1950 to 2049 only. */
export function utcTime(iso: string): Buffer {
  return element(TAG.utcTime, Buffer.from(`${iso.slice(2, 19).replaceAll(/[-:T]/g, '')}Z`, 'latin1'));
}

/** A context-specific tag; `isConstructed` when its content is elements. */
export function tagged(number: number, isConstructed: boolean, ...content: readonly Uint8Array[]): Buffer {
  return element(0x80 | (isConstructed ? 0x20 : 0) | number, ...content);
}
