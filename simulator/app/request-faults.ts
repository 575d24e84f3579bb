/**
 * What the world's faults do to single requests for a disk's bytes, of an NBD client or of a program in a proxy's
 * guest: let them fail, wait, or be the last of their connection.
 */
import { type Clock, sleep } from '../../src/kernel/clock.ts';
import type { FaultKind, Faults } from '../fault/fault-api.ts';
import type { BackupResources } from '../domain/world-api.ts';
import type { ExportConnection, RequestGuard } from '../nbd/export-device.ts';

export interface RequestFaultsOptions {
  readonly on: 'nbd' | 'guest';
  readonly faults: Faults;
  readonly clock: Clock;
  readonly connection: ExportConnection;
  readonly serverId: string;
  readonly deviceId: string;
  readonly backupResources: Pick<BackupResources, 'list' | 'expireNow'>;
}

const CAN = ['error', 'delay', 'lose-request', 'lose-reply', 'expire-resource'] as const;

/** Travels to the client as EIO. */
class RequestFault extends Error {
  override readonly name = 'RequestFault';
  readonly code = 'EIO';
}

export function createRequestGuard(options: RequestFaultsOptions): RequestGuard {
  const { on, faults, serverId, deviceId } = options;
  const point = { on, serverId, deviceId, can: CAN };
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
    if (fault.kind === 'expire-resource') expireResources(options);
    if (fault.kind === 'delay' && fault.when === 'before') await sleep(clock, fault.ms);
  }
  const result = await work();
  for (const fault of struck) {
    if (fault.kind === 'lose-reply') cut(connection, 'fault: reply lost');
    if (fault.kind === 'delay' && fault.when === 'after') await sleep(clock, fault.ms);
  }
  return result;
}

/** Ends every running backup resource of the server. */
function expireResources({ backupResources, serverId }: RequestFaultsOptions): void {
  for (const { id, serverId: owner, status } of backupResources.list())
    if (owner === serverId && status === 'running') backupResources.expireNow(id);
}

/** The connection is gone, so whatever this returned would never be sent. */
function cut(connection: ExportConnection, why: string): never {
  connection.cut(why);
  throw new RequestFault(why);
}
