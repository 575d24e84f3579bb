/**
 * What the world's faults do to single requests for a disk's bytes, of an NBD client or of a program in a proxy's
 * guest: let them fail, wait, be answered out of turn, or be the last of their connection.
 */
import { type Clock, sleep } from '../../src/kernel/clock.ts';
import type { ErrnoName } from '../../src/nbd/wire/errno.ts';
import type { World } from '../domain/world-api.ts';
import type { FaultKind, FaultPoint, Faults, StruckFault } from '../fault/fault-api.ts';
import { type Scope, scopeOf, WORLD_FAULT_KINDS, worldFaultsOf } from '../fault/world-faults.ts';
import type { ExportConnection, RequestGuard } from '../nbd/export-device.ts';
import { ReplyOrder } from './reply-order.ts';

export interface RequestFaultsOptions {
  readonly faults: Faults;
  readonly clock: Clock;
  readonly connection: ExportConnection;
  /** Where the requests are: `nbd` or `guest`, and whose disk. */
  readonly point: () => FaultPoint;
  readonly world: World;
  /** The proxy in whose guest the requests are. */
  readonly proxyId?: string;
}

const CAN = [
  'error',
  'errno',
  'delay',
  'lose-request',
  'lose-reply',
  'reorder-replies',
  ...WORLD_FAULT_KINDS,
] as const satisfies readonly FaultKind['kind'][];

/** Travels to the client as this errno. */
class RequestFault extends Error {
  override readonly name = 'RequestFault';
  readonly code: ErrnoName;

  constructor(message: string, code: ErrnoName = 'EIO') {
    super(message);
    this.code = code;
  }
}

export function createRequestGuard(options: RequestFaultsOptions): RequestGuard {
  const { faults, point, clock, world } = options;
  const canStrike = (fault: FaultKind): boolean =>
    worldFaultsOf(world, faults).canBefall(fault, scopeFor(options));
  const order = new ReplyOrder(clock);
  return (work) => {
    const struck = faults.strike({ ...point(), can: CAN, canStrike });
    if (struck.length > 0) return suffer(struck, work, options, order);
    return order.isHolding ? passing(work, order) : work();
  };
}

/** Lets those go that wait for a reply to overtake them; its own is written in the same turn, theirs in a later one. */
function passing<T>(work: () => T | Promise<T>, order: ReplyOrder): T | Promise<T> {
  const result = work();
  if (result instanceof Promise) return result.finally(() => order.passed());
  order.passed();
  return result;
}

async function suffer<T>(
  struck: readonly StruckFault[],
  work: () => T | Promise<T>,
  options: RequestFaultsOptions,
  order: ReplyOrder,
): Promise<T> {
  const { clock, connection, world, faults } = options;
  // When another one is held already, this is the one that overtakes it. Requests of one packet come in one turn.
  const isLate = struck.some(({ kind }) => kind === 'reorder-replies') && !order.isHolding;
  const overtaken = isLate ? order.overtaken() : undefined;
  for (const fault of struck) {
    if (fault.kind === 'error') throw new RequestFault(fault.message);
    if (fault.kind === 'errno') throw new RequestFault(`fault: ${fault.errno}`, fault.errno);
    if (fault.kind === 'lose-request') cut(connection, 'fault: request lost');
    worldFaultsOf(world, faults).befall(fault, scopeFor(options));
    if (fault.kind === 'delay' && fault.when === 'before') await sleep(clock, fault.ms);
  }
  const result = await work();
  for (const fault of struck) {
    if (fault.kind === 'lose-reply') cut(connection, 'fault: reply lost');
    if (fault.kind === 'delay' && fault.when === 'after') await sleep(clock, fault.ms);
  }
  if (overtaken === undefined) order.passed();
  else await overtaken;
  return result;
}

function scopeFor({ world, point, proxyId }: RequestFaultsOptions): Scope {
  return { ...scopeOf(world, point()), ...(proxyId === undefined ? {} : { proxyId }) };
}

/** The connection is gone, so whatever this returned would never be sent. */
function cut(connection: ExportConnection, why: string): never {
  connection.cut(why);
  throw new RequestFault(why);
}
