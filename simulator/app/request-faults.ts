/**
 * What the world's faults do to single requests for a disk's bytes, of an NBD client or of a program in a proxy's
 * guest: let them fail, wait, be answered out of turn, or be the last of their connection.
 */
import { type Clock, sleep } from '../../src/kernel/clock.ts';
import type { ErrnoName } from '../../src/nbd/wire/errno.ts';
import type { World } from '../domain/world-api.ts';
import type { FaultKind, FaultPoint, Faults } from '../fault/fault-api.ts';
import type { ExportConnection, RequestGuard } from '../nbd/export-device.ts';
import { ReplyOrder } from './reply-order.ts';

export interface RequestFaultsOptions {
  readonly faults: Faults;
  readonly clock: Clock;
  readonly connection: ExportConnection;
  /** Where the requests are: `nbd` or `guest`, and whose disk. */
  readonly point: () => FaultPoint;
  readonly world: Pick<World, 'backupResources'>;
}

const CAN = [
  'error',
  'errno',
  'delay',
  'lose-request',
  'lose-reply',
  'expire-resource',
  'reorder-replies',
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
  const { faults, point, clock } = options;
  const order = new ReplyOrder(clock);
  return (work) => {
    const struck = faults.strike({ ...point(), can: CAN });
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
  struck: readonly FaultKind[],
  work: () => T | Promise<T>,
  options: RequestFaultsOptions,
  order: ReplyOrder,
): Promise<T> {
  const { clock, connection } = options;
  for (const fault of struck) {
    if (fault.kind === 'error') throw new RequestFault(fault.message);
    if (fault.kind === 'errno') throw new RequestFault(`fault: ${fault.errno}`, fault.errno);
    if (fault.kind === 'lose-request') cut(connection, 'fault: request lost');
    if (fault.kind === 'expire-resource') expireResources(options);
    if (fault.kind === 'delay' && fault.when === 'before') await sleep(clock, fault.ms);
  }
  const result = await work();
  for (const fault of struck) {
    if (fault.kind === 'lose-reply') cut(connection, 'fault: reply lost');
    if (fault.kind === 'delay' && fault.when === 'after') await sleep(clock, fault.ms);
  }
  // When another one is held already, this is the one that overtakes it.
  const isLate = struck.some(({ kind }) => kind === 'reorder-replies') && !order.isHolding;
  if (isLate) await order.overtaken();
  else order.passed();
  return result;
}

/** Ends every running backup resource of the server. */
function expireResources({ world: { backupResources }, point }: RequestFaultsOptions): void {
  for (const { id, serverId, status } of backupResources.list())
    if (serverId === point().serverId && status === 'running') backupResources.expireNow(id);
}

/** The connection is gone, so whatever this returned would never be sent. */
function cut(connection: ExportConnection, why: string): never {
  connection.cut(why);
  throw new RequestFault(why);
}
