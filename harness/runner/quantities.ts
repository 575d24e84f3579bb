/** Sizes and durations as scenario files write them: `64KiB`, `10MiB+512`, `90s`, `24h`. */

export const SIZE_PATTERN = '^\\d+(B|KiB|MiB|GiB|TiB)?(\\+\\d+)?$';
export const DURATION_PATTERN = '^\\d+(ms|s|m|h|d)$';

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Bytes. @throws RangeError when the text does not match `SIZE_PATTERN` */
export function parseSize(text: string | number): number {
  if (typeof text === 'number') return text;
  const match = /^(\d+)([A-Za-z]*)(?:\+(\d+))?$/.exec(text);
  const unit = SIZE_UNITS[match?.[2] || 'B'];
  if (match === null || unit === undefined) throw new RangeError(`not a size: ${text}`);
  return Number(match[1]) * unit + Number(match[3] ?? 0);
}

/** Milliseconds. @throws RangeError when the text does not match `DURATION_PATTERN` */
export function parseDuration(text: string): number {
  const match = /^(\d+)([a-z]+)$/.exec(text);
  const unit = DURATION_UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined) throw new RangeError(`not a duration: ${text}`);
  return Number(match[1]) * unit;
}
