/**
 * The guest folder: guests of proxies, seen from outside of them, as folders that look like a guest's own root.
 *
 * `<guest folder>/<proxy name>/dev/vdb` is the device, `dev/disk/by-id/virtio-<serial>` a link to it, and
 * `sys/block/vdb/{serial,size,ro}` say what the kernel says. Inside a real proxy the root of that tree is `/`.
 */
import { join } from 'node:path';

/** Where a guest's links by serial are, under its root. */
export const BY_ID = 'dev/disk/by-id';

/** A proxy's folder in the guest folder. Names may hold what a file name may not. */
export function proxyFolder(guestFolder: string, proxyName: string): string {
  const name = proxyName.replaceAll(/[/\0]/g, '_');
  return join(guestFolder, name === '.' || name === '..' ? name.replaceAll('.', '_') : name);
}

/** The channel to the agent in a proxy's guest, where there is a real guest. */
export function agentSocket(guestFolder: string, proxyName: string): string {
  return join(proxyFolder(guestFolder, proxyName), 'agent.sock');
}

/**
 * File name of a device's link by serial; `undefined` for a device without one.
 * @source systemd, rules.d/60-persistent-storage.rules: virtio-blk disks, and disks of QEMU's SCSI
 */
export function byIdName(device: string, serial: string): string | undefined {
  if (serial === '') return undefined;
  return device.startsWith('sd') ? `scsi-0QEMU_QEMU_HARDDISK_${serial}` : `virtio-${serial}`;
}

/** The serial in a link's name; `undefined` for links of partitions and of other kinds of devices. */
export function serialOfLink(name: string): string | undefined {
  if (/-part\d+$/.test(name)) return undefined;
  return /^(?:virtio-|scsi-0QEMU_QEMU_HARDDISK_)(?<serial>.+)$/.exec(name)?.groups?.['serial'];
}
