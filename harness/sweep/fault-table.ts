/** What may go wrong at a point: the kinds of attack per kind of point, each as entries of a scenario's `attack`. */
import type { AttackNode, TriggerNode } from '../runner/scenario-schema.ts';
import { mayRefuse, REFUSAL_CODES, type RefusalCode } from './refusals.ts';
import type { Persistence, Point, PointKind } from './sweep-api.ts';

type FaultNode = NonNullable<AttackNode['fault']>;
type StorageFaultNode = NonNullable<AttackNode['storageFault']>;
type FaultWords = Omit<FaultNode, 'id' | 'after' | 'times'>;

/** What the rows need to know of the scenario. */
export interface Ground {
  readonly isTls: boolean;
  readonly usesTokens: boolean;
}

export interface AttackRow {
  /** Name in the matrix and in `--faults`. */
  readonly fault: string;
  readonly persistences: readonly Persistence[];
  /** Left out: at every point of the kind. */
  readonly fits?: (point: Point, ground: Ground) => boolean;
  readonly attack: (point: Point, persistence: Persistence, id: string) => AttackNode;
}

const ALWAYS = ['once', 'sticky'] as const;
const ONCE = ['once'] as const;

/** Longer than the locks of the scenarios made for sweeping, shorter than any patience. */
const LONG_DELAY = '70s';
/** Longer than a lock: nobody can renew it in that time. */
const OUTAGE = '2m';
/** Longer than every lock and token. */
const JUMP = '3h';

/** Strikes at the n-th match: of its operation for REST, of all requests for a data path. */
function struck(words: FaultWords, nth: number, persistence: Persistence, id: string): AttackNode {
  return { fault: { id, ...words, after: nth - 1, times: persistence === 'once' ? 1 : 0 } };
}

interface RestOptions {
  /** The kind when absent. */
  readonly name?: string;
  readonly fits?: AttackRow['fits'];
  readonly persistences?: readonly Persistence[];
}

function rest(
  words: Omit<FaultWords, 'on'>,
  { name = words.kind, fits, persistences = ALWAYS }: RestOptions = {},
): AttackRow {
  return {
    fault: name,
    persistences,
    ...(fits === undefined ? {} : { fits }),
    attack: (point, persistence, id) => struck({ ...words, on: point.name }, point.nth, persistence, id),
  };
}

function refused(code: RefusalCode): AttackRow {
  return rest(
    { kind: 'refuse', code },
    { name: `refuse:${code}`, fits: ({ name }) => mayRefuse(code, name) },
  );
}

/** Of the task that the point is a step of. */
function task(words: Omit<FaultWords, 'on'>, steps: readonly string[]): AttackRow {
  return {
    fault: words.kind,
    persistences: ALWAYS,
    fits: ({ name }) => steps.includes(taskOf(name).step),
    attack: ({ name, nth }, persistence, id) => {
      const { action, step } = taskOf(name);
      return struck({ ...words, on: `task:${action}`, step } as FaultWords, nth, persistence, id);
    },
  };
}

function taskOf(name: string): { readonly action: string; readonly step: string } {
  const [action = '', step = ''] = name.split(':');
  return { action, step };
}

function data(
  on: 'nbd' | 'guest',
  words: Omit<FaultWords, 'on'>,
  { name = words.kind, fits }: Omit<RestOptions, 'persistences'> = {},
): AttackRow {
  return {
    fault: name,
    persistences: ALWAYS,
    ...(fits === undefined ? {} : { fits }),
    attack: (point, persistence, id) => struck({ ...words, on }, point.ordinal, persistence, id),
  };
}

/** In the middle of this reply, of all that the connection has said. */
function midReply(kind: 'drop-after-bytes' | 'silence-after-bytes' | 'garbage-after-bytes'): AttackRow {
  return {
    fault: kind,
    persistences: ALWAYS,
    attack: ({ connection = 1, offsetBytes = 0 }, persistence, id) =>
      struck({ kind, on: 'nbd', bytes: offsetBytes + MID_REPLY_BYTES }, connection, persistence, id),
  };
}

/** Behind the header and in the data of the smallest read. */
const MID_REPLY_BYTES = 200;

/** Of a whole connection, so at its first reply only. */
function connection(words: Omit<FaultWords, 'on'>, needsTls = false): AttackRow {
  return {
    fault: words.kind,
    persistences: ALWAYS,
    fits: ({ offsetBytes }, { isTls }) => offsetBytes === 0 && (isTls || !needsTls),
    attack: (point, persistence, id) =>
      struck({ ...words, on: 'nbd' }, point.connection ?? 1, persistence, id),
  };
}

function device(change: 'appears' | 'vanishes', words: Omit<FaultWords, 'on'>): AttackRow {
  return {
    fault: words.kind,
    persistences: ALWAYS,
    fits: ({ name }) => name === change,
    attack: (point, persistence, id) => struck({ ...words, on: 'guest' }, point.nth, persistence, id),
  };
}

function killed(trigger: (point: Point) => TriggerNode, fault = 'kill', powerCut = false): AttackRow {
  return {
    fault,
    persistences: ONCE,
    attack: (point) => ({
      kill: {
        when: trigger(point),
        ...(point.engine === undefined ? {} : { engine: point.engine }),
        ...(powerCut ? { powerCut } : {}),
      },
    }),
  };
}

function jumped(by: string): AttackRow {
  return {
    fault: by.startsWith('-') ? 'clock-back' : 'clock-ahead',
    persistences: ONCE,
    attack: ({ name, nth, engine }) => ({
      clockJump: { when: { checkpoint: name, nth }, by, ...(engine === undefined ? {} : { engine }) },
    }),
  };
}

function storage(operation: StorageFaultNode['operation']): readonly AttackRow[] {
  const at =
    (side: 'before' | 'after') =>
    ({ ordinal }: Point): TriggerNode => ({ storage: operation, nth: ordinal, side });
  return [
    {
      fault: 'storage-fails',
      persistences: ALWAYS,
      attack: ({ ordinal, engine }, persistence, id) => ({
        storageFault: {
          id,
          operation,
          after: ordinal - 1,
          times: persistence === 'once' ? 1 : 0,
          ...(engine === undefined ? {} : { engine }),
        },
      }),
    },
    killed(at('before')),
    killed(at('after'), 'kill-after'),
    killed(at('before'), 'power-cut', true),
    killed(at('after'), 'power-cut-after', true),
  ];
}

/** Where the call itself has the effect, a task that forgets it has nothing to forget. */
const DONE_BY_THE_CALL: readonly string[] = ['backup-resource.delete', 'backup-resource.renew'];

const PHANTOM: AttackRow = {
  ...task({ kind: 'task-phantom' }, ['finish']),
  fits: ({ name }) => taskOf(name).step === 'finish' && !DONE_BY_THE_CALL.includes(taskOf(name).action),
};

/** Counted among the reads alone. */
const CORRUPTION: AttackRow = {
  fault: 'corrupt-payload',
  persistences: ALWAYS,
  fits: ({ name }) => name === 'READ',
  attack: ({ nth }, persistence, id) => struck({ kind: 'corrupt-payload', on: 'nbd' }, nth, persistence, id),
};

const isWrite = ({ name }: Point): boolean => name.startsWith('WRITE');

const ERROR = { kind: 'error', status: 500, message: 'Internal error.' } as const;

const TABLE: Readonly<Record<PointKind, readonly AttackRow[]>> = {
  'rest.request': [
    rest({ kind: 'lose-request' }),
    rest(ERROR),
    rest({ kind: 'delay', delay: LONG_DELAY, when: 'before' }),
    rest({ kind: 'expire-resource' }),
    rest({ kind: 'expire-tokens' }, { fits: (_, { usesTokens }) => usesTokens }),
    rest({ kind: 'cbt-expired' }, { fits: ({ name }) => name === 'cbt.changed-areas' }),
    rest({ kind: 'unavailable', for: OUTAGE }, { persistences: ONCE }),
    rest({ kind: 'rate-limited', for: OUTAGE }, { persistences: ONCE }),
    ...REFUSAL_CODES.map(refused),
    killed(({ name, nth }) => ({ operation: name, nth, side: 'before' })),
  ],
  'rest.reply': [
    rest({ kind: 'lose-reply' }),
    rest({ kind: 'garbage-reply' }),
    rest({ kind: 'truncated-reply' }),
    rest({ kind: 'delay', delay: LONG_DELAY, when: 'after' }),
    killed(({ name, nth }) => ({ operation: name, nth, side: 'after' })),
  ],
  'task.step': [
    task({ kind: 'task-fails' }, ['doing', 'finish']),
    task({ kind: 'task-hangs' }, ['doing']),
    PHANTOM,
    task({ kind: 'delay', delay: LONG_DELAY, when: 'before' }, ['doing']),
    killed(({ name, nth }) => {
      const { action, step } = taskOf(name);
      return { event: { type: 'task', action, status: step }, nth };
    }),
  ],
  'lease.tick': [
    killed(({ nth }) => ({
      event: { type: 'state', entity: 'backup-resource', from: 'running', to: 'running' },
      nth,
    })),
  ],
  'nbd.request': [
    data('nbd', ERROR),
    data('nbd', { kind: 'errno', errno: 'ESHUTDOWN' }, { name: 'errno:ESHUTDOWN' }),
    data('nbd', { kind: 'errno', errno: 'ENOSPC' }, { name: 'errno:ENOSPC', fits: isWrite }),
    data('nbd', { kind: 'lose-request' }),
    data('nbd', { kind: 'delay', delay: LONG_DELAY, when: 'before' }),
    data('nbd', { kind: 'expire-resource' }),
    killed(({ name, nth }) => ({ event: { type: 'nbd.request', command: name }, nth })),
  ],
  'nbd.reply': [
    data('nbd', { kind: 'lose-reply' }),
    data('nbd', { kind: 'reorder-replies' }),
    data('nbd', { kind: 'delay', delay: LONG_DELAY, when: 'after' }),
    midReply('drop-after-bytes'),
    midReply('silence-after-bytes'),
    midReply('garbage-after-bytes'),
    CORRUPTION,
    connection({ kind: 'one-byte-at-a-time' }),
    connection({ kind: 'bad-certificate', flaw: 'foreign-ca' }, true),
    killed(({ ordinal }) => ({ event: { type: 'nbd.reply' }, nth: ordinal })),
  ],
  'guest.device': [
    device('appears', { kind: 'device-late', delay: '30s' }),
    device('appears', { kind: 'device-never' }),
    device('appears', { kind: 'device-name' }),
    device('appears', { kind: 'device-serial', characters: 0 }),
    device('appears', { kind: 'guest-signature' }),
    device('vanishes', { kind: 'detach-hangs', delay: '0ms' }),
    device('vanishes', { kind: 'detach-early', delay: '30s' }),
    killed(({ name, nth }) => ({ device: name === 'appears' ? 'appears' : 'vanishes', nth })),
  ],
  'guest.io': [
    data('guest', ERROR),
    data('guest', { kind: 'errno', errno: 'ENOSPC' }, { name: 'errno:ENOSPC', fits: isWrite }),
    data('guest', { kind: 'lose-request' }),
    data('guest', { kind: 'lose-reply' }),
    data('guest', { kind: 'delay', delay: LONG_DELAY, when: 'before' }),
    data('guest', { kind: 'expire-resource' }),
    killed(({ name, nth }) => ({ event: { type: 'guest.io', command: name }, nth })),
  ],
  'storage.write': storage('write'),
  'storage.sync': storage('sync'),
  'storage.rename': storage('rename'),
  'storage.remove': storage('remove'),
  checkpoint: [killed(({ name, nth }) => ({ checkpoint: name, nth })), jumped(JUMP), jumped(`-${JUMP}`)],
};

/** The rows that fit the point. */
export function rowsFor(point: Point, ground: Ground): readonly AttackRow[] {
  return TABLE[point.kind].filter(({ fits }) => fits?.(point, ground) ?? true);
}

/** Names of all kinds of attack, each once. */
export const ATTACK_NAMES: readonly string[] = [
  ...new Set(Object.values(TABLE).flatMap((rows) => rows.map(({ fault }) => fault))),
].sort();
