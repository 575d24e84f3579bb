/** Holds requests against the schemas of the contract. */
import { createRequire } from 'node:module';
import type { Validator } from 'typebox/schema';
import { ApiError } from '../../src/contract/errors.ts';
import type { Schema } from '../../src/contract/schema.ts';

/** Loaded at first use: the import takes a tenth of a second, which a server that is starting up has not. */
const load = createRequire(import.meta.url);
const validators = new WeakMap<Schema, Validator>();

/** @throws INVALID_PARAMETER naming the field that is wrong first */
export function checkAgainst(schema: Schema, value: unknown): void {
  const validator = validatorOf(schema);
  if (validator.Check(value)) return;
  const [, [error]] = validator.Errors(value);
  if (error === undefined) throw new ApiError('INVALID_PARAMETER');
  const missing = error.keyword === 'required' ? `${error.params.requiredProperties[0]}` : '';
  const field = [...error.instancePath.split('/').slice(1), missing].filter((part) => part !== '').join('.');
  if (error.keyword === 'format' && error.params.format === 'uuid')
    throw new ApiError('INVALID_PARAMETER', `${field} input error: the value must be in UUID format`);
  const what = missing === '' ? complaintOf(error) : 'is required';
  throw new ApiError('INVALID_PARAMETER', field === '' ? what : `${field}: ${what}`);
}

type Complaint = ReturnType<Validator['Errors']>[1][number];

/** A value that is none of a few: the few are worth naming. */
function complaintOf({ keyword, params, message }: Complaint): string {
  if (keyword !== 'enum') return message;
  return `must be one of ${(params as { allowedValues: readonly unknown[] }).allowedValues.join(', ')}`;
}

function validatorOf(schema: Schema): Validator {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const { Compile } = load('typebox/schema') as typeof import('typebox/schema');
  const validator = Compile(schema as object) as Validator;
  validators.set(schema, validator);
  return validator;
}

/**
 * Query values arrive as text; those that the schema has as integers or lists become such. What cannot be converted
 * stays as it is and fails the check. An empty value counts as not sent, except where only a UUID will do.
 */
export function coerceQuery(
  schema: Schema,
  query: Readonly<Record<string, string | readonly string[]>>,
): Record<string, unknown> {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(query)) {
    const property = properties[name];
    if (value === '' && property?.format !== 'uuid') continue;
    out[name] = property === undefined ? value : coerce(property, value);
  }
  return out;
}

function coerce(schema: Schema, value: string | readonly string[]): unknown {
  if (schema.type === 'array')
    return (typeof value === 'string' ? [value] : value).flatMap((one) => one.split(','));
  const last = typeof value === 'string' ? value : value.at(-1);
  if (schema.type === 'integer' && last !== undefined && /^-?\d{1,16}$/.test(last)) return Number(last);
  return last;
}
