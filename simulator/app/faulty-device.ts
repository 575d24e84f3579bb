/** A disk whose requests may fail, wait, or end the connection, as the world's faults have it. */
import { type Clock, sleep } from '../../src/kernel/clock.ts';
import type { FaultKind, Faults } from '../fault/fault-api.ts';
import type { ExportConnection, ExportDevice } from '../nbd/export-device.ts';

export interface FaultyDeviceOptions {
  readonly faults: Faults;
  readonly clock: Clock;
  readonly connection: ExportConnection;
  readonly serverId: string;
  readonly deviceId: string;
  /** Ends every running backup resource of the server. */
  expireResources(): void;
}

const CAN = ['error', 'delay', 'lose-request', 'lose-reply', 'expire-resource'] as const;

class DiskFault extends Error {
  override readonly name = 'DiskFault';
  readonly code = 'EIO';
}

export function createFaultyDevice(device: ExportDevice, options: FaultyDeviceOptions): ExportDevice {
  const { faults, serverId, deviceId } = options;
  const point = { on: 'nbd', serverId, deviceId, can: CAN };
  const guard = <T>(run: () => T | Promise<T>): T | Promise<T> => {
    const struck = faults.strike(point);
    return struck.length === 0 ? run() : suffer(struck, run, options);
  };
  return {
    sizeBytes: device.sizeBytes,
    isReadOnly: device.isReadOnly,
    metaContexts: device.metaContexts,
    blockStatus: (context, offset, length, maxExtents) =>
      device.blockStatus(context, offset, length, maxExtents),
    read: (offset, length) => guard(() => device.read(offset, length)),
    write: (offset, data) => guard(() => device.write(offset, data)),
    zero: (offset, length, mayTrim) => guard(() => device.zero(offset, length, mayTrim)),
    trim: (offset, length) => guard(() => device.trim(offset, length)),
    flush: () => guard(() => device.flush()),
  };
}

async function suffer<T>(
  struck: readonly FaultKind[],
  run: () => T | Promise<T>,
  options: FaultyDeviceOptions,
): Promise<T> {
  const { clock, connection } = options;
  for (const fault of struck) {
    if (fault.kind === 'error') throw new DiskFault(fault.message);
    if (fault.kind === 'lose-request') return cut(connection, 'fault: request lost');
    if (fault.kind === 'expire-resource') options.expireResources();
    if (fault.kind === 'delay' && fault.when === 'before') await sleep(clock, fault.ms);
  }
  const result = await run();
  for (const fault of struck) {
    if (fault.kind === 'lose-reply') return cut(connection, 'fault: reply lost');
    if (fault.kind === 'delay' && fault.when === 'after') await sleep(clock, fault.ms);
  }
  return result;
}

/** The connection is gone, so whatever this returned would never be sent. */
function cut(connection: ExportConnection, why: string): never {
  connection.cut(why);
  throw new DiskFault(why);
}
