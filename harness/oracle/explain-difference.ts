/** Why a sector is wrong, in words that point at the mistake. Only called once bytes are known to differ. */
import type { ExpectedImage, GuestOperation } from './guest-log.ts';
import { patternBytes, readStamp, SECTOR_BYTES } from './write-pattern.ts';

/** Explains the sector at `offset`: it should hold `wanted` and holds `found`. */
export function explainDifference(
  expected: ExpectedImage,
  offset: number,
  wanted: Uint8Array,
  found: Uint8Array,
): string {
  const at = firstDifference(wanted, found);
  const owner = ownerOf(expected, offset + at);
  const holds = describeFound(expected, offset, at, found);
  return `holds ${holds.what}, expected ${describeOwner(owner)}: ${diagnose(holds, owner)}`;
}

type Found =
  | { readonly kind: 'zeros' | 'initial' | 'unknown' | 'misplaced'; readonly what: string }
  | { readonly kind: 'older' | 'newer'; readonly what: string };

function describeFound(expected: ExpectedImage, offset: number, at: number, found: Uint8Array): Found {
  const operation = expected.operations.findLast((candidate) =>
    isMadeBy(candidate, offset + at, found.subarray(at)),
  );
  if (operation !== undefined) {
    const isNewer = expected.operations.indexOf(operation) >= expected.operationCount;
    return { kind: isNewer ? 'newer' : 'older', what: `write ${operation.number}` };
  }
  if (found.every((byte) => byte === 0)) return { kind: 'zeros', what: 'zeros' };
  const initial = expected.initial.subarray(offset, offset + found.length);
  if (Buffer.compare(initial, found) === 0) return { kind: 'initial', what: 'the initial content' };
  return describeStray(expected, found);
}

function describeStray(expected: ExpectedImage, found: Uint8Array): Found {
  const stamp = readStamp(found);
  if (stamp === undefined) return { kind: 'unknown', what: 'bytes that no guest wrote' };
  const disk = expected.diskOfWrite(stamp.write) ?? 'an unknown disk';
  const place = `sector ${stamp.sector} (offset ${stamp.sector * SECTOR_BYTES}) of ${disk}`;
  return { kind: 'misplaced', what: `write ${stamp.write} of ${place}` };
}

function diagnose(found: Found, owner: GuestOperation | undefined): string {
  if (found.kind === 'newer') return 'it was written after the snapshot';
  if (found.kind === 'misplaced') return 'bytes landed in the wrong place';
  if (found.kind === 'unknown') return 'bytes were damaged';
  const isOwnerZero = owner?.kind === 'trim' || owner?.kind === 'zero';
  if (isOwnerZero) return `a ${owner.kind} was missed`;
  if (found.kind === 'zeros') return 'data was lost or taken for a hole';
  return owner === undefined ? 'bytes were damaged' : 'a change was missed';
}

function describeOwner(owner: GuestOperation | undefined): string {
  if (owner === undefined) return 'the initial content';
  switch (owner.kind) {
    case 'data':
      return `write ${owner.number}`;
    case 'zero':
    case 'trim':
      return `the zeros of ${owner.kind} ${owner.number}`;
    case 'replaced':
      return `the content from ${owner.why}`;
  }
}

/** The last operation before the moment that covers the byte; `undefined` for the initial content. */
function ownerOf(expected: ExpectedImage, offset: number): GuestOperation | undefined {
  return expected.operations.slice(0, expected.operationCount).findLast((op) => covers(op, offset));
}

function covers(operation: GuestOperation, offset: number): boolean {
  if (operation.kind === 'replaced') return true;
  return offset >= operation.offset && offset < operation.offset + operation.length;
}

/** Whether the bytes at `offset` are those of this data write, as far as it reaches into them (at most 32). */
function isMadeBy(operation: GuestOperation, offset: number, bytes: Uint8Array): boolean {
  if (operation.kind !== 'data' || !covers(operation, offset)) return false;
  const length = Math.min(bytes.length, 32, operation.offset + operation.length - offset);
  return Buffer.compare(patternBytes(operation.number, offset, length), bytes.subarray(0, length)) === 0;
}

function firstDifference(wanted: Uint8Array, found: Uint8Array): number {
  return Math.max(
    0,
    wanted.findIndex((byte, at) => byte !== found[at]),
  );
}
