/**
 * JSON Schemas as plain data with the TypeScript type beside them.
 *
 * A schema costs nothing to import; what compiles it (validation) or prints it (OpenAPI) is loaded by whoever needs
 * it. Objects take unknown fields, as the product does.
 */

import type { Json } from '../kernel/journal.ts';

declare const typeOf: unique symbol;

/** A JSON Schema whose valid values are of type `T`. */
export interface Schema<T = unknown> {
  readonly [keyword: string]: unknown;
  readonly [typeOf]?: T;
}

/** The type of a schema's valid values. */
export type Static<S> = S extends Schema<infer T> ? T : never;

type Fields = Readonly<Record<string, Schema>>;
type RequiredFields<F extends Fields> = { readonly [K in keyof F]: Static<F[K]> };
type OptionalFields<F extends Fields> = { readonly [K in keyof F]?: Static<F[K]> };

export const text: Schema<string> = { type: 'string' };
export const integer: Schema<number> = { type: 'integer' };
export const number: Schema<number> = { type: 'number' };
export const bool: Schema<boolean> = { type: 'boolean' };
export const anything: Schema<Json> = {};
/** 0 or 1, as most of the product's answers have it. */
export const zeroOne: Schema<0 | 1> = { type: 'integer', enum: [0, 1] };
/** What requests may carry for a switch: the POST side documents 0 and 1, the GET side booleans. */
export const flag: Schema<0 | 1 | boolean> = { enum: [0, 1, true, false] };

export const textUpTo = (maxLength: number, minLength = 0): Schema<string> => ({
  type: 'string',
  minLength,
  maxLength,
});
export const integerIn = (minimum: number, maximum: number): Schema<number> => ({
  type: 'integer',
  minimum,
  maximum,
});
export const oneOf = <const V extends string>(...values: readonly V[]): Schema<V> => ({
  type: 'string',
  enum: values,
});
export const listOf = <T>(items: Schema<T>): Schema<readonly T[]> => ({ type: 'array', items });

/** An object with required and optional fields; others pass. */
export function object<R extends Fields>(required: R): Schema<RequiredFields<R>>;
export function object<R extends Fields, O extends Fields>(
  required: R,
  optional: O,
): Schema<RequiredFields<R> & OptionalFields<O>>;
export function object(required: Fields, optional: Fields = {}): Schema {
  return { type: 'object', properties: { ...required, ...optional }, required: Object.keys(required) };
}

/** The same object with further required fields. */
export function extend<T, R extends Fields>(base: Schema<T>, further: R): Schema<T & RequiredFields<R>> {
  return {
    type: 'object',
    properties: { ...(base.properties as Fields), ...further },
    required: [...(base.required as string[]), ...Object.keys(further)],
  };
}
