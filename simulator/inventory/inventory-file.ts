/** An inventory file's content after its shape was checked: everything optional that has a default. */
import type {
  ClusterSpec,
  CredentialSpec,
  DatastoreSpec,
  HostSpec,
  NetworkSpec,
  PoolSpec,
  ServerSpec,
} from '../domain/inventory.ts';

type Size = number | string;
type Named<T extends { readonly name: string }> = Partial<T> & Pick<T, 'name'>;

export interface InventoryFile {
  readonly pools?: readonly Named<PoolSpec>[];
  readonly clusters?: readonly Named<ClusterSpec>[];
  readonly hosts?: readonly Named<HostSpec>[];
  readonly datastores?: readonly Named<DatastoreSpec>[];
  readonly servers: readonly ServerEntry[];
  readonly credentials?: readonly (Partial<CredentialSpec> & Pick<CredentialSpec, 'username' | 'password'>)[];
}

export type ServerEntry = Named<Omit<ServerSpec, 'disks' | 'networks'>> & {
  readonly disks: readonly (Size | DiskEntry)[];
  readonly networks?: readonly Partial<NetworkSpec>[];
};

export interface DiskEntry {
  readonly deviceId?: string;
  readonly size?: Size;
  readonly sizeBytes?: Size;
  readonly datastoreId?: string;
  readonly preallocate?: 'off' | 'metadata' | 'full';
  readonly isCbtEnabled?: boolean;
  readonly content?: 'empty' | 'synthetic' | ContentEntry;
}

export interface ContentEntry {
  readonly kind: 'empty' | 'synthetic' | 'image';
  readonly allocatedRatio?: number;
  readonly runBytes?: Size;
  readonly file?: string;
}

/** Where in the file: `['servers', 0, 'disks', 1, 'size']`. */
export type Path = readonly (string | number)[];

/** Something wrong in the file. `what` says what, and what is allowed. */
export interface Problem {
  readonly path: Path;
  readonly what: string;
}
