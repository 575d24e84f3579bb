/**
 * A repository in a local folder.
 *
 * Folders are created as needed, each made durable in its parent at once, so that a `sync` of a folder holds for the
 * whole path. Paths are relative with `/`; one that could leave the folder is refused.
 */
import { mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { type Clock, whileHolding } from '../kernel/clock.ts';
import { type Storage, StorageNotFound } from '../repository/storage.ts';
import { StorageFailure, type StorageFailureCode } from '../repository/storage-failure.ts';

export interface FolderStorageOptions {
  /** A virtual clock stands still during every operation. */
  readonly clock?: Clock;
}

export function createFolderStorage(folder: string, { clock }: FolderStorageOptions = {}): Storage {
  const root = resolve(folder);
  const folders = new FolderMaker();
  const run = <T>(action: string, path: string, work: (file: string) => Promise<T>): Promise<T> => {
    const attempt = () => translating(action, path, () => work(fileOf(root, path)));
    return clock === undefined ? attempt() : whileHolding(clock, attempt);
  };
  return {
    read: (path) => run('read', path, (file) => readFile(file)),
    write: (path, bytes) => run('write', path, (file) => writeInto(file, bytes, folders)),
    sync: (path) => run('sync', path, syncPath),
    rename: (from, to) => run('rename', from, (file) => renameInto(file, fileOf(root, to), folders)),
    remove: (path) => run('remove', path, (file) => unlessMissing(unlink(file), undefined)),
    exists: (path) =>
      run('look for', path, (file) =>
        unlessMissing(
          stat(file).then(() => true),
          false,
        ),
      ),
    list: (path) => run('list', path, (file) => unlessMissing(filesUnder(file), [])),
    size: (path) => run('read', path, async (file) => (await stat(file)).size),
  };
}

/** @throws StorageFailure EPATH unless the path stays inside the folder, as a path and not by luck */
function fileOf(root: string, path: string): string {
  const isPlain = (part: string): boolean =>
    part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part);
  if (!path.split('/').every(isPlain)) throw new StorageFailure('EPATH', 'use', JSON.stringify(path));
  return join(root, path);
}

async function writeInto(file: string, bytes: Uint8Array, folders: FolderMaker): Promise<void> {
  await folders.make(dirname(file));
  await using handle = await open(file, 'w').catch(async (error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
    // Somebody removed the folder since this process made it.
    folders.forget();
    await folders.make(dirname(file));
    return open(file, 'w');
  });
  await handle.writeFile(bytes);
}

async function renameInto(from: string, to: string, folders: FolderMaker): Promise<void> {
  await folders.make(dirname(to));
  await rename(from, to);
}

async function syncPath(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => relative(folder, file).split(sep).join('/')).sort();
}

/** Makes folders with all their parents and remembers which are there. */
class FolderMaker {
  readonly #made = new Map<string, Promise<void>>();

  make(folder: string): Promise<void> {
    const making = this.#made.get(folder) ?? this.#makeNew(folder);
    this.#made.set(folder, making);
    making.catch(() => this.#made.delete(folder));
    return making;
  }

  forget(): void {
    this.#made.clear();
  }

  async #makeNew(folder: string): Promise<void> {
    try {
      await mkdir(folder);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return;
      if (codeOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
      await this.make(dirname(folder));
      return this.#makeNew(folder);
    }
    await syncPath(dirname(folder));
  }
}

async function unlessMissing<T>(work: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return otherwise;
    throw error;
  }
}

async function translating<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StorageFailure) throw error;
    if (codeOf(error) === 'ENOENT') throw new StorageNotFound(`${path} does not exist`, { cause: error });
    throw new StorageFailure(failureCode(codeOf(error)), action, path, { cause: error });
  }
}

const failureCodes: Readonly<Record<string, StorageFailureCode>> = {
  ENOSPC: 'ENOSPC',
  EDQUOT: 'ENOSPC',
  EIO: 'EIO',
  EACCES: 'EACCES',
  EPERM: 'EACCES',
  EROFS: 'EROFS',
};

function failureCode(code: string | undefined): StorageFailureCode {
  return failureCodes[code ?? ''] ?? 'EOTHER';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
