/**
 * What of a live platform's calls may stand in a journal that leaves the house: shapes, times, numbers, and words that
 * the contract itself has. Every other text becomes a pseudonym: a keyed hash, so that equal texts stay equal and
 * nobody without the key, which is thrown away, can try names against it.
 */
import { API_ERRORS } from '../../src/contract/errors.ts';
import { KNOWN_PATHS } from '../../src/contract/known-paths.ts';
import { PROXY_OS_NAME } from '../../src/contract/assumed.ts';
import { OPERATION_NAMES, operationOf } from '../../src/contract/operations.ts';
import type { Schema } from '../../src/contract/schema.ts';
import { createHmacKey, hmacSha256Hex } from '../../src/kernel/hmac-sha256.ts';
import type { Json } from '../../src/kernel/journal.ts';
import { HIDDEN, SECRET_NAMES } from '../../src/kernel/journal-value.ts';
import type { Mask } from './call-recorder.ts';

/** Words that the product says and the contract does not list. @fidelity observed */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  status:
    'running stopped starting stopping suspended normal creating deleting offline ok alarm error fail'.split(
      ' ',
    ),
  power_state: ['on', 'off'],
  type: ['hci', 'h', 'vmware', 'vs', 'nfs', 'local', 'new_disk', 'derive_disk'],
  os_name: [PROXY_OS_NAME],
  vmtype: ['vm', 'derive', 'placeholder'],
};

const NUMERIC: ReadonlySet<string> = new Set([
  'checkpoint_id',
  'next_page_num',
  'page_num',
  'page_size',
  'start_offset',
  'lock_time',
  'force',
]);
const INSTANTS: ReadonlySet<string> = new Set([
  'begin_time',
  'end_time',
  'created_at',
  'issued_at',
  'expires',
]);
const SLOT = /^(?:ide|virtio|scsi|sata)\d{1,3}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?$/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function createPseudonyms(key: Uint8Array): Mask {
  const hmacKey = createHmacKey(Buffer.from(key));
  const digest = (text: string): string => hmacSha256Hex(hmacKey, text);
  const text = (plain: string): string => (plain === '' ? '' : pseudonymOf(plain, digest));
  const json = (value: Json, field = ''): Json => {
    if (SECRET_NAMES.has(field)) return HIDDEN;
    if (typeof value === 'string')
      return isPlain(field, value) ? value : (catalogued(value, field) ?? text(value));
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => json(item, field));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        vocabulary().fields.has(name) ? name : `key-${digest(name).slice(0, 8)}`,
        json(inner, name),
      ]),
    );
  };
  return {
    json: (value) => json(value),
    text,
    message: messageOf,
    word: (word) => vocabulary().segments.has(word),
  };
}

/** Ids keep their look, because products take them apart. */
function pseudonymOf(plain: string, digest: (text: string) => string): string {
  const parts = plain.split(':');
  if (parts.length > 1 && parts.every((part) => UUID.test(part)))
    return parts.map((part) => pseudonymOf(part, digest)).join(':');
  const hex = digest(plain);
  if (!UUID.test(plain)) return `x${hex.slice(0, 12)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

function isPlain(field: string, value: string): boolean {
  if (value === '') return true;
  if (NUMERIC.has(field)) return /^-?\d{1,20}$/.test(value);
  if (INSTANTS.has(field)) return INSTANT.test(value);
  if (field === 'version' || field === 'versions') return /^(?:SCP)?\d+(?:\.\d+){1,2}$/.test(value);
  if (SLOT.test(value)) return true;
  return WORDS[field]?.includes(value) === true || vocabulary().words.get(field)?.has(value) === true;
}

/** Reasons of failed tasks stand in their descriptions. */
function catalogued(value: string, field: string): string | undefined {
  if (field !== 'description') return undefined;
  return MESSAGES.find((message) => value.startsWith(message));
}

const MESSAGES: readonly string[] = Object.values(API_ERRORS).map(({ message }) => message);

function messageOf(message: string): string {
  return MESSAGES.find((known) => message.startsWith(known)) ?? `(a message of ${message.length} characters)`;
}

interface Vocabulary {
  /** Names of fields. */
  readonly fields: ReadonlySet<string>;
  /** Values that the contract lists, by the name of their field. */
  readonly words: ReadonlyMap<string, ReadonlySet<string>>;
  /** Pieces of paths that are no ids. */
  readonly segments: ReadonlySet<string>;
}

let built: Vocabulary | undefined;

function vocabulary(): Vocabulary {
  built ??= buildVocabulary();
  return built;
}

function buildVocabulary(): Vocabulary {
  const fields = new Set<string>();
  const words = new Map<string, Set<string>>();
  const collect = (schema: Schema | undefined, field: string): void => {
    if (schema === undefined) return;
    for (const value of (schema['enum'] ?? []) as readonly unknown[])
      if (typeof value === 'string') words.set(field, (words.get(field) ?? new Set()).add(value));
    for (const [name, inner] of Object.entries((schema['properties'] ?? {}) as Record<string, Schema>)) {
      fields.add(name);
      collect(inner, name);
    }
    collect(schema['items'] as Schema | undefined, field);
  };
  const paths: string[] = KNOWN_PATHS.map((line) => line.split(' ')[1] ?? '');
  for (const operation of OPERATION_NAMES) {
    const { query, body, data, paths: own } = operationOf(operation);
    for (const schema of [query, body, data]) collect(schema, '');
    paths.push(...own);
  }
  const segments = paths.flatMap((path) => path.split('/')).filter((segment) => !segment.startsWith('{'));
  return { fields, words, segments: new Set(segments) };
}
