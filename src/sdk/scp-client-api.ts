/** The platform's API as the engine uses it: typed, parsed, one method per operation. */
import type { Json } from '../kernel/journal.ts';
import type { RetryPolicy } from './caller.ts';

export interface Host {
  readonly id: string;
  readonly ip: string;
  readonly isRunning: boolean;
}

export interface Datastore {
  readonly id: string;
  readonly name: string;
  readonly poolId: string;
  readonly status: string;
  readonly hostIds: readonly string[];
  readonly freeMb: number;
}

/** A server as the list shows it. */
export interface ServerItem {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly poolId: string;
  readonly hostId: string;
  readonly status: string;
  /** `hci`, `vmware`, ... */
  readonly platform: string;
  /** `vm`, `derive`, `placeholder`, ... */
  readonly kind: string;
  readonly osName: string;
  readonly isTurboMode: boolean;
  /** A desktop that goes back to its template at every start. */
  readonly isRevertingDesktop: boolean;
  /** In a backup policy of the platform's own. */
  readonly isInProtection: boolean;
  /** The platform's tools run in the guest. */
  readonly hasVmtools: boolean;
}

/** A disk in a server's configuration. */
export interface ConfiguredDisk {
  /** Slot: `ide0`, `virtio1`. */
  readonly deviceId: string;
  /** Identity of the disk itself; what HotAdd names it by. */
  readonly diskId: string;
  readonly datastoreId: string;
  /** As configured, MiB; may be a fraction. */
  readonly sizeMb: number;
  /** How the disk came to this server: `normal`, or hot-added for `backup` or `restore`. @fidelity assumed */
  readonly purpose: string;
}

/** A server's configuration, as far as the engine uses it. */
export interface ServerConfiguration {
  readonly id: string;
  readonly name: string;
  readonly hostId: string;
  readonly status: string;
  readonly osName: string;
  readonly disks: readonly ConfiguredDisk[];
}

/** One disk to hot-add to a proxy VM. */
export interface HotAddRequest {
  /** `diskId` of the disk in its own server's configuration. */
  readonly diskId: string;
  readonly purpose: 'backup' | 'restore';
  /** Needed for `backup`: the snapshot of which a linked clone is made. */
  readonly snapshotId?: string;
  readonly sourceServerId: string;
}

export interface Task {
  readonly id: string;
  readonly action: string;
  readonly status: string;
  readonly progress: number;
  /** The reason when it failed. */
  readonly description: string;
}

export interface SnapshotItem {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Lower case: `vs`, `qcow2`, `external_qcow2`. */
  readonly type: string;
  readonly status: string;
  readonly isLatest: boolean;
}

export interface SnapshotDetail {
  readonly id: string;
  readonly name: string;
  /** 0 when tracking was off. Fits a safe integer. */
  readonly checkpointId: number;
  /** Slots in the order of the configuration. */
  readonly deviceIds: readonly string[];
  /** The whole configuration, as it came. */
  readonly vmconf: { readonly [key: string]: Json };
}

export interface CbtStatus {
  readonly areAllEnabled: boolean;
  /** Slots of the disks that are tracked. */
  readonly enabledDisks: ReadonlySet<string>;
  /** Slots of those that are not. */
  readonly disabledDisks: ReadonlySet<string>;
}

export interface ChangedAreasQuery {
  readonly serverId: string;
  readonly deviceId: string;
  readonly snapshotId: string;
  /** 0 asks for the areas that hold data. */
  readonly checkpointId: number;
  readonly startOffset: number;
}

/** Bytes. The answer covers `length` bytes of the disk from `startOffset`. */
export interface ChangedAreas {
  readonly startOffset: number;
  readonly length: number;
  readonly areas: readonly { readonly start: number; readonly length: number }[];
}

export type BackupResourceStatus =
  | 'pending'
  | 'running'
  | 'expired'
  | 'occupied'
  | 'cancelled'
  | 'released'
  | 'failed';

export interface BackupResource {
  readonly serverId: string;
  readonly status: BackupResourceStatus;
  readonly remainSeconds: number;
  /** Base64 of the DER of the cluster's CA. */
  readonly caCert: string;
  /** Absent before 6.11.3. */
  readonly hostId: string | undefined;
}

/** Lives as long as its credentials; safe for parallel use. Every method may throw ScpError, TransportError, ProtocolError. */
export interface ScpClient {
  /** The same client (and login) with another signal or patience. */
  with(context: { signal?: AbortSignal | undefined; retry?: RetryPolicy }): ScpClient;

  hosts(): Promise<readonly Host[]>;
  datastores(): Promise<readonly Datastore[]>;

  /** Servers of exactly this name. */
  serversNamed(name: string): Promise<readonly ServerItem[]>;
  /** `undefined` when there is none. */
  serverById(id: string): Promise<ServerItem | undefined>;
  /** Servers that run, or would start, on this host. */
  serversOnHost(hostId: string): Promise<readonly ServerItem[]>;
  /** @throws ScpError that is not found */
  serverConfiguration(serverId: string): Promise<ServerConfiguration>;
  startServer(serverId: string): Promise<{ taskId: string }>;
  /** Asks the guest to shut down. */
  stopServer(serverId: string): Promise<{ taskId: string }>;
  /** One task for all disks; the platform allows one such task per proxy at a time. @fidelity assumed (path, fields) */
  hotAddDisks(proxyId: string, disks: readonly HotAddRequest[]): Promise<{ taskId: string }>;
  /** Removes hot-added disks, by the ids by which they were added. @fidelity assumed (path, fields) */
  hotRemoveDisks(proxyId: string, diskIds: readonly string[]): Promise<{ taskId: string }>;
  deleteServer(serverId: string): Promise<{ taskId: string | undefined }>;
  createServerFromConfig(config: {
    readonly [key: string]: Json;
  }): Promise<{ taskId: string; serverId: string }>;

  task(taskId: string): Promise<Task>;
  /** @throws TaskFailed, TaskTimeout */
  waitForTask(taskId: string, options: { timeoutMs: number }): Promise<Task>;

  snapshots(serverId: string): Promise<readonly SnapshotItem[]>;
  snapshot(serverId: string, snapshotId: string): Promise<SnapshotDetail>;
  /** `snapshotId` is missing on platforms before 6.8. */
  createSnapshot(
    serverId: string,
    snapshot: { name: string; description: string },
  ): Promise<{ taskId: string; snapshotId: string | undefined }>;
  deleteSnapshot(serverId: string, snapshotId: string): Promise<{ taskId: string | undefined }>;

  cbtStatus(serverId: string): Promise<CbtStatus>;
  setCbt(
    serverId: string,
    type: 'enable' | 'disable' | 'reset',
    deviceIds?: readonly string[],
  ): Promise<{ taskId: string }>;
  changedAreas(query: ChangedAreasQuery): Promise<ChangedAreas>;

  createBackupResource(request: {
    serverId: string;
    type: 'backup' | 'restore';
    lockTimeSeconds: number;
  }): Promise<{ resourceId: string; taskId: string }>;
  backupResource(resourceId: string): Promise<BackupResource>;
  renewBackupResource(resourceId: string, lockTimeSeconds: number): Promise<{ taskId: string }>;
  deleteBackupResource(resourceId: string): Promise<{ taskId: string | undefined }>;
  transportModes(serverId: string): Promise<readonly string[]>;
}
