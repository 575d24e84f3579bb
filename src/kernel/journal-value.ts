/** What of a request or an answer may get into the journal: no secret, no ciphertext, no key, nothing long. */
import type { Json } from './journal.ts';

/** Stands for a secret. */
export const HIDDEN = '***';
/** Fields whose content never gets into a journal. */
export const SECRET_NAMES: ReadonlySet<string> = new Set([
  'password',
  'public_key',
  'ca_cert',
  'signature',
  'secret_key',
  'audit_ids',
  // A command that sets a guest up for the first time carries passwords, and what it prints may repeat them.
  'command',
  'output',
]);
/** Bytes of JSON; longer values are left out as a whole. */
const LIMIT_BYTES = 2048;

/** The value without its secrets, or `undefined` when it is long. */
export function journalValue(value: Json | undefined): Json | undefined {
  if (value === undefined || leastBytes(value, LIMIT_BYTES) >= LIMIT_BYTES) return undefined;
  const clean = redact(value);
  return Buffer.byteLength(JSON.stringify(clean)) < LIMIT_BYTES ? clean : undefined;
}

/**
 * A number of bytes that the value without its secrets can't be shorter than; stops counting at `enough`. Most long
 * answers are known by it, without a copy.
 */
function leastBytes(value: Json, enough: number, name = ''): number {
  if (SECRET_NAMES.has(name)) return 2;
  // A hidden id of a token may be shorter than the token.
  if (typeof value === 'string') return name === 'id' ? 2 : value.length + 2;
  if (value === null || typeof value !== 'object') return 1;
  return isList(value) ? leastBytesOfList(value, enough) : leastBytesOfFields(value, enough);
}

function leastBytesOfList(list: readonly Json[], enough: number): number {
  let bytes = 2;
  for (const one of list) {
    if (bytes >= enough) return bytes;
    bytes += leastBytes(one, enough - bytes);
  }
  return bytes;
}

function leastBytesOfFields(fields: Readonly<Record<string, Json | undefined>>, enough: number): number {
  let bytes = 2;
  for (const key in fields) {
    if (bytes >= enough) return bytes;
    const value = fields[key];
    // What is undefined is left out of JSON.
    if (value !== undefined) bytes += key.length + 3 + leastBytes(value, enough - bytes, key);
  }
  return bytes;
}

function redact(value: Json, name = ''): Json {
  if (SECRET_NAMES.has(name)) return HIDDEN;
  if (isList(value)) return value.map((one) => redact(one));
  if (value === null || typeof value !== 'object') return value;
  return redactFields(value, name);
}

/** Loops, because every call passes here twice. */
function redactFields(fields: Readonly<Record<string, Json>>, name: string): Json {
  const clean: Record<string, Json> = {};
  for (const key in fields) {
    const inner = fields[key];
    if (inner !== undefined) clean[key] = name === 'token' && key === 'id' ? HIDDEN : redact(inner, key);
  }
  return clean;
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
