/** Fields of JSON from outside, of which nothing is promised. */
import type { Json } from '../../src/kernel/journal.ts';

export function fieldOf(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let at = value;
  for (const key of path) {
    if (at === undefined || !isRecord(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}

export function textOf(value: Json | undefined, ...path: readonly string[]): string | undefined {
  const found = fieldOf(value, ...path);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
}

export function numberOf(value: Json | undefined, ...path: readonly string[]): number | undefined {
  const found = Number(fieldOf(value, ...path) ?? Number.NaN);
  return Number.isFinite(found) ? found : undefined;
}

/** Empty when it is no list. */
export function listOf(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = fieldOf(value, ...path);
  return Array.isArray(found) ? (found as readonly Json[]) : [];
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
