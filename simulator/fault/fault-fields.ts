/** The fields of fault descriptions: what may stand in each, and how a scenario file calls it. */
import type { ShapeSchema } from '../inventory/check-shape.ts';

export interface FaultField {
  /** What is wrong with a value; `undefined` when nothing is. */
  readonly check: (value: unknown) => string | undefined;
  /** The values in words, for people. */
  readonly values: string;
  /** As JSON Schema. */
  readonly schema: ShapeSchema;
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

function integer(
  values: string,
  word: string,
  form: FaultField['form'],
  [minimum, maximum]: readonly [number, number],
): FaultField {
  const schema = { type: 'integer', description: values, minimum, maximum };
  return { check: isWhole(minimum, maximum), values, schema, word, form };
}

export function whole(word: string, min: number, max: number): FaultField {
  return integer(`integer from ${min} to ${max}`, word, 'plain', [min, max]);
}

/** Milliseconds, up to a week. */
export function duration(word: string, min: number): FaultField {
  return integer('milliseconds', word, 'duration-ms', [min, LONGEST_MS]);
}

/** Seconds, up to a week. */
export function seconds(word: string, min: number): FaultField {
  return integer('seconds', word, 'duration-seconds', [min, LONGEST_MS / 1000]);
}

/** Bytes. */
export function size(word: string): FaultField {
  return integer('bytes', word, 'size', [0, Number.MAX_SAFE_INTEGER]);
}

export function text(word: string): FaultField {
  const check = (value: unknown): string | undefined =>
    typeof value === 'string' ? undefined : 'must be a string';
  return { check, values: 'text', schema: { type: 'string' }, word, form: 'plain' };
}

export function oneOf(word: string, allowed: readonly string[]): FaultField {
  const list = allowed.join(', ');
  const check = (value: unknown): string | undefined =>
    allowed.includes(value as string) ? undefined : `must be one of ${list}`;
  return { check, values: `one of ${list}`, schema: { enum: allowed }, word, form: 'plain' };
}

/** The same, but a scenario file may leave it out. */
export function usually(field: FaultField, fallback: string): FaultField {
  return { ...field, fallback };
}

export function optional(field: FaultField): FaultField {
  return { ...field, isOptional: true };
}
