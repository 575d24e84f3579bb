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

/** Number of backup resources per host. The call is documented, its path is not. */
export const OVERVIEW_PATH = '/janus/20180725/backup-resources/overview';

/** Hot-adds disks to a proxy VM ("Create VM disks"). */
export const HOTADD_DISKS_PATH = '/janus/20240725/servers/{server_id}/disks';
/** Removes hot-added disks ("VM disks action"). */
export const HOTADD_ACTION_PATH = '/janus/20240725/servers/{server_id}/disks/action';
export const HCI_HOTADD_DISKS_PATH = '/hci/vt/api/v1/vms/{server_id}/disks';
export const HCI_HOTADD_ACTION_PATH = '/hci/vt/api/v1/vms/{server_id}/disks/actions/delete';
/** Runs a command in the guest through vmtools. */
export const GUEST_EXEC_PATH = '/janus/20240725/servers/{server_id}/guest/exec';

/** Serial number under which a guest sees a disk: the beginning of the disk's id. */
export function guestDiskSerial(diskUuid: string): string {
  return diskUuid.slice(0, 20);
}
