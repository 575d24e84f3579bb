import { ApiError } from '../../src/contract/errors.ts';
import type { QueryField } from './control-api.ts';

/** The query's fields as numbers and booleans. @throws ApiError INVALID_PARAMETER naming the field and what is allowed */
export function parseQuery(
  given: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, QueryField>>,
): Record<string, number | boolean | undefined> {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) {
    const known = Object.keys(fields).join(', ') || 'none';
    throw new ApiError('INVALID_PARAMETER', `${unknown}: is not a known query field; known: ${known}`);
  }
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, parseField(name, given[name], field)]),
  );
}

function parseField(name: string, value: unknown, field: QueryField): number | boolean | undefined {
  if (value === undefined && field.isRequired !== true) return undefined;
  if (field.type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  if (field.type === 'integer' && typeof value === 'string' && /^\d{1,16}$/.test(value)) {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
  }
  const wanted = field.type === 'integer' ? 'a whole number from 0 on' : 'true or false';
  throw new ApiError('INVALID_PARAMETER', `${name}: must be ${wanted} (${field.description})`);
}
