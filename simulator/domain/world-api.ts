/**
 * The hypervisor as the outer layers (http, nbd, control, harness) see it. Every method first settles the world to
 * the clock's instant. Methods throw `ApiError`; long operations return the id of a task that ends in virtual time.
 */
import type { Clock } from '../../src/kernel/clock.ts';
import type {
  ClusterId,
  DatastoreId,
  DeviceId,
  HostId,
  IdSource,
  PoolId,
  ResourceId,
  ServerId,
  SnapshotId,
  TaskId,
  WorldId,
} from '../../src/kernel/ids.ts';
import type { Journal, Json } from '../../src/kernel/journal.ts';
import type { ExportDirectory } from '../nbd/export-device.ts';
import type {
  ClusterSpec,
  CredentialSpec,
  DatastoreSpec,
  HostSpec,
  NetworkSpec,
  PoolSpec,
} from './inventory.ts';
import type { DiskPurpose, HotAdd, GuestExecResult } from './hot-add-api.ts';

/** What a world may be told about its own ways; every field has a default in `DEFAULT_SETTINGS`. */
export interface WorldSettings {
  /** CBT granularity and block size, bytes. */
  readonly granularityBytes: number;
  /** A changed-areas answer covers at most so many bytes ... */
  readonly changedAreasCoverBytes: number;
  /** ... and lists at most so many areas. */
  readonly changedAreasPerPage: number;
  readonly tokenLifetimeSeconds: number;
  readonly snapshotLimit: number;
  /** An ended backup resource answers GET for so long, then 404. */
  readonly endedResourceKeptSeconds: number;
  /** Duration of each kind of task, ms of virtual time. */
  readonly taskMs: Readonly<Record<TaskAction, number>>;
  /** Merge speed when a snapshot is deleted, bytes per second of virtual time; 0 = at once. */
  readonly mergeBytesPerSecond: number;
  /** DELETE answers 204 without a body, as the document says, in place of 200 with a task id. */
  readonly isStrict204: boolean;
  /** General rate limits (GET 600 a minute, others 100 a minute and interface); off by default. */
  readonly isRateLimited: boolean;
  /** Exports are to be had over TLS only (every resource is `nbd_ssl`); off by default: both work. */
  readonly isTlsRequired: boolean;
  /** `supports` names `nbd_ssl`, and hosts take STARTTLS; on by default. */
  readonly isTlsOffered: boolean;
  /** `supports` names `hotadd` too, in pools of 6.11.3 and later; on by default. */
  readonly isHotAddOffered: boolean;
  /** Disks a server may have in pools of 6.11.1 and later, hot-added ones included; older pools: 16. */
  readonly diskLimit: number;
  /** A guest that does not let a hot-added disk go within so long makes the removal fail. */
  readonly unplugTimeoutSeconds: number;
}

export type TaskAction =
  | 'start'
  | 'stop'
  | 'snapshot.create'
  | 'snapshot.edit'
  | 'snapshot.delete'
  | 'snapshot.recovery'
  | 'cbt.set'
  | 'backup-resource.create'
  | 'backup-resource.renew'
  | 'backup-resource.delete'
  | 'server.create'
  | 'server.delete'
  | 'server.edit'
  | 'hotadd.add'
  | 'hotadd.remove'
  | 'guest.exec';

export interface Task {
  readonly id: TaskId;
  readonly action: TaskAction;
  readonly status: 'waiting' | 'doing' | 'finish' | 'failure' | 'canceled';
  /** -2 waiting, 0..99 doing, 100 finish, -1 failure. */
  readonly progress: number;
  readonly objectType: string;
  readonly objectId: string;
  readonly objectName: string;
  readonly serverId?: ServerId;
  readonly poolId?: PoolId;
  readonly beginMs: number;
  readonly endMs?: number;
  /** The reason when it failed. */
  readonly description: string;
}

export interface ServerDisk {
  readonly deviceId: DeviceId;
  /** Identity of the disk itself, beside its slot. */
  readonly uuid: string;
  readonly sizeBytes: number;
  readonly datastoreId: DatastoreId;
  readonly preallocate: 'off' | 'metadata' | 'full';
  readonly storageFile: string;
  /** Bytes of allocated blocks. */
  readonly allocatedBytes: number;
  /** The same for lists: an estimate as long as nobody has touched the disk, and cheap. */
  readonly usedBytesEstimate: number;
  /** `backup` and `restore`: hot-added, not the server's own. */
  readonly purpose: DiskPurpose;
}

export type ServerStatus = 'running' | 'stopped' | 'suspended' | 'starting' | 'stopping' | 'error';

export interface Server {
  readonly id: ServerId;
  readonly vmId: string;
  readonly name: string;
  readonly description: string;
  readonly poolId: PoolId;
  readonly clusterId: ClusterId;
  readonly hostId: HostId;
  readonly status: ServerStatus;
  readonly sockets: number;
  readonly coresPerSocket: number;
  readonly memoryMb: number;
  readonly osName: string;
  readonly osKernel: 'linux' | 'windows';
  readonly osDistribution: string;
  readonly vmtools: 1 | 0 | -1 | -2;
  readonly isTurboMode: boolean;
  readonly isDesktopRevert: boolean;
  readonly createdAtMs: number;
  readonly startedAtMs?: number;
  readonly groupId: string;
  readonly disks: readonly ServerDisk[];
  readonly networks: readonly NetworkSpec[];
  /** A restore ended before all was written; power-on is refused until a restore completes. */
  readonly isRestoreIncomplete: boolean;
  /** Configuration as it came with `servers/config`, else undefined. */
  readonly createdFrom?: Json;
}

export interface Snapshot {
  readonly id: SnapshotId;
  readonly serverId: ServerId;
  readonly name: string;
  readonly description: string;
  readonly type: 'VS' | 'qcow2' | 'external_qcow2';
  readonly status: 'creating' | 'normal' | 'deleting' | 'error';
  readonly createdAtMs: number;
  readonly parentId: SnapshotId | '';
  readonly isLatest: boolean;
  readonly isProtected: boolean;
  readonly isQuiesced: boolean;
  /** `version_id * 2^32 + inc_id`; 0 when CBT was off on every disk. */
  readonly checkpointId: number;
  readonly disks: readonly {
    readonly deviceId: DeviceId;
    readonly storageFile: string;
    readonly sizeBytes: number;
    readonly checkpointId: number;
  }[];
  /** The server as it was, for vmconf. */
  readonly server: Server;
}

export interface CbtStatus {
  readonly serverId: ServerId;
  readonly isEnabled: boolean;
  readonly disks: readonly { readonly deviceId: DeviceId; readonly isEnabled: boolean }[];
}

export interface ChangedAreas {
  readonly startOffset: number;
  /** Bytes of the disk that this answer covers from `startOffset`; the next query starts at their sum. */
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
  readonly id: ResourceId;
  readonly serverId: ServerId;
  readonly type: 'backup' | 'restore';
  readonly status: BackupResourceStatus;
  /** Seconds, rounded up; 0 once ended. */
  readonly remainSeconds: number;
  readonly hostId: HostId;
  readonly clusterId: ClusterId;
  /** Who made it: access key or user name. */
  readonly owner: string;
}

export interface Token {
  readonly id: string;
  readonly credential: CredentialSpec;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export interface World {
  readonly id: WorldId;
  readonly seed: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly journal: Journal;
  readonly settings: WorldSettings;
  readonly pools: readonly PoolSpec[];
  readonly clusters: readonly ClusterSpec[];
  readonly hosts: readonly (HostSpec & { readonly isOnline: boolean })[];
  readonly datastores: readonly (DatastoreSpec & { readonly usedMb: number; readonly isOnline: boolean })[];
  readonly credentials: readonly CredentialSpec[];
  readonly servers: Servers;
  /** What other layers keep of this world, see `perWorld`. */
  readonly attic: Map<symbol, unknown>;
  readonly snapshots: Snapshots;
  readonly cbt: Cbt;
  readonly backupResources: BackupResources;
  readonly tasks: Tasks;
  readonly hotAdd: HotAdd;
  readonly guest: Guest;
  readonly tokens: Tokens;
  /** Exports of this world's running backup resources: `<resource_id>/<device_id>`. */
  readonly exports: ExportDirectory;
  /** A host goes away or comes back. Backup resources on a host that goes away become `failed`. @throws NOT_FOUND */
  setHostOnline(hostId: string, isOnline: boolean): void;
  /** @throws NOT_FOUND */
  setDatastoreOnline(datastoreId: string, isOnline: boolean): void;
  /** Nothing more can be written to it, or again something can. @throws NOT_FOUND */
  setDatastoreFull(datastoreId: string, isFull: boolean): void;
  /** The server is off at once, as by a power cut or a crash of its process. Nothing happens to one that is. @throws NOT_FOUND */
  crashServer(serverId: string): void;
  /** Every NBD connection to an export ends; leases go on. */
  cutConnections(why: string): void;
  /** Processes everything that is due at the clock's instant, in order. */
  settle(): void;
  /** Cancels timers, cuts connections. */
  close(): void;
}

export interface Servers {
  list(): readonly Server[];
  /** @throws NOT_FOUND */
  get(id: string): Server;
  /** By id or by unique name. @throws NOT_FOUND */
  find(idOrName: string): Server;
  start(id: string, actor: string): { taskId: TaskId };
  stop(id: string, options: { force: boolean }, actor: string): { taskId: TaskId };
  createFromConfig(config: ServerConfig, actor: string): { taskId: TaskId; serverId: ServerId };
  edit(
    id: string,
    change: { name?: string; description?: string; osName?: string },
    actor: string,
  ): { taskId: TaskId };
  delete(id: string, actor: string): { taskId: TaskId };
}

/** The parts of a vmconf that change what the simulator does; the whole is kept as it came. */
export interface ServerConfig {
  readonly poolId: string;
  readonly name: string;
  readonly description: string;
  readonly datastoreId: string;
  readonly hostId?: string;
  readonly sockets: number;
  readonly coresPerSocket: number;
  readonly memoryMb: number;
  readonly osKernel: 'linux' | 'windows';
  readonly osDistribution: string;
  readonly disks: readonly {
    readonly deviceId: string;
    readonly sizeBytes: number;
    readonly preallocate: 'off' | 'metadata' | 'full';
  }[];
  readonly networks: readonly NetworkSpec[];
  readonly raw: Json;
}

export interface Snapshots {
  list(serverId: string): readonly Snapshot[];
  /** @throws NOT_FOUND for the server or the snapshot */
  get(serverId: string, snapshotId: string): Snapshot;
  create(
    serverId: string,
    options: { name: string; description: string; type?: string; isQuiesced?: boolean },
    actor: string,
  ): { taskId: TaskId; snapshotId: SnapshotId };
  edit(
    serverId: string,
    snapshotId: string,
    change: { name: string; description?: string; isProtected?: boolean },
    actor: string,
  ): { taskId: TaskId };
  /** One task for all; fails as a whole before anything is deleted. */
  delete(serverId: string, snapshotIds: readonly string[], actor: string): { taskId: TaskId };
  /** Reverts the disks, invalidates every checkpoint; with `backup` a snapshot is taken first. */
  recover(
    serverId: string,
    snapshotId: string,
    options: { backup: boolean; powerOn: boolean },
    actor: string,
  ): { taskId: TaskId };
}

export interface Cbt {
  status(serverId: string): CbtStatus;
  set(
    serverId: string,
    type: 'enable' | 'disable' | 'reset',
    deviceIds: readonly string[] | undefined,
    actor: string,
  ): { taskId: TaskId };
  /** Synchronous. @throws CBT_EXPIRED, CBT_DISABLED, CBT_BAD_CHECKPOINT, CBT_BAD_OFFSET, UNKNOWN_DISK, UNKNOWN_SNAPSHOT */
  changedAreas(
    serverId: string,
    query: { deviceId: string; snapshotId: string; checkpointId: number; startOffset: number },
  ): ChangedAreas;
  /** Makes every checkpoint of the server expired, as a revert does (for faults and the control interface). */
  expire(serverId: string, why: string): void;
}

export interface BackupResources {
  list(): readonly BackupResource[];
  /** @throws RESOURCE_GONE when unknown or ended for longer than `endedResourceKeptSeconds` */
  get(id: string): BackupResource;
  create(
    request: { serverId: string; type: 'backup' | 'restore'; lockTimeSeconds: number; hostId?: string },
    actor: string,
  ): { taskId: TaskId; resourceId: ResourceId };
  /** Remaining time becomes `lockTimeSeconds`. @throws RESOURCE_GONE when it has ended */
  renew(id: string, lockTimeSeconds: number, actor: string): { taskId: TaskId };
  delete(id: string, actor: string): { taskId: TaskId };
  supports(serverId: string): {
    versions: readonly string[];
    transportModes: readonly ('nbd' | 'nbd_ssl' | 'hotadd')[];
  };
  /** Ends it as if its time were over, now. */
  expireNow(id: string): void;
  /** A platform job of higher priority takes the server: running resources become `cancelled`. */
  preempt(serverId: string): void;
  /** Another holder takes the server for `seconds`, so that a create finds it occupied. */
  occupy(serverId: string, seconds: number): void;
  /** Running or pending resources per host. */
  countByHost(): ReadonlyMap<HostId, number>;
}

export interface Tasks {
  list(): readonly Task[];
  /** @throws NOT_FOUND */
  get(id: string): Task;
}

/** What the operating system inside a server does to its disks. */
export interface Guest {
  /** All of `Guest`: @throws NOT_FOUND, UNKNOWN_DISK, INVALID_PARAMETER for a range outside of the disk. */
  /** A promise only where part of a block of an asynchronous base image must be read first. */
  write(serverId: string, deviceId: string, offset: number, data: Uint8Array): void | Promise<void>;
  zero(serverId: string, deviceId: string, offset: number, length: number): void | Promise<void>;
  trim(serverId: string, deviceId: string, offset: number, length: number): void;
  /** Whole blocks get synthetic content of a new generation: costs no memory per byte. */
  writeSynthetic(serverId: string, deviceId: string, firstBlock: number, blockCount: number): void;
  read(serverId: string, deviceId: string, offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  /**
   * Runs a command in the guest of a running server with vmtools; the task's end has the output.
   * @throws SERVER_STATE, NO_VMTOOLS
   */
  exec(serverId: string, command: string, timeoutSeconds: number, actor: string): { taskId: TaskId };
  /** What the command of a task said; `undefined` while it runs. @throws NOT_FOUND */
  execResult(taskId: string): GuestExecResult | undefined;
  /** Bytes of a snapshot's disk, for checks. */
  readSnapshot(
    serverId: string,
    snapshotId: string,
    deviceId: string,
    offset: number,
    length: number,
  ): Uint8Array | Promise<Uint8Array>;
}

export interface Tokens {
  /** @throws BAD_CREDENTIALS */
  issue(username: string, password: string): Token;
  /** @throws TOKEN_EXPIRED for unknown and expired ones */
  check(id: string): Token;
  /** Makes every token of the world expired (for faults). */
  expireAll(): void;
}
