/** Kinds of attack in the words of scenario files, each made for a point when it is known. */
import type { AttackNode, TriggerNode } from '../runner/scenario-schema.ts';
import { mayRefuse, type RefusalCode } from './refusals.ts';
import type { Persistence, Point } from './sweep-api.ts';

type FaultNode = NonNullable<AttackNode['fault']>;
type StorageFaultNode = NonNullable<AttackNode['storageFault']>;
type FaultWords = Omit<FaultNode, 'id' | 'after' | 'times'>;

/** What the rows need to know of the scenario. */
export interface Ground {
  readonly isTls: boolean;
  readonly usesTokens: boolean;
  readonly usesProxies: boolean;
  /** A request over the data path may take longer than a lock lasts. */
  readonly isPatient?: boolean;
  /** A server has several disks. */
  readonly hasManyDisks?: boolean;
  /** Of changed areas; the platform's own when absent. */
  readonly granularityBytes?: number;
}

export interface AttackRow {
  /** Name in the matrix and in `--faults`. */
  readonly fault: string;
  readonly persistences: readonly Persistence[];
  /**
   * When a job must succeed in spite of it: a reply that is lost once is repeated, a device that comes late is waited
   * for. Left out: never; a job may fail.
   */
  readonly isBearable?: (point: Point, persistence: Persistence, ground: Ground) => boolean;
  /** Left out: at every point of the kind. */
  readonly fits?: (point: Point, ground: Ground) => boolean;
  readonly attack: (point: Point, persistence: Persistence, id: string) => AttackNode;
}

export const ALWAYS = ['once', 'sticky'] as const;
export const ONCE = ['once'] as const;

/** Longer than the locks of the scenarios made for sweeping, shorter than any patience. */
export const LONG_DELAY = '70s';
/** Longer than a lock: nobody can renew it in that time. */
export const OUTAGE = '2m';
/** Longer than every lock and token. */
export const JUMP = '3h';

/** Strikes at the n-th match: of its operation for REST, of all requests for a data path. */
export function struck(words: FaultWords, nth: number, persistence: Persistence, id: string): AttackNode {
  return { fault: { id, ...words, after: nth - 1, times: persistence === 'once' ? 1 : 0 } };
}

interface RestOptions {
  /** The kind when absent. */
  readonly name?: string;
  readonly fits?: AttackRow['fits'];
  readonly persistences?: readonly Persistence[];
}

/** The row, with when a job must succeed in spite of it. */
export function borne(
  row: AttackRow,
  persistences: readonly Persistence[] = ONCE,
  where: (point: Point) => boolean = () => true,
): AttackRow {
  return {
    ...row,
    isBearable: (point, persistence) => persistences.includes(persistence) && where(point),
  };
}

export function rest(
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

export function refused(code: RefusalCode): AttackRow {
  return rest(
    { kind: 'refuse', code },
    { name: `refuse:${code}`, fits: ({ name }) => mayRefuse(code, name) },
  );
}

/** Of the task that the point is a step of. */
export function task(words: Omit<FaultWords, 'on'>, steps: readonly string[]): AttackRow {
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

export function taskOf(name: string): { readonly action: string; readonly step: string } {
  const [action = '', step = ''] = name.split(':');
  return { action, step };
}

export function data(
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
export function midReply(
  kind: 'drop-after-bytes' | 'silence-after-bytes' | 'garbage-after-bytes',
): AttackRow {
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
export function connection(words: Omit<FaultWords, 'on'>, needsTls = false): AttackRow {
  return {
    fault: words.kind,
    persistences: ALWAYS,
    fits: ({ offsetBytes }, { isTls }) => offsetBytes === 0 && (isTls || !needsTls),
    attack: (point, persistence, id) =>
      struck({ ...words, on: 'nbd' }, point.connection ?? 1, persistence, id),
  };
}

export function device(change: 'appears' | 'vanishes', words: Omit<FaultWords, 'on'>): AttackRow {
  return {
    fault: words.kind,
    persistences: ALWAYS,
    fits: ({ name }) => name === change,
    attack: (point, persistence, id) => struck({ ...words, on: 'guest' }, point.nth, persistence, id),
  };
}

export function killed(trigger: (point: Point) => TriggerNode, fault = 'kill', powerCut = false): AttackRow {
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

export function jumped(by: string): AttackRow {
  return {
    fault: by.startsWith('-') ? 'clock-back' : 'clock-ahead',
    persistences: ONCE,
    attack: ({ name, nth, engine }) => ({
      clockJump: { when: { checkpoint: name, nth }, by, ...(engine === undefined ? {} : { engine }) },
    }),
  };
}

export function storage(operation: StorageFaultNode['operation']): readonly AttackRow[] {
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

/** What befalls the platform, not one call. From there on without end only at the first of equal steps. */
export function befalls(
  words: Omit<FaultWords, 'on'>,
  fits: AttackRow['fits'] = () => true,
): readonly AttackRow[] {
  const row: AttackRow = {
    fault: words.kind,
    persistences: ONCE,
    fits,
    attack: (point, persistence, id) => {
      const [on, nth] = placeOf(point);
      const lease = on === 'lease' ? { atRemaining: AT_REMAINING } : {};
      return struck({ ...words, ...lease, on }, nth, persistence, id);
    },
  };
  const isFirst = (point: Point, ground: Ground): boolean => point.nth === 1 && fits(point, ground);
  return [row, { ...row, persistences: ['sticky'], fits: isFirst }];
}

/** Where a fault strikes at this point, and the how-manieth match there it is. */
function placeOf({ kind, name, nth, ordinal }: Point): readonly [on: string, nth: number] {
  if (kind === 'nbd.request') return ['nbd', ordinal];
  if (kind === 'guest.io') return ['guest', ordinal];
  return kind === 'lease.tick' ? ['lease', nth] : [name, nth];
}

/** Reached once per renewal, shortly before it, where locks of a minute are renewed three times in it. */
const AT_REMAINING = '41s';
