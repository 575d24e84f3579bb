/** A storage that could not do what it was asked; every `Storage` throws this and `StorageNotFound`, nothing else. */

export type StorageFailureCode = 'ENOSPC' | 'EIO' | 'EACCES' | 'EROFS' | 'EPATH' | 'EOTHER';

const advice: Readonly<Record<StorageFailureCode, string>> = {
  ENOSPC: 'no space left: free some or prune old points, then run the backup again',
  EIO: 'the medium reports an error: check the disk, then verify the repository',
  EACCES: 'permission denied: check the owner and mode of the repository folder',
  EROFS: 'the file system is read-only: remount it writable',
  EPATH: 'the path leaves the repository folder or is malformed',
  EOTHER: 'the operation failed',
};

export class StorageFailure extends Error {
  override readonly name = 'StorageFailure';
  readonly code: StorageFailureCode;
  /** Relative to the repository. */
  readonly path: string;

  constructor(code: StorageFailureCode, action: string, path: string, options?: ErrorOptions) {
    super(`cannot ${action} ${path}: ${advice[code]} (${code})`, options);
    this.code = code;
    this.path = path;
  }
}
