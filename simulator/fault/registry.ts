/**
 * The planned faults of one world, and the count of what really struck.
 *
 * Matching is by plan, never by chance: the n-th time the place is reached. `after` skips matches, `times` bounds
 * them, so that "the third changed-areas query of vm1" is a fault that can be named, repeated and shrunk.
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { IdSource } from '../../src/kernel/ids.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import type { FaultKind, FaultPoint, FaultSpec, Faults, PlannedFault } from './fault-api.ts';
import { parseFaultSpec } from './fault-spec.ts';

export interface FaultsOptions {
  readonly journal: Journal;
  /** Draws ids of faults that came without one. Must not be the world's own stream, or a fault shifts every id. */
  readonly ids: IdSource;
  /** Id of the server that goes by this id or name; `undefined` while there is none. */
  resolve(server: string): string | undefined;
}

interface Entry {
  readonly id: string;
  readonly spec: FaultSpec;
  seen: number;
  fired: number;
}

export function createFaults(options: FaultsOptions): Faults {
  const entries = new Map<string, Entry>();
  return {
    add(input) {
      const spec = parseFaultSpec(input);
      const id = spec.id ?? `fault-${options.ids.hex(8)}`;
      if (entries.has(id)) throw new ApiError('CONFLICT', `a fault with the id ${id} is planned already`);
      const entry: Entry = { id, spec, seen: 0, fired: 0 };
      entries.set(id, entry);
      return { ...entry };
    },
    list: () => Array.from(entries.values(), (entry): PlannedFault => ({ ...entry })),
    clear(id) {
      if (id === undefined) entries.clear();
      else if (!entries.delete(id)) throw new ApiError('NOT_FOUND', `no fault has the id ${id}`);
    },
    strike(point) {
      // Most worlds have no fault at all, and every NBD request passes here.
      if (entries.size === 0) return NONE;
      return Array.from(entries.values())
        .filter((entry) => isDue(entry, point, options.resolve))
        .map((entry) => fire(entry, point, options.journal));
    },
  };
}

const NONE: readonly FaultKind[] = [];

function isDue(entry: Entry, point: FaultPoint, resolve: FaultsOptions['resolve']): boolean {
  if (!matches(entry.spec, point, resolve)) return false;
  entry.seen++;
  if (entry.seen <= (entry.spec.after ?? 0)) return false;
  const times = entry.spec.times ?? 1;
  return times === 0 || entry.fired < times;
}

function matches(spec: FaultSpec, point: FaultPoint, resolve: FaultsOptions['resolve']): boolean {
  if (spec.on !== point.on && !(spec.on === '*' && isOperation(point.on))) return false;
  if (point.can !== undefined && !point.can.includes(spec.kind)) return false;
  if (point.isNow?.(spec) === false) return false;
  if (spec.device !== undefined && spec.device !== point.deviceId) return false;
  if (spec.server === undefined) return true;
  if (spec.server === point.serverId || spec.server === point.serverName) return true;
  return point.serverId !== undefined && resolve(spec.server) === point.serverId;
}

/** `*` means every REST operation; the others have to be named, or a lost reply would also mean a lost read. */
function isOperation(on: string): boolean {
  return on !== 'nbd' && on !== 'guest';
}

function fire(entry: Entry, point: FaultPoint, journal: Journal): FaultKind {
  entry.fired++;
  journal.append({
    type: 'fault.fired',
    fault: entry.id,
    kind: entry.spec.kind,
    at: describe(point),
    count: entry.fired,
  });
  return entry.spec;
}

function describe(point: FaultPoint): string {
  return [point.on, point.serverId, point.deviceId].filter((part) => part !== undefined).join(' ');
}
