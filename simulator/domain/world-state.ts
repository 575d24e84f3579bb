/**
 * Everything that is true in one world. The nouns beside this file change it; nobody else sees it.
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type {
  ClusterId,
  DeviceId,
  HostId,
  IdSource,
  PoolId,
  ResourceId,
  ServerId,
  SnapshotId,
  TaskId,
} from '../../src/kernel/ids.ts';
import type { Journal, Json } from '../../src/kernel/journal.ts';
import type { Rng } from '../../src/kernel/rng.ts';
import type { ExportConnection } from '../nbd/export-device.ts';
import type { BaseImage } from '../store/base-image.ts';
import type { FrozenChanges } from '../store/changed-blocks.ts';
import type { DiskImage } from '../store/disk-image.ts';
import type { FrozenLayer } from '../store/frozen-layer.ts';
import type { Agenda, Appointment } from './agenda.ts';
import type { Interference } from './interference.ts';
import type {
  ClusterSpec,
  CredentialSpec,
  DatastoreSpec,
  HostSpec,
  NetworkSpec,
  PoolSpec,
} from './inventory.ts';
import type { TaskQueue } from './task-queue.ts';
import type { VirtualDisk } from './virtual-disk.ts';
import type { DiskPurpose, GuestPort } from './hot-add-api.ts';
import type { BackupResourceStatus, Server, ServerStatus, Snapshot, WorldSettings } from './world-api.ts';

export interface HostRecord extends HostSpec {
  isOnline: boolean;
}

export interface DatastoreRecord extends DatastoreSpec {
  isOnline: boolean;
  /** Nothing more fits, whatever the numbers say. */
  isFull: boolean;
}

/** Counters of a server's CBT: all its disks share them, so that one checkpoint stands for all. */
interface CbtCounters {
  versionId: number;
  /** Of the interval that the next snapshot closes. */
  incId: number;
  /** Histories ever begun on any disk. */
  era: number;
}

export interface ServerRecord {
  readonly id: ServerId;
  readonly vmId: string;
  name: string;
  description: string;
  readonly poolId: PoolId;
  readonly clusterId: ClusterId;
  hostId: HostId;
  status: ServerStatus;
  readonly sockets: number;
  readonly coresPerSocket: number;
  readonly memoryMb: number;
  osName: string;
  readonly osKernel: 'linux' | 'windows';
  readonly osDistribution: string;
  readonly vmtools: 1 | 0 | -1 | -2;
  readonly isTurboMode: boolean;
  readonly isDesktopRevert: boolean;
  readonly createdAtMs: number;
  startedAtMs: number | undefined;
  readonly groupId: string;
  readonly disks: VirtualDisk[];
  readonly networks: readonly NetworkSpec[];
  isRestoreIncomplete: boolean;
  readonly createdFrom: Json | undefined;
  readonly cbt: CbtCounters;
  /** In order of creation. */
  readonly snapshots: Map<SnapshotId, SnapshotRecord>;
  /** The snapshot that the live disks grew from. */
  currentSnapshotId: SnapshotId | '';
  runningTaskId: TaskId | undefined;
  /** The pending or running backup resource that has the server. */
  holder: ResourceRecord | undefined;
  /** Until then somebody outside has the server. */
  occupiedUntilMs: number;
  /** Disks of other servers that are attached to this one, a proxy, by slot. */
  readonly hotAdded: HotAddedRecord[];
  /** The one HotAdd task that works on this proxy. */
  hotAddTaskId: TaskId | undefined;
}

/** A disk that is attached to a proxy beside the proxy's own. */
export interface HotAddedRecord {
  /** `uuid` of `disk`. */
  readonly id: string;
  readonly proxy: ServerRecord;
  /** Of `virtioN`. */
  readonly slotNumber: number;
  readonly purpose: DiskPurpose;
  readonly source: ServerRecord;
  readonly disk: VirtualDisk;
  /** What `image` is a clone of; absent when it is the live disk's own. */
  readonly snapshot: SnapshotRecord | undefined;
  readonly resource: ResourceRecord | undefined;
  readonly image: DiskImage;
  readonly attachedAtMs: number;
  isAttached: boolean;
  /** Writes that are under way. */
  readonly pending: Set<Promise<void>>;
  /** Told when it is detached: by the guest's leave, or not. */
  readonly leaving: Set<(isReleased: boolean) => void>;
}

export interface SnapshotDisk {
  readonly layer: FrozenLayer;
  /** Absent when CBT was off on the disk. */
  readonly changes: FrozenChanges | undefined;
  readonly storageFile: string;
}

export interface SnapshotRecord {
  readonly id: SnapshotId;
  readonly serverId: ServerId;
  name: string;
  description: string;
  readonly type: Snapshot['type'];
  status: Snapshot['status'];
  readonly createdAtMs: number;
  parentId: SnapshotId | '';
  isProtected: boolean;
  readonly isQuiesced: boolean;
  readonly checkpointId: number;
  readonly disks: ReadonlyMap<DeviceId, SnapshotDisk>;
  readonly server: Server;
  /** Backup resources that export it, and linked clones of it. */
  readonly users: Set<ResourceRecord | HotAddedRecord>;
}

export interface ResourceRecord {
  readonly id: ResourceId;
  readonly server: ServerRecord;
  readonly type: 'backup' | 'restore';
  status: BackupResourceStatus;
  lockTimeMs: number;
  /** While it runs. */
  deadline: Appointment | undefined;
  readonly hostId: HostId;
  readonly clusterId: ClusterId;
  readonly owner: string;
  /** What type backup exports. */
  readonly snapshot: SnapshotRecord | undefined;
  readonly connections: Set<ExportConnection>;
  hasWritten: boolean;
}

export interface WorldState {
  readonly seed: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly rng: Rng;
  readonly journal: Journal;
  readonly settings: WorldSettings;
  readonly agenda: Agenda;
  readonly tasks: TaskQueue;
  readonly pools: readonly PoolSpec[];
  readonly clusters: readonly ClusterSpec[];
  readonly hosts: readonly HostRecord[];
  readonly datastores: readonly DatastoreRecord[];
  readonly credentials: readonly CredentialSpec[];
  readonly servers: Map<ServerId, ServerRecord>;
  readonly resources: Map<ResourceId, ResourceRecord>;
  /** Those that have hot-added disks. */
  readonly proxies: Set<ServerRecord>;
  readonly openBase: (file: string) => BaseImage;
  readonly guestPort: GuestPort;
  readonly interference: Interference;
}

/** The server as of now. @throws NOT_FOUND */
export function serverOf(state: WorldState, id: string): ServerRecord {
  state.agenda.settle();
  const server = state.servers.get(id as ServerId);
  if (server === undefined) throw new ApiError('NOT_FOUND', `server ${id}`);
  return server;
}

/** @throws UNKNOWN_DISK */
export function diskOf(server: ServerRecord, deviceId: string): VirtualDisk {
  const disk = server.disks.find((candidate) => candidate.deviceId === deviceId);
  if (disk === undefined) throw new ApiError('UNKNOWN_DISK', deviceId);
  return disk;
}

/** @throws SERVER_BUSY while a task runs on the server */
export function refuseBusy(server: ServerRecord): void {
  if (server.runningTaskId !== undefined) throw new ApiError('SERVER_BUSY', server.name);
}
