/**
 * Which device of a proxy's guest is which hot-added disk.
 *
 * Only the serial number tells: names and order are the guest kernel's own business, and a device may still be there
 * from an earlier disk. A bus carries a limited part of a disk's id (virtio-blk: 20 characters), so one of the two must
 * begin with the other; a short or shared beginning proves nothing.
 * @source virtio 1.2, block device @fidelity assumed (that the serial is the beginning of the disk's id)
 */
import type { GuestBlockDevice } from './proxy-agent.ts';

export interface WantedDevice {
  readonly diskId: string;
  /** As the platform's configuration has it; `undefined` where that is unknown. */
  readonly sizeBytes: number | undefined;
}

export interface DeviceQuestion {
  readonly wanted: readonly WantedDevice[];
  /** Everything that the guest shows. */
  readonly devices: readonly GuestBlockDevice[];
  /** Ids of other disks that are attached to the proxy: a device that may be one of those is not ours. */
  readonly otherDiskIds: readonly string[];
  readonly mustBeWritable: boolean;
}

export interface DeviceMatch {
  /** By disk id. */
  readonly found: ReadonlyMap<string, GuestBlockDevice>;
  /** One for each disk that was not found. */
  readonly problems: readonly string[];
}

/** Fewer characters than that may well be shared by chance, or by ids made at the same time. */
export const MIN_SERIAL_CHARACTERS = 12;
const SECTOR_BYTES = 512;

export function matchDevices(question: DeviceQuestion): DeviceMatch {
  const found = new Map<string, GuestBlockDevice>();
  const problems: string[] = [];
  for (const wanted of question.wanted) {
    const answer = findDevice(question, wanted);
    if (typeof answer === 'string') problems.push(answer);
    else found.set(wanted.diskId, answer);
  }
  return { found, problems };
}

/** Returns the device, or what is wrong. */
function findDevice(
  question: DeviceQuestion,
  { diskId, sizeBytes }: WantedDevice,
): GuestBlockDevice | string {
  const fitting = question.devices.filter((device) => fits(device.serial, diskId));
  const [device, second] = fitting;
  if (device === undefined) return `disk ${diskId} has not appeared (${describeAll(question.devices)})`;
  if (second !== undefined)
    return `disk ${diskId} may be each of ${fitting.map(({ name }) => name).join(', ')}: their serials fit`;
  const rival = rivalsOf(question, diskId).find((other) => fits(device.serial, other));
  if (rival !== undefined)
    return `${device.name} with serial ${device.serial} may be disk ${diskId} or disk ${rival}`;
  if (sizeBytes !== undefined && device.sizeBytes !== wholeSectors(sizeBytes))
    return `${device.name} has ${device.sizeBytes} bytes, disk ${diskId} is configured with ${sizeBytes}`;
  if (question.mustBeWritable && device.isReadOnly) return `${device.name} of disk ${diskId} is read-only`;
  return device;
}

function rivalsOf({ wanted, otherDiskIds }: DeviceQuestion, diskId: string): readonly string[] {
  return [...wanted.map((disk) => disk.diskId), ...otherDiskIds].filter((other) => other !== diskId);
}

/** Whether the serial may be of this disk. */
export function fits(serial: string, diskId: string): boolean {
  const [short, long] = serial.length < diskId.length ? [serial, diskId] : [diskId, serial];
  return short.length >= MIN_SERIAL_CHARACTERS && long.startsWith(short);
}

/** @source QEMU, block.c: a size that is no multiple of a sector is rounded up */
const wholeSectors = (bytes: number): number => Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES;

function describeAll(devices: readonly GuestBlockDevice[]): string {
  if (devices.length === 0) return 'the guest shows no device';
  return `the guest shows ${devices.map(({ name, serial }) => `${name} ${serial || 'without serial'}`).join(', ')}`;
}
