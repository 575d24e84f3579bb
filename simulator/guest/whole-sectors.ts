/**
 * A disk as a guest's kernel counts it: in whole sectors of 512 bytes.
 *
 * Model: the virtual machine monitor rounds an odd size up, so the last sector of such a disk is longer than the disk.
 * What is behind the end reads as zeros and swallows writes. Sizes of real disks are whole MiB, where nothing changes.
 * @source QEMU, block.c (bdrv_refresh_total_sectors rounds up); virtio 1.2, 5.2.4 (capacity in 512-byte sectors)
 */
import type { ExportDevice, Extent } from '../nbd/export-device.ts';

export const SECTOR_BYTES = 512;

const ALLOCATION = 'base:allocation';
/** NBD_STATE_HOLE and NBD_STATE_ZERO. */
const HOLE = 3;

export function sizeInSectors(sizeBytes: number): number {
  return Math.ceil(sizeBytes / SECTOR_BYTES) * SECTOR_BYTES;
}

export function inWholeSectors(device: ExportDevice): ExportDevice {
  const { sizeBytes: innerBytes } = device;
  const sizeBytes = sizeInSectors(innerBytes);
  if (sizeBytes === innerBytes) return device;
  /** Bytes of a range that the disk really has. */
  const inside = (offset: number, length: number): number =>
    Math.max(0, Math.min(length, innerBytes - offset));
  return {
    ...device,
    sizeBytes,
    read(offset, length) {
      const within = inside(offset, length);
      const padding = new Uint8Array(length - within);
      if (within === 0) return [padding];
      const pieces = device.read(offset, within);
      if (pieces instanceof Promise) return pieces.then((read) => [...read, padding]);
      return padding.length === 0 ? pieces : [...pieces, padding];
    },
    write(offset, data) {
      const within = inside(offset, data.length);
      return within === 0 ? undefined : device.write(offset, data.subarray(0, within));
    },
    zero(offset, length, mayTrim) {
      const within = inside(offset, length);
      return within === 0 ? undefined : device.zero(offset, within, mayTrim);
    },
    trim(offset, length) {
      const within = inside(offset, length);
      return within === 0 ? undefined : device.trim(offset, within);
    },
    blockStatus(context, offset, length, maxExtents) {
      const within = inside(offset, length);
      const extents = within === 0 ? [] : device.blockStatus(context, offset, within, maxExtents);
      const covered = extents.reduce((sum, extent) => sum + extent.lengthBytes, 0);
      if (covered < within || within === length || extents.length >= maxExtents) return extents;
      const flags = context === ALLOCATION ? HOLE : 0;
      return [...extents, { lengthBytes: length - within, flags } satisfies Extent];
    },
  };
}
