/** Reads fault descriptions that come from outside: a control request, a scenario, a test. */
import { ApiError } from '../../src/contract/errors.ts';
import type { FaultKind, FaultSpec } from './fault-api.ts';

/** Where a kind may strike: REST operations, the data plane, or both. */
type Place = 'rest' | 'nbd' | 'both';

interface KindRow {
  readonly place: Place;
  /** Fields of the kind, beside `kind`, each with its check. */
  readonly fields: Readonly<Record<string, (value: unknown) => string | undefined>>;
  readonly what: string;
}

const isWhole = (min: number, max: number) => (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
    ? undefined
    : `must be an integer from ${min} to ${max}`;
const isText = (value: unknown) => (typeof value === 'string' ? undefined : 'must be a string');
const isOneOf =
  (...allowed: readonly string[]) =>
  (value: unknown) =>
    allowed.includes(value as string) ? undefined : `must be one of ${allowed.join(', ')}`;

const LONGEST_DELAY_MS = 7 * 24 * 3_600_000;

/** Every fault there is. The order is the order in which they are listed to people. */
export const FAULT_KINDS = {
  error: {
    place: 'both',
    fields: { status: isWhole(400, 599), message: isText },
    what: 'The operation is refused before it has any effect; on the data plane the request gets EIO.',
  },
  'lose-reply': {
    place: 'both',
    fields: {},
    what: 'The operation has its effect; the connection ends without a reply.',
  },
  'lose-request': {
    place: 'both',
    fields: {},
    what: 'The request is lost before it has any effect; the connection ends without a reply.',
  },
  delay: {
    place: 'both',
    fields: { ms: isWhole(0, LONGEST_DELAY_MS), when: isOneOf('before', 'after') },
    what: 'The operation waits before its effect or before its reply.',
  },
  'cbt-expired': {
    place: 'rest',
    fields: {},
    what: 'Every checkpoint of the server becomes void, and the query says so.',
  },
  'expire-tokens': {
    place: 'rest',
    fields: {},
    what: 'Every login token stops being valid before the operation.',
  },
  'expire-resource': {
    place: 'both',
    fields: {},
    what: 'Every running backup resource of the server ends as if its time were over, before the operation.',
  },
  'drop-after-bytes': {
    place: 'nbd',
    fields: { bytes: isWhole(0, Number.MAX_SAFE_INTEGER) },
    what: 'The NBD connection is reset after so many bytes of replies.',
  },
  'silence-after-bytes': {
    place: 'nbd',
    fields: { bytes: isWhole(0, Number.MAX_SAFE_INTEGER) },
    what: 'The NBD connection stays up and says nothing more after so many bytes of replies.',
  },
  'one-byte-at-a-time': {
    place: 'nbd',
    fields: {},
    what: 'Everything the NBD server sends arrives one byte at a time.',
  },
  'bad-certificate': {
    place: 'nbd',
    fields: { flaw: isOneOf('foreign-ca', 'expired', 'wrong-host') },
    what: 'The NBD server shows a certificate that does not fit.',
  },
} as const satisfies Record<FaultKind['kind'], KindRow>;

const COMMON_FIELDS: KindRow['fields'] = {
  kind: isText,
  on: isText,
  id: isText,
  server: isText,
  device: isText,
  after: isWhole(0, Number.MAX_SAFE_INTEGER),
  times: isWhole(0, Number.MAX_SAFE_INTEGER),
};

/**
 * A fault description, checked.
 * @throws ApiError INVALID_PARAMETER naming every field that is wrong, and what is allowed there
 */
export function parseFaultSpec(input: unknown): FaultSpec {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new ApiError('INVALID_PARAMETER', 'a fault is an object with "kind" and "on"');
  const fields = input as Readonly<Record<string, unknown>>;
  const row = kindRow(fields['kind']);
  const problems = [...missing(fields, row), ...wrong(fields, row), ...misplaced(fields, row)];
  if (problems.length > 0) throw new ApiError('INVALID_PARAMETER', problems.join('; '));
  return fields as unknown as FaultSpec;
}

function kindRow(kind: unknown): KindRow {
  if (typeof kind === 'string' && Object.hasOwn(FAULT_KINDS, kind))
    return FAULT_KINDS[kind as FaultKind['kind']];
  const known = Object.keys(FAULT_KINDS).join(', ');
  throw new ApiError('INVALID_PARAMETER', `kind: must be one of ${known}`);
}

function missing(fields: Readonly<Record<string, unknown>>, row: KindRow): string[] {
  return ['on', ...Object.keys(row.fields)]
    .filter((name) => fields[name] === undefined)
    .map((name) => `${name}: is missing`);
}

function wrong(fields: Readonly<Record<string, unknown>>, row: KindRow): string[] {
  const checks: KindRow['fields'] = { ...COMMON_FIELDS, ...row.fields };
  return Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const check = checks[name];
    if (check === undefined)
      return [`${name}: is not a field of this fault; allowed are ${Object.keys(checks).join(', ')}`];
    const problem = check(value);
    return problem === undefined ? [] : [`${name}: ${problem}`];
  });
}

function misplaced(fields: Readonly<Record<string, unknown>>, row: KindRow): string[] {
  const isData = fields['on'] === 'nbd';
  if (row.place === 'nbd' && !isData) return ['on: this fault strikes only at "nbd"'];
  if (fields['kind'] === 'bad-certificate' && (fields['server'] ?? fields['device']) !== undefined)
    return ['server: not for this fault; a certificate is shown before the client names its disk'];
  if (row.place === 'rest' && isData) return ['on: this fault strikes at REST operations only, not at "nbd"'];
  return [];
}
