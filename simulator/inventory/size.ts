/** Sizes as people write them. */

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** `10GiB`, `1.5TiB`, `1TiB+512`, `64MiB-512`: terms of a number and a binary unit, bytes where there is none. */
export const SIZE_PATTERN =
  '^\\d+(\\.\\d+)? ?(B|KiB|MiB|GiB|TiB)?( ?[+-] ?\\d+(\\.\\d+)? ?(B|KiB|MiB|GiB|TiB)?)*$';

/** Bytes, or `undefined` where the text is not a whole number of bytes from 0 to 2^53 - 1. */
export function parseSize(size: string | number): number | undefined {
  const bytes = typeof size === 'number' ? size : sumOfTerms(size);
  return bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
}

function sumOfTerms(text: string): number | undefined {
  if (!new RegExp(SIZE_PATTERN).test(text)) return undefined;
  let bytes = 0;
  for (const [, sign, number, unit] of text.matchAll(/([+-]?) ?(\d+(?:\.\d+)?) ?([KMGT]iB|B)?/g))
    bytes += (sign === '-' ? -1 : 1) * Number(number) * (UNIT_BYTES[unit ?? ''] ?? 1);
  return bytes;
}
