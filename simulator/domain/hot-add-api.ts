/** Disks hot-added to proxy VMs, and the guests that are to see them. */
import type { DeviceId, ResourceId, ServerId, SnapshotId, TaskId } from '../../src/kernel/ids.ts';
import type { ExportDevice } from '../nbd/export-device.ts';

/** Why a disk is hot-added: `backup` a linked clone of a snapshot, `restore` the disk itself, `normal` likewise for good. */
export type DiskPurpose = 'normal' | 'backup' | 'restore';

export interface HotAddRequest {
  /** `uuid` of a disk of the source server. */
  readonly diskId: string;
  readonly purpose: DiskPurpose;
  /** For `backup`. */
  readonly snapshotId?: string;
  /** Whose disk it is; needed where the disk's id alone does not tell. */
  readonly sourceServerId?: string;
}

/** A disk that is attached to a proxy VM beside the proxy's own. */
export interface HotAddedDisk {
  /** The id by which it was added; unique on its proxy. */
  readonly id: string;
  readonly proxyId: ServerId;
  /** Slot on the proxy: the lowest free `virtioN`. */
  readonly slot: DeviceId;
  readonly purpose: DiskPurpose;
  readonly sourceServerId: ServerId;
  readonly sourceDeviceId: DeviceId;
  /** `backup` only. */
  readonly snapshotId?: SnapshotId;
  /** The backup resource under which it was added; its end detaches the disk. */
  readonly resourceId?: ResourceId;
  readonly sizeBytes: number;
  readonly attachedAtMs: number;
}

/**
 * Disks hot-added to proxy VMs.
 *
 * One HotAdd task per proxy at a time: a call that comes while one runs (the same millisecond included) is accepted,
 * and its task fails with HOTADD_CONFLICT. It is accepted even where it would be refused for the disks that the proxy
 * has or lacks (DISK_ATTACHED, DISK_NOT_ATTACHED, DISK_LIMIT): those are changing.
 */
export interface HotAdd {
  /** What is attached, by proxy and slot; of one proxy when named. */
  list(proxyId?: string): readonly HotAddedDisk[];
  /** Disks that the server has and may have, its own included. @throws NOT_FOUND */
  slots(serverId: string): { readonly used: number; readonly limit: number };
  /**
   * All or none. @throws NOT_A_PROXY, SERVER_STATE (not running), NO_VMTOOLS, OTHER_POOL, DATASTORE_UNREACHABLE,
   * DISK_LIMIT, UNKNOWN_DISK, UNKNOWN_SNAPSHOT, NO_BACKUP_RESOURCE, DISK_ATTACHED, INVALID_PARAMETER
   */
  add(proxyId: string, disks: readonly HotAddRequest[], actor: string): { taskId: TaskId };
  /** Ends when the guest has let go. @throws NOT_A_PROXY, DISK_NOT_ATTACHED, INVALID_PARAMETER */
  remove(proxyId: string, diskIds: readonly string[], actor: string): { taskId: TaskId };
  /** The content of an attached disk, readable and writable; `undefined` when it is not attached. */
  device(proxyId: string, diskId: string): ExportDevice | undefined;
}

/** The guest's side of a hot-plug: the world says what was done to the machine, the guest's kernel follows. */
export interface GuestPort {
  /** Disks of one HotAdd task were put into the running proxy, in the order of the call. */
  plugged(disks: readonly HotAddedDisk[]): void;
  /** The guest is asked to let go. It calls `released` once, now or later, or never. */
  unplug(disk: HotAddedDisk, released: () => void): void;
  /** The device is gone without asking: power-off, end of its backup resource, removal of its source. */
  pulled(disk: HotAddedDisk, why: string): void;
  /**
   * A command for the guest's shell. Absent: the guest has none. The world's time stands still meanwhile, so that a
   * promise may wait for real work, not for that time.
   */
  exec?(serverId: ServerId, command: string): Promise<GuestExecResult> | GuestExecResult;
}

export interface GuestExecResult {
  readonly exitCode: number;
  readonly output: string;
}
