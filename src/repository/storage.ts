/**
 * The few file operations that the repository stands on. A local folder, memory and a faulty storage implement them;
 * a restore point is durable exactly when they kept their promises.
 */
export interface Storage {
  /** The file's bytes. @throws StorageNotFound */
  read(path: string): Promise<Uint8Array>;
  /** Creates or replaces a file. Not durable, not atomic: a crash may leave any prefix. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Makes a file's bytes, or a folder's names, survive a power cut. */
  sync(path: string): Promise<void>;
  /** Atomic; replaces `to`. Durable only after `sync` of the folder. */
  rename(from: string, to: string): Promise<void>;
  /** Does nothing when there is no such file. */
  remove(path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** File names (not folders) under `folder`, recursively, relative to `folder`, sorted. Empty when it does not exist. */
  list(folder: string): Promise<readonly string[]>;
  /** Size in bytes. @throws StorageNotFound */
  size(path: string): Promise<number>;
}

export class StorageNotFound extends Error {
  override readonly name = 'StorageNotFound';
}
