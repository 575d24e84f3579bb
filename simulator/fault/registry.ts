/**
 * The planned faults of one world, and the count of what really struck.
 *
 * Matching is by plan, never by chance: the n-th time the place is reached. `after` skips matches, `times` bounds
 * them, so that "the third changed-areas query of vm1" is a fault that can be named, repeated and shrunk.
 *
 * Some kinds last: they fire once, and what they begin strikes whatever comes until its time is over.
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { IdSource } from '../../src/kernel/ids.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import type { FaultPoint, FaultSpec, Faults, PlannedFault, StruckFault } from './fault-api.ts';
import { isAt, placeOf } from './fault-place.ts';
import { parseFaultSpec } from './fault-spec.ts';

export interface FaultsOptions {
  readonly journal: Journal;
  /** Draws ids of faults that came without one. Must not be the world's own stream, or a fault shifts every id. */
  readonly ids: IdSource;
  /** Id of the server that goes by this id or name; `undefined` while there is none. */
  resolve(server: string): string | undefined;
  /** The world's time. */
  now(): number;
}

interface Entry {
  readonly id: string;
  readonly spec: FaultSpec;
  readonly struck: StruckFault;
  seen: number;
  fired: number;
  /** Until then what it began goes on. */
  lastsUntilMs: number;
}

export function createFaults(options: FaultsOptions): Faults {
  const entries = new Map<string, Entry>();
  const listeners: ((id: string) => void)[] = [];
  const planners: ((fault: StruckFault) => void)[] = [];
  const cleared = (ids: readonly string[]): void => {
    for (const id of ids) for (const tell of listeners) tell(id);
  };
  return {
    add(input) {
      const spec = parseFaultSpec(input);
      const id = spec.id ?? `fault-${options.ids.hex(8)}`;
      if (entries.has(id)) throw new ApiError('CONFLICT', `a fault with the id ${id} is planned already`);
      const entry: Entry = { id, spec, struck: { ...spec, id }, seen: 0, fired: 0, lastsUntilMs: -1 };
      entries.set(id, entry);
      for (const tell of planners) tell(entry.struck);
      return viewEntry(entry);
    },
    list: () => Array.from(entries.values(), viewEntry),
    isNone: () => entries.size === 0,
    clear(id) {
      const ids = id === undefined ? [...entries.keys()] : [id];
      if (id === undefined) entries.clear();
      else if (!entries.delete(id)) throw new ApiError('NOT_FOUND', `no fault has the id ${id}`);
      cleared(ids);
    },
    strike(point) {
      // Most worlds have no fault at all, and every NBD request passes here.
      if (entries.size === 0) return NONE;
      return Array.from(entries.values())
        .filter((entry) => isLasting(entry, point, options) || isDue(entry, point, options))
        .map(({ struck }) => struck);
    },
    onPlanned(listener) {
      planners.push(listener);
      for (const { struck } of entries.values()) listener(struck);
    },
    onCleared: (listener) => void listeners.push(listener),
  };
}

const NONE: readonly StruckFault[] = [];

function viewEntry({ id, spec, seen, fired }: Entry): PlannedFault {
  return { id, spec, seen, fired };
}

/** A strike that goes on is the same strike: it is not counted again. */
function isLasting(entry: Entry, point: FaultPoint, options: FaultsOptions): boolean {
  if (options.now() >= entry.lastsUntilMs) return false;
  if (point.can !== undefined && !point.can.includes(entry.spec.kind)) return false;
  return entry.spec.kind === 'unavailable'
    ? placeOf(point.on) === 'rest'
    : matches(entry.spec, point, options);
}

/** Counts the match, and fires when its turn has come. */
function isDue(entry: Entry, point: FaultPoint, options: FaultsOptions): boolean {
  const { spec } = entry;
  if (!matches(spec, point, options)) return false;
  entry.seen++;
  if (entry.seen <= (spec.after ?? 0)) return false;
  const times = spec.times ?? 1;
  if (times !== 0 && entry.fired >= times) return false;
  if (point.canStrike?.(spec) === false) return false;
  if (spec.kind === 'unavailable' || spec.kind === 'rate-limited')
    entry.lastsUntilMs = options.now() + spec.ms;
  fire(entry, point, options.journal);
  return true;
}

function matches(spec: FaultSpec, point: FaultPoint, { resolve }: FaultsOptions): boolean {
  if (!isAt(spec.on, point.on)) return false;
  if (point.can !== undefined && !point.can.includes(spec.kind)) return false;
  if (point.isNow?.(spec) === false) return false;
  if (spec.device !== undefined && spec.device !== point.deviceId) return false;
  if (spec.resource !== undefined && spec.resource !== point.resourceId) return false;
  if (spec.actor !== undefined && spec.actor !== point.actor) return false;
  if (spec.connection !== undefined && spec.connection !== point.connection) return false;
  if (point.remaining !== undefined && spec.atRemaining !== point.remaining) return false;
  if (point.step !== undefined && (spec.step ?? 'finish') !== point.step) return false;
  if (spec.server === undefined) return true;
  if (spec.server === point.serverId || spec.server === point.serverName) return true;
  return point.serverId !== undefined && resolve(spec.server) === point.serverId;
}

function fire(entry: Entry, point: FaultPoint, journal: Journal): void {
  entry.fired++;
  journal.append({
    type: 'fault.fired',
    fault: entry.id,
    kind: entry.spec.kind,
    at: describe(point),
    count: entry.fired,
  });
}

function describe(point: FaultPoint): string {
  return [point.on, point.step, point.serverId, point.deviceId]
    .filter((part) => part !== undefined)
    .join(' ');
}
