/** Reads fault descriptions that come from outside: a control request, a scenario, a test. */
import { ApiError } from '../../src/contract/errors.ts';
import type { FaultKind, FaultSpec } from './fault-api.ts';

/** Where a kind may strike: REST operations, the data plane, the guests of proxies, or all of them. */
type Place = 'rest' | 'nbd' | 'guest' | 'everywhere';

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
/** Characters of a disk's id, a UUID. */
const LONGEST_SERIAL = 36;

/** Every fault there is. The order is the order in which they are listed to people. */
export const FAULT_KINDS = {
  error: {
    place: 'everywhere',
    fields: { status: isWhole(400, 599), message: isText },
    what: 'The operation is refused before it has any effect; on the data plane and in a guest the request gets EIO.',
  },
  'lose-reply': {
    place: 'everywhere',
    fields: {},
    what: 'The operation has its effect; the connection ends without a reply.',
  },
  'lose-request': {
    place: 'everywhere',
    fields: {},
    what: 'The request is lost before it has any effect; the connection ends without a reply.',
  },
  delay: {
    place: 'everywhere',
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
    place: 'everywhere',
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
  'device-late': {
    place: 'guest',
    fields: { ms: isWhole(1, LONGEST_DELAY_MS) },
    what: 'A hot-added device appears in the guest so much later than its task ends.',
  },
  'device-never': {
    place: 'guest',
    fields: {},
    what: 'The HotAdd task ends well, the device never appears in the guest.',
  },
  'device-order': {
    place: 'guest',
    fields: {},
    what: 'The devices of one HotAdd task (of two disks and more) appear in the reverse order.',
  },
  'device-name': {
    place: 'guest',
    fields: {},
    what: 'The device has a name of another family, sdb for vdb.',
  },
  'device-serial': {
    place: 'guest',
    fields: { characters: isWhole(0, LONGEST_SERIAL) },
    what: "Only so many characters of the disk's id are its serial number; 0: none. The usual number is 20.",
  },
  'guest-signature': {
    place: 'guest',
    fields: {},
    what: "The guest's system writes a disk signature into the first sector as soon as it sees the device.",
  },
  'device-vanishes': {
    place: 'guest',
    fields: { bytes: isWhole(0, Number.MAX_SAFE_INTEGER) },
    what: 'The device is gone after so many bytes were read from it; the platform still calls it attached.',
  },
  'detach-hangs': {
    place: 'guest',
    fields: { ms: isWhole(0, LONGEST_DELAY_MS) },
    what: 'The guest lets the device go only after so long; 0: never, so that the removal fails.',
  },
  'detach-early': {
    place: 'guest',
    fields: { ms: isWhole(1, LONGEST_DELAY_MS) },
    what: 'The removal is reported done so much before the guest lets go.',
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
  const { on, kind } = fields;
  const isElsewhere = on === 'nbd' || on === 'guest';
  if (row.place === 'rest' && isElsewhere)
    return [`on: this fault strikes at REST operations only, not at "${on}"`];
  if ((row.place === 'nbd' || row.place === 'guest') && on !== row.place)
    return [`on: this fault strikes only at "${row.place}"`];
  if (kind === 'bad-certificate' && (fields['server'] ?? fields['device']) !== undefined)
    return ['server: not for this fault; a certificate is shown before the client names its disk'];
  if (kind === 'device-order' && fields['device'] !== undefined)
    return ['device: not for this fault; it strikes at all disks of one HotAdd task'];
  return [];
}
