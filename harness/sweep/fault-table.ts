/** What may go wrong at a point: the kinds of attack per kind of point. */
import { DEFAULT_SETTINGS } from '../../simulator/domain/default-settings.ts';
import {
  ALWAYS,
  type AttackRow,
  befalls,
  borne,
  connection,
  data,
  device,
  type Ground,
  JUMP,
  jumped,
  killed,
  LONG_DELAY,
  midReply,
  ONCE,
  OUTAGE,
  refused,
  rest,
  storage,
  struck,
  task,
  taskOf,
} from './attack-rows.ts';
import { REFUSAL_CODES, type RefusalCode } from './refusals.ts';
import type { Point, PointKind } from './sweep-api.ts';

/** Where the call itself has the effect, a task that forgets it has nothing to forget. */
const DONE_BY_THE_CALL: readonly string[] = ['backup-resource.delete', 'backup-resource.renew'];

const PHANTOM: AttackRow = {
  ...task({ kind: 'task-phantom' }, ['finish']),
  fits: ({ name }) => taskOf(name).step === 'finish' && !DONE_BY_THE_CALL.includes(taskOf(name).action),
};

/** Calls at which no lock is held pass uncounted. */
const LOCK_LOSS: AttackRow = {
  fault: 'expire-resource',
  persistences: ALWAYS,
  fits: ({ nthLocked }) => nthLocked !== undefined,
  attack: ({ name, nthLocked = 1 }, persistence, id) =>
    struck({ kind: 'expire-resource', on: name }, nthLocked, persistence, id),
};

/** Where no proxy is spoken of or holds a disk, none can crash. */
function knowsProxy({ kind, name }: Point, { usesProxies }: Ground): boolean {
  return usesProxies && (kind === 'guest.io' || /^(hci\.)?hot-add\./.test(name));
}

/** A call that concerns no single server concerns no host. */
function knowsHost({ kind, name }: Point): boolean {
  return kind !== 'rest.request' || /^(backup-resources|snapshots|cbt|(hci\.)?hot-add)\./.test(name);
}

const MISFORTUNES: readonly AttackRow[] = [
  ...befalls({ kind: 'occupy', for: OUTAGE }).map((row) => borne(row)),
  ...befalls({ kind: 'preempt' }),
  ...befalls({ kind: 'host-gone', for: OUTAGE }, knowsHost),
  ...befalls({ kind: 'datastore-offline', for: OUTAGE }),
  ...befalls({ kind: 'datastore-full', for: OUTAGE }),
  ...befalls({ kind: 'proxy-crash' }, knowsProxy),
  ...befalls({ kind: 'restart' }).map((row) => borne(row)),
];

/** Of all tasks from the first one on: it is a task that has an order, not a device. */
const DEVICE_ORDER: AttackRow = {
  ...borne(device('appears', { kind: 'device-order' }), ALWAYS),
  fits: ({ name, nth }, { hasManyDisks }) => name === 'appears' && nth === 1 && hasManyDisks === true,
};

/** Under this read: what was read of the device before is all that it gives. */
const VANISHING: AttackRow = {
  fault: 'device-vanishes',
  persistences: ALWAYS,
  fits: ({ reached }) => reached !== undefined,
  attack: ({ reached = { bytes: 1, nth: 1 } }, persistence, id) =>
    struck({ kind: 'device-vanishes', on: 'guest', bytes: reached.bytes }, reached.nth, persistence, id),
};

/** A slow read is no reason to fail; one that is always slow is none where requests have the time. */
function slow(on: 'nbd' | 'guest', when: 'before' | 'after'): AttackRow {
  const row = data(on, { kind: 'delay', delay: LONG_DELAY, when });
  return {
    ...row,
    isBearable: (point, persistence, { isPatient }) =>
      (on === 'nbd' || isRead(point)) && (persistence === 'once' || isPatient === true),
  };
}

/** Counted among the reads alone. */
const CORRUPTION: AttackRow = {
  fault: 'corrupt-payload',
  persistences: ALWAYS,
  fits: ({ name }) => name === 'READ',
  attack: ({ nth }, persistence, id) => struck({ kind: 'corrupt-payload', on: 'nbd' }, nth, persistence, id),
};

/** A page of one block can not be cut. */
function isOfSeveralBlocks({ page }: Point, { granularityBytes }: Ground): boolean {
  return (page?.length ?? 0) > (granularityBytes ?? DEFAULT_SETTINGS.granularityBytes);
}

const asksForChanges = ({ name }: Point): boolean => name === 'cbt.changed-areas';

/** A device that is lost while it is written leaves a disk of which nobody knows what it holds. */
const isRead = ({ name }: Point): boolean => name === 'READ';

const isWrite = ({ name }: Point): boolean => name.startsWith('WRITE');

/** Somebody else is at work: a while later the same call is accepted. */
const PASSING: readonly RefusalCode[] = [
  'SERVER_BUSY',
  'SNAPSHOT_IN_USE',
  'RESOURCE_OCCUPIED',
  'HOTADD_CONFLICT',
];

const ERROR = { kind: 'error', status: 500, message: 'Internal error.' } as const;

const TABLE: Readonly<Record<PointKind, readonly AttackRow[]>> = {
  'rest.request': [
    borne(rest({ kind: 'lose-request' })),
    rest(ERROR),
    rest({ kind: 'delay', delay: LONG_DELAY, when: 'before' }),
    LOCK_LOSS,
    borne(rest({ kind: 'expire-tokens' }, { fits: (_, { usesTokens }) => usesTokens })),
    borne(rest({ kind: 'cbt-expired' }, { fits: asksForChanges }), ALWAYS),
    borne(
      rest({ kind: 'cbt-page-repeated' }, { fits: ({ page }) => page !== undefined && page.start > 0 }),
      ALWAYS,
    ),
    borne(rest({ kind: 'cbt-page-cut' }, { fits: isOfSeveralBlocks }), ALWAYS),
    rest({ kind: 'cbt-misses-block' }, { fits: asksForChanges }),
    rest({ kind: 'unavailable', for: OUTAGE }, { persistences: ONCE }),
    rest({ kind: 'rate-limited', for: OUTAGE }, { persistences: ONCE }),
    ...REFUSAL_CODES.map((code) => (PASSING.includes(code) ? borne(refused(code)) : refused(code))),
    ...MISFORTUNES,
    killed(({ name, nth }) => ({ operation: name, nth, side: 'before' })),
  ],
  'rest.reply': [
    borne(rest({ kind: 'lose-reply' })),
    borne(rest({ kind: 'garbage-reply' })),
    borne(rest({ kind: 'truncated-reply' })),
    rest({ kind: 'delay', delay: LONG_DELAY, when: 'after' }),
    killed(({ name, nth }) => ({ operation: name, nth, side: 'after' })),
  ],
  'task.step': [
    task({ kind: 'task-fails' }, ['doing', 'finish']),
    task({ kind: 'task-hangs' }, ['doing']),
    PHANTOM,
    borne(task({ kind: 'delay', delay: LONG_DELAY, when: 'before' }, ['doing'])),
    killed(({ name, nth, entry = nth }) => {
      const { action, step } = taskOf(name);
      return { event: { type: 'task', action, status: step }, nth: entry };
    }),
  ],
  'lease.tick': [
    ...befalls({ kind: 'expire-resource' }),
    ...MISFORTUNES,
    killed(({ nth }) => ({
      event: { type: 'state', entity: 'backup-resource', from: 'running', to: 'running' },
      nth,
    })),
  ],
  'nbd.request': [
    data('nbd', ERROR),
    data('nbd', { kind: 'errno', errno: 'ESHUTDOWN' }, { name: 'errno:ESHUTDOWN' }),
    data('nbd', { kind: 'errno', errno: 'ENOSPC' }, { name: 'errno:ENOSPC', fits: isWrite }),
    borne(data('nbd', { kind: 'lose-request' })),
    slow('nbd', 'before'),
    data('nbd', { kind: 'expire-resource' }),
    ...MISFORTUNES,
    killed(({ name, nth }) => ({ event: { type: 'nbd.request', command: name }, nth })),
  ],
  'nbd.reply': [
    borne(data('nbd', { kind: 'lose-reply' })),
    borne(data('nbd', { kind: 'reorder-replies' }), ALWAYS),
    slow('nbd', 'after'),
    borne(midReply('drop-after-bytes')),
    borne(midReply('silence-after-bytes')),
    midReply('garbage-after-bytes'),
    CORRUPTION,
    borne(connection({ kind: 'one-byte-at-a-time' }), ALWAYS),
    connection({ kind: 'bad-certificate', flaw: 'foreign-ca' }, true),
    killed(({ ordinal }) => ({ event: { type: 'nbd.reply' }, nth: ordinal })),
  ],
  'guest.device': [
    borne(device('appears', { kind: 'device-late', delay: '30s' }), ALWAYS),
    borne(device('appears', { kind: 'device-never' })),
    DEVICE_ORDER,
    borne(device('appears', { kind: 'device-name' }), ALWAYS),
    borne(device('appears', { kind: 'device-serial', characters: 0 })),
    borne(device('appears', { kind: 'guest-signature' })),
    borne(device('vanishes', { kind: 'detach-hangs', delay: '0ms' }), ALWAYS),
    borne(device('vanishes', { kind: 'detach-early', delay: '30s' }), ALWAYS),
    killed(({ name, nth }) => ({ device: name === 'appears' ? 'appears' : 'vanishes', nth })),
  ],
  'guest.io': [
    data('guest', ERROR),
    data('guest', { kind: 'errno', errno: 'ENOSPC' }, { name: 'errno:ENOSPC', fits: isWrite }),
    borne(data('guest', { kind: 'lose-request' }), ONCE, isRead),
    borne(data('guest', { kind: 'lose-reply' }), ONCE, isRead),
    slow('guest', 'before'),
    borne(VANISHING),
    data('guest', { kind: 'expire-resource' }),
    ...MISFORTUNES,
    killed(({ name, nth }) => ({ event: { type: 'guest.io', command: name }, nth })),
  ],
  'storage.write': storage('write'),
  'storage.sync': storage('sync'),
  'storage.rename': storage('rename'),
  'storage.remove': storage('remove'),
  checkpoint: [
    killed(({ name, nth }) => ({ checkpoint: name, nth })),
    jumped(JUMP),
    borne(jumped(`-${JUMP}`)),
  ],
};

/** The rows that fit the point. */
export function rowsFor(point: Point, ground: Ground): readonly AttackRow[] {
  return TABLE[point.kind].filter(({ fits }) => fits?.(point, ground) ?? true);
}

/** Names of all kinds of attack, each once. */
export const ATTACK_NAMES: readonly string[] = [
  ...new Set(Object.values(TABLE).flatMap((rows) => rows.map(({ fault }) => fault))),
].sort();
