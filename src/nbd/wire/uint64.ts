/**
 * 64-bit integers as pairs of 32-bit words. `bigint` costs an allocation per field, and there are three of them in
 * every request.
 */

/**
 * The value at `at`. Above 2^53 it is only approximate (and `Number.isSafeInteger` says no): good enough to see that
 * it lies past the end of anything.
 */
export function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** @throws RangeError when `value` is not an integer in [0, 2^53) */
export function writeU64(bytes: Buffer, value: number, at: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`not an unsigned 53-bit integer: ${value}`);
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value >>> 0, at + 4);
}
