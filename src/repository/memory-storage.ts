/**
 * A storage in memory that forgets what a disk would forget.
 *
 * The model: files are inodes, folders map names to inodes, and both exist twice: as the running system sees them and
 * as they would be found after a power cut. `sync` of a file copies its bytes to the second, `sync` of a folder its
 * names (of the files directly in it). So a rename without a sync of its folder is undone by `crash`, and a synced name
 * may stand for bytes that were not synced.
 *
 * Deterministic: no operation takes longer than a microtask.
 */
import type { Rng } from '../kernel/rng.ts';
import { type Storage, StorageNotFound } from './storage.ts';

interface Inode {
  bytes: Uint8Array;
  /** What a power cut leaves for sure. */
  durable: Uint8Array;
}

export class MemoryStorage implements Storage {
  readonly #names = new Map<string, Inode>();
  readonly #durableNames = new Map<string, Inode>();
  #lostFiles = 0;

  /** Files that the power cut which this storage comes from has taken or cut short. */
  get lostFiles(): number {
    return this.#lostFiles;
  }

  async read(path: string): Promise<Uint8Array> {
    return new Uint8Array(this.#find(path).bytes);
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    const inode = this.#names.get(path) ?? { bytes: new Uint8Array(0), durable: new Uint8Array(0) };
    // Not slice(): of a Buffer that is a view, and the caller goes on using its memory.
    inode.bytes = new Uint8Array(bytes);
    this.#names.set(path, inode);
  }

  async sync(path: string): Promise<void> {
    const inode = this.#names.get(path);
    if (inode !== undefined) inode.durable = inode.bytes;
    else this.#syncNames(path);
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#find(from);
    this.#names.delete(from);
    this.#names.set(to, inode);
  }

  async remove(path: string): Promise<void> {
    this.#names.delete(path);
  }

  async exists(path: string): Promise<boolean> {
    return this.#names.has(path);
  }

  async list(folder: string): Promise<readonly string[]> {
    const prefix = `${folder}/`;
    const inside = [...this.#names.keys()].filter((name) => name.startsWith(prefix));
    return inside.map((name) => name.slice(prefix.length)).sort();
  }

  async size(path: string): Promise<number> {
    return this.#find(path).bytes.length;
  }

  /**
   * What is found after a power cut at this instant; this storage stays as it is. Without `rng` everything that was
   * not synced is lost; with it each un-synced name and each file's bytes may have reached the disk all the same, bytes
   * up to a torn end.
   */
  crash(rng?: Rng): MemoryStorage {
    const found = new MemoryStorage();
    const copies = new Map<Inode, Inode>();
    for (const path of [...new Set([...this.#names.keys(), ...this.#durableNames.keys()])].sort()) {
      const inode = (rng !== undefined && rng.int(0, 1) === 1 ? this.#names : this.#durableNames).get(path);
      if (inode === undefined) continue;
      const copy = copies.get(inode) ?? settled(inode, rng);
      copies.set(inode, copy);
      found.#names.set(path, copy);
      found.#durableNames.set(path, copy);
    }
    for (const [path, { bytes }] of this.#names)
      if (found.#names.get(path)?.bytes.length !== bytes.length) found.#lostFiles++;
    return found;
  }

  #syncNames(folder: string): void {
    for (const path of this.#durableNames.keys())
      if (folderOf(path) === folder) this.#durableNames.delete(path);
    for (const [path, inode] of this.#names)
      if (folderOf(path) === folder) this.#durableNames.set(path, inode);
  }

  #find(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw new StorageNotFound(`${path} does not exist`);
    return inode;
  }
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function settled({ bytes, durable }: Inode, rng: Rng | undefined): Inode {
  const isTorn = rng !== undefined && bytes !== durable;
  const kept = isTorn ? bytes.slice(0, rng.int(0, bytes.length)) : durable;
  return { bytes: kept, durable: kept };
}
