/**
 * Every name that no published document states. The product's own SDK hides them, so they are this project's
 * choice, kept in this one place: when the real ones become known, only this file changes.
 * @fidelity assumed
 */

/** TCP port of the NBD service on a host. */
export const DEFAULT_NBD_PORT = 10_809;

/** Name of the NBD export of one disk of a backup resource. */
export function nbdExportName(resourceId: string, deviceId: string): string {
  return `${resourceId}/${deviceId}`;
}

/** The parts of an export's name, or `undefined` when it is none. */
export function parseNbdExportName(name: string): { resourceId: string; deviceId: string } | undefined {
  const slash = name.lastIndexOf('/');
  if (slash <= 0 || slash === name.length - 1) return undefined;
  return { resourceId: name.slice(0, slash), deviceId: name.slice(slash + 1) };
}

/** Calls that the 6.11.3 guide names without their paths. */
export const ASSUMED_PATHS = {
  /** Number of backup resources per host. */
  overview: '/janus/20180725/backup-resources/overview',
  /** Hot-adds disks to a proxy VM ("Create VM disks"). */
  hotAdd: '/janus/20240725/servers/{server_id}/disks',
  /** Removes hot-added disks ("VM disks action"). */
  hotRemove: '/janus/20240725/servers/{server_id}/disks/action',
  hciHotAdd: '/hci/vt/api/v1/vms/{server_id}/disks',
  hciHotRemove: '/hci/vt/api/v1/vms/{server_id}/disks/actions/delete',
  /** A server's configuration and a task, for who talks to HCI alone. */
  hciServer: '/hci/vt/api/v1/vms/{server_id}',
  hciTask: '/hci/vt/api/v1/tasks/{task_id}',
  /** Runs a command in the guest through vmtools. */
  guestExec: '/janus/20240725/servers/{server_id}/guest/exec',
  /** What that command said. */
  guestExecResult: '/janus/20240725/servers/{server_id}/guest/exec/{task_id}',
} as const;

/** Names of the fields and values of the HotAdd calls. */
export const HOT_ADD = {
  /** Value of `application_type` of a disk: why it is attached. */
  applicationType: { backup: 'backup', restore: 'restore', normal: 'normal' },
  /** `action` of "VM disks action". */
  removeAction: 'delete',
} as const;

/** What marks a server as a proxy. @source SCP 6.11.3 guide, backup proxies @fidelity documented */
export const PROXY_OS_NAME = 'Backup Proxy';

/** A virtio-blk device carries so many characters. @source virtio 1.2, block device, VIRTIO_BLK_ID_BYTES */
export const GUEST_SERIAL_CHARACTERS = 20;

/** Serial number under which a guest sees a disk: the beginning of the disk's id. */
export function guestDiskSerial(diskUuid: string): string {
  return diskUuid.slice(0, GUEST_SERIAL_CHARACTERS);
}
