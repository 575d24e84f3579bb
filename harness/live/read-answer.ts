/** Reads what a platform answers without believing its shape. */
import type { Json } from '../../src/kernel/journal.ts';

interface Envelope {
  readonly code: number | string;
  readonly message: string;
  readonly data: Json | undefined;
}

export function envelopeOf(text: string): Envelope {
  const value = parseJson(text);
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, Json>>;
  const code = fields['code'] ?? fields['errcode'] ?? 0;
  const { message, data } = fields;
  return {
    code: typeof code === 'string' || typeof code === 'number' ? code : 0,
    message: typeof message === 'string' ? message : '',
    data,
  };
}

export function parseJson(text: string | undefined): Json | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The value behind some keys, `undefined` where there is none. */
export function at(value: Json | undefined, ...keys: readonly string[]): Json | undefined {
  let inner = value;
  for (const key of keys) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined;
    inner = (inner as Readonly<Record<string, Json>>)[key];
  }
  return inner;
}

/** Empty for what is no text. */
export const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

/** Empty for what is no list. */
export const listOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : [];
