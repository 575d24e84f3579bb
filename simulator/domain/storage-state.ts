/**
 * What a datastore's trouble does to the disks on it: nothing is read or written while it is offline, nothing is
 * written while it is full. Which calls notice is assumed. @fidelity assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { DatastoreRecord, ServerRecord, WorldState } from './world-state.ts';

/** Reaches a reader of the disk's bytes as its errno. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: 'EIO' | 'ENOSPC';

  constructor(code: 'EIO' | 'ENOSPC', message: string) {
    super(message);
    this.code = code;
  }
}

/** Looks the datastore of a server's disk up once; `undefined` for a disk that is gone meanwhile. */
export function datastoreOf(
  state: WorldState,
  server: ServerRecord,
  deviceId: string,
): DatastoreRecord | undefined {
  const spec = server.disks.find((disk) => disk.deviceId === deviceId)?.spec;
  return state.datastores.find(({ id }) => id === spec?.datastoreId);
}

/** @throws StorageError */
export function refuseUnread(store: DatastoreRecord | undefined): void {
  if (store?.isOnline === false) throw new StorageError('EIO', `datastore ${store.id} is offline`);
}

/** @throws StorageError */
export function refuseUnwritten(store: DatastoreRecord | undefined): void {
  refuseUnread(store);
  if (store?.isFull === true) throw new StorageError('ENOSPC', `datastore ${store.id} is full`);
}

/** A snapshot needs all disks, and room for what will be written after it. @throws NO_HOST, NO_SPACE */
export function refuseNoSnapshot(state: WorldState, server: ServerRecord): void {
  refuseOffline(state, server);
  const full = storesOf(state, server).find(({ isFull }) => isFull);
  if (full !== undefined) throw new ApiError('NO_SPACE', full.name);
}

/** @throws NO_HOST */
export function refuseOffline(state: WorldState, server: ServerRecord): void {
  if (storesOf(state, server).some(({ isOnline }) => !isOnline)) throw new ApiError('NO_HOST', server.name);
}

function storesOf(state: WorldState, server: ServerRecord): DatastoreRecord[] {
  const ids = new Set<string>(server.disks.map(({ spec }) => spec.datastoreId));
  return state.datastores.filter(({ id }) => ids.has(id));
}
