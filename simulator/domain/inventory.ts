/**
 * What a world consists of when it is created: plain data, made from a seed or read from a file.
 *
 * Sizes are bytes unless the name says otherwise. Ids may be left out; they are then drawn from the world's seed.
 */

export interface InventorySpec {
  readonly pools: readonly PoolSpec[];
  readonly clusters: readonly ClusterSpec[];
  readonly hosts: readonly HostSpec[];
  readonly datastores: readonly DatastoreSpec[];
  readonly servers: readonly ServerSpec[];
  readonly credentials: readonly CredentialSpec[];
}

/** A resource pool (az). */
export interface PoolSpec {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** `6.11.3`; decides which calls exist. */
  readonly version: string;
  readonly tag: 'private' | 'public';
}

export interface ClusterSpec {
  readonly id: string;
  readonly name: string;
  readonly poolId: string;
  readonly ip: string;
  readonly version: string;
}

export interface HostSpec {
  /** `host-` and 12 hex digits of its MAC. */
  readonly id: string;
  readonly name: string;
  /** Address of its NBD service. */
  readonly ip: string;
  readonly clusterId: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly serialNumber: string;
}

export interface DatastoreSpec {
  readonly id: string;
  readonly name: string;
  readonly type: 'vs' | 'fc' | 'iscsi' | 'nfs' | 'local' | 'asan';
  readonly clusterId: string;
  readonly hostIds: readonly string[];
  readonly totalMb: number;
}

export interface ServerSpec {
  readonly id: string;
  /** HCI-internal id, 13 digits. */
  readonly vmId: string;
  readonly name: string;
  readonly description: string;
  readonly hostId: string;
  readonly isRunning: boolean;
  readonly sockets: number;
  readonly coresPerSocket: number;
  readonly memoryMb: number;
  /** Empty, or `Backup Proxy`. */
  readonly osName: string;
  readonly osKernel: 'linux' | 'windows';
  readonly osDistribution: string;
  /** 1 installed, 0 not, -1 failed, -2 unsupported. */
  readonly vmtools: 1 | 0 | -1 | -2;
  readonly isTurboMode?: boolean;
  readonly isDesktopRevert?: boolean;
  readonly disks: readonly DiskSpec[];
  readonly networks: readonly NetworkSpec[];
}

export interface DiskSpec {
  /** Slot: `ide0`, `virtio0`. */
  readonly deviceId: string;
  /** Need not be a multiple of the block size; at most 64 TiB. */
  readonly sizeBytes: number;
  readonly datastoreId: string;
  readonly preallocate: 'off' | 'metadata' | 'full';
  readonly isCbtEnabled?: boolean;
  readonly content: DiskContentSpec;
}

/** What a disk holds before anybody wrote to it. */
export type DiskContentSpec =
  | { readonly kind: 'empty' }
  /** Synthetic blocks on the given share of the disk, in runs of `runBytes` on average, from the disk's seed. */
  | { readonly kind: 'synthetic'; readonly allocatedRatio: number; readonly runBytes: number }
  /** A raw image; opened by the app, which hands the domain a base reader. */
  | { readonly kind: 'image'; readonly file: string };

export interface NetworkSpec {
  /** `net0`. */
  readonly vifId: string;
  readonly macAddress: string;
  readonly ipAddress: string;
  readonly name: string;
}

export interface CredentialSpec {
  readonly username: string;
  readonly password: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly role: 'admin' | 'custom_admin' | 'tenant';
}
