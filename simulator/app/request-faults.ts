/** What the world's faults do to single requests of an NBD connection: let them fail, wait, or be the last. */
import { type Clock, sleep } from '../../src/kernel/clock.ts';
import type { FaultKind, Faults } from '../fault/fault-api.ts';
import type { ExportConnection, RequestGuard } from '../nbd/export-device.ts';

export interface RequestFaultsOptions {
  readonly faults: Faults;
  readonly clock: Clock;
  readonly connection: ExportConnection;
  readonly serverId: string;
  readonly deviceId: string;
  /** Ends every running backup resource of the server. */
  expireResources(): void;
}

const CAN = ['error', 'delay', 'lose-request', 'lose-reply', 'expire-resource'] as const;

/** Travels to the client as EIO. */
class RequestFault extends Error {
  override readonly name = 'RequestFault';
  readonly code = 'EIO';
}

export function createRequestGuard(options: RequestFaultsOptions): RequestGuard {
  const { faults, serverId, deviceId } = options;
  const point = { on: 'nbd', serverId, deviceId, can: CAN };
  return (work) => {
    const struck = faults.strike(point);
    return struck.length === 0 ? work() : suffer(struck, work, options);
  };
}

async function suffer<T>(
  struck: readonly FaultKind[],
  work: () => T | Promise<T>,
  options: RequestFaultsOptions,
): Promise<T> {
  const { clock, connection } = options;
  for (const fault of struck) {
    if (fault.kind === 'error') throw new RequestFault(fault.message);
    if (fault.kind === 'lose-request') cut(connection, 'fault: request lost');
    if (fault.kind === 'expire-resource') options.expireResources();
    if (fault.kind === 'delay' && fault.when === 'before') await sleep(clock, fault.ms);
  }
  const result = await work();
  for (const fault of struck) {
    if (fault.kind === 'lose-reply') cut(connection, 'fault: reply lost');
    if (fault.kind === 'delay' && fault.when === 'after') await sleep(clock, fault.ms);
  }
  return result;
}

/** The connection is gone, so whatever this returned would never be sent. */
function cut(connection: ExportConnection, why: string): never {
  connection.cut(why);
  throw new RequestFault(why);
}
