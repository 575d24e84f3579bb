/**
 * A disk as the NBD service exports it: a snapshot's disk to read, or a live disk to read and write.
 *
 * @source NBD protocol, proto.md, base:allocation; QEMU, qemu:dirty-bitmap contexts
 * @fidelity that dirty bitmaps are offered at all, and their names, is assumed
 */
import type { DeviceId } from '../../src/kernel/ids.ts';
import type { ExportDevice, Extent } from '../nbd/export-device.ts';
import type { DiskImage } from '../store/disk-image.ts';
import { type DiskContent, allocationOf } from '../store/frozen-layer.ts';
import { validCheckpoints, visitChanged } from './changed-areas.ts';
import { ExtentList } from './extent-list.ts';
import type { ServerRecord, SnapshotDisk } from './world-state.ts';

const BASE_ALLOCATION = 'base:allocation';
const DIRTY_BITMAP = 'qemu:dirty-bitmap:';

/** NBD_STATE_HOLE is 1, NBD_STATE_ZERO 2. */
const ALLOCATION_FLAGS = { data: 0, zero: 2, hole: 3 } as const;
const DIRTY = 1;

/** Called before every access. @throws ApiError RESOURCE_GONE once the backup resource has ended */
export type AccessCheck = () => void;

export function exportSnapshotDisk(
  server: ServerRecord,
  deviceId: DeviceId,
  disk: SnapshotDisk,
  grain: number,
  check: AccessCheck,
): ExportDevice {
  const { sizeBytes } = disk.layer;
  const checkpoints = validCheckpoints(server, deviceId, disk);
  return {
    sizeBytes,
    isReadOnly: true,
    read(offset, length) {
      check();
      return disk.layer.read(offset, length);
    },
    write: refuseWrite,
    zero: refuseWrite,
    trim: refuseWrite,
    flush: () => undefined,
    metaContexts: [BASE_ALLOCATION, ...checkpoints.map((id) => `${DIRTY_BITMAP}${id}`)],
    blockStatus(context, offset, length, maxExtents) {
      check();
      if (context === BASE_ALLOCATION) return allocation(disk.layer, grain, offset, length, maxExtents);
      const checkpoint = Number(context.slice(DIRTY_BITMAP.length));
      return dirtyExtents(disk, checkpoint, grain, offset, length, maxExtents);
    },
  };
}

/** `onWrite` is told before every change. */
export function exportLiveDisk(image: DiskImage, check: AccessCheck, onWrite: () => void): ExportDevice {
  const changing = (): void => {
    check();
    onWrite();
  };
  return {
    sizeBytes: image.sizeBytes,
    isReadOnly: false,
    read(offset, length) {
      check();
      return image.read(offset, length);
    },
    write(offset, data) {
      changing();
      return image.write(offset, data);
    },
    zero(offset, length, mayTrim) {
      changing();
      return image.zero(offset, length, mayTrim);
    },
    trim(offset, length) {
      changing();
      image.trim(offset, length);
    },
    flush: check,
    metaContexts: [BASE_ALLOCATION],
    blockStatus(_context, offset, length, maxExtents) {
      check();
      return allocation(image, image.blockBytes, offset, length, maxExtents);
    },
  };
}

function allocation(
  content: DiskContent,
  grain: number,
  offset: number,
  length: number,
  maxExtents: number,
): readonly Extent[] {
  const list = new ExtentList(offset, length, maxExtents);
  const { hole } = ALLOCATION_FLAGS;
  content.extents.visit(
    Math.floor(offset / grain),
    Math.ceil((offset + length) / grain),
    (start, end, value) => {
      list.extendTo(start * grain, hole);
      return list.extendTo(end * grain, ALLOCATION_FLAGS[allocationOf(value)]);
    },
  );
  list.extendTo(offset + length, hole);
  return list.extents;
}

function dirtyExtents(
  disk: SnapshotDisk,
  checkpoint: number,
  grain: number,
  offset: number,
  length: number,
  maxExtents: number,
): readonly Extent[] {
  const list = new ExtentList(offset, length, maxExtents);
  const toBlock = Math.ceil((offset + length) / grain);
  visitChanged(disk, checkpoint, Math.floor(offset / grain), toBlock, (start, end) => {
    list.extendTo(start * grain, 0);
    return list.extendTo(end * grain, DIRTY);
  });
  list.extendTo(offset + length, 0);
  return list.extents;
}

function refuseWrite(): never {
  throw new Error('a snapshot is read-only');
}
