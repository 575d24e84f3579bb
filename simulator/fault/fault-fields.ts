/** The fields of fault descriptions: what may stand in each, and how a scenario file calls it. */

export interface FaultField {
  /** What is wrong with a value; `undefined` when nothing is. */
  readonly check: (value: unknown) => string | undefined;
  /** The values in words, for people. */
  readonly values: string;
  /** Name in a scenario file. */
  readonly word: string;
  /** How a scenario file writes it: a text such as `90s` for durations, `64KiB` for sizes. */
  readonly form: 'plain' | 'duration-ms' | 'duration-seconds' | 'size';
  /** May be left out everywhere. */
  readonly isOptional?: true;
  /** Stands for it where a scenario file leaves it out. */
  readonly fallback?: string;
}

export type FaultFields = Readonly<Record<string, FaultField>>;

const LONGEST_MS = 7 * 24 * 3_600_000;

const isWhole = (min: number, max: number) => (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
    ? undefined
    : `must be an integer from ${min} to ${max}`;

export function whole(word: string, min: number, max: number): FaultField {
  return { check: isWhole(min, max), values: `integer from ${min} to ${max}`, word, form: 'plain' };
}

/** Milliseconds, up to a week. */
export function duration(word: string, min: number): FaultField {
  return { check: isWhole(min, LONGEST_MS), values: 'milliseconds', word, form: 'duration-ms' };
}

/** Seconds, up to a week. */
export function seconds(word: string, min: number): FaultField {
  return { check: isWhole(min, LONGEST_MS / 1000), values: 'seconds', word, form: 'duration-seconds' };
}

/** Bytes. */
export function size(word: string): FaultField {
  return { check: isWhole(0, Number.MAX_SAFE_INTEGER), values: 'bytes', word, form: 'size' };
}

export function text(word: string): FaultField {
  const check = (value: unknown): string | undefined =>
    typeof value === 'string' ? undefined : 'must be a string';
  return { check, values: 'text', word, form: 'plain' };
}

export function oneOf(word: string, allowed: readonly string[]): FaultField {
  const list = allowed.join(', ');
  const check = (value: unknown): string | undefined =>
    allowed.includes(value as string) ? undefined : `must be one of ${list}`;
  return { check, values: `one of ${list}`, word, form: 'plain' };
}

/** The same, but a scenario file may leave it out. */
export function usually(field: FaultField, fallback: string): FaultField {
  return { ...field, fallback };
}

export function optional(field: FaultField): FaultField {
  return { ...field, isOptional: true };
}
