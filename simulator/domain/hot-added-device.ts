/** The content of a hot-added disk, as long as it is attached. */
import { ApiError } from '../../src/contract/errors.ts';
import type { ExportDevice } from '../nbd/export-device.ts';
import { exportLiveDisk } from './exported-disk.ts';
import { datastoreOf, refuseUnwritten } from './storage-state.ts';
import { noteFirstWrite } from './restore-writes.ts';
import type { HotAddedRecord, WorldState } from './world-state.ts';

export function deviceOf(state: WorldState, disk: HotAddedRecord): ExportDevice {
  const check = (): void => {
    state.agenda.settle();
    if (!disk.isAttached) throw new ApiError('DISK_NOT_ATTACHED', disk.id);
  };
  const restored = disk.snapshot === undefined ? disk.resource : undefined;
  const store = datastoreOf(state, disk.source, disk.disk.deviceId);
  const device = exportLiveDisk(disk.image, check, () => {
    refuseUnwritten(store);
    if (restored !== undefined) noteFirstWrite(state, restored);
  });
  return {
    ...device,
    write: (offset, data) => track(disk, device.write(offset, data)),
    zero: (offset, length, mayTrim) => track(disk, device.zero(offset, length, mayTrim)),
  };
}

function track({ pending }: HotAddedRecord, written: void | Promise<void>): void | Promise<void> {
  if (written === undefined) return;
  pending.add(written);
  return written.finally(() => pending.delete(written));
}
