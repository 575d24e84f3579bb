/**
 * Names of block devices in a Linux guest.
 *
 * Model: a driver numbers its disks from zero, gives the lowest free number to the next one, and spells the number in
 * letters: a to z, then aa. A name says when a disk came, never which disk it is.
 * @source Linux, drivers/block/virtio_blk.c (virtblk_name_format, ida_alloc_range)
 */

/** `vd`: virtio-blk. `sd`: everything that looks like SCSI. */
export type DeviceFamily = 'vd' | 'sd';

/** `vda` for index 0, `vdz` for 25, `vdaa` for 26. */
export function deviceName(family: DeviceFamily, index: number): string {
  let letters = '';
  for (let left = index; left >= 0; left = Math.floor(left / 26) - 1) {
    letters = String.fromCharCode(97 + (left % 26)) + letters;
  }
  return `${family}${letters}`;
}

/** The name that the next device of the family gets; the first `ownDisks` are the machine's own. */
export function freeDeviceName(family: DeviceFamily, ownDisks: number, taken: ReadonlySet<string>): string {
  for (let index = ownDisks; ; index++) {
    const name = deviceName(family, index);
    if (!taken.has(name)) return name;
  }
}
