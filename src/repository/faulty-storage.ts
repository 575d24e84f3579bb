/**
 * A filter round a storage that fails on purpose, and counts everything, so that a test can enumerate each write, sync
 * and rename of an operation and break every single one.
 */
import type { Storage } from './storage.ts';
import { StorageFailure, type StorageFailureCode } from './storage-failure.ts';

export interface StorageOperation {
  /** Position among all operations of this storage, from 0. */
  readonly n: number;
  readonly kind: keyof Storage;
  /** Position among the operations of its kind, from 0. */
  readonly nth: number;
  readonly path: string;
  /** Target of a rename. */
  readonly to?: string;
  /** Length of a write. */
  readonly bytes?: number;
}

export type StorageFault =
  /** Rejects. A write leaves the first `afterBytes` behind (none of it and no file when absent). */
  | { readonly action: 'fail'; readonly code: StorageFailureCode; readonly afterBytes?: number }
  /** A write that keeps only the beginning and says nothing. Other operations are done as usual. */
  | { readonly action: 'truncate'; readonly toBytes: number }
  /** Waits first, then does it. */
  | { readonly action: 'delay'; readonly until: Promise<void> }
  /** The process dies before this operation: it and all later ones reject without effect. */
  | { readonly action: 'halt' };

/** Asked before every operation. */
export type StorageFaultPlan = (operation: StorageOperation) => StorageFault | undefined;

/** What every operation rejects with after a `halt`. */
export class StorageHalted extends Error {
  override readonly name = 'StorageHalted';
}

/** The fault at operation `n`, once. */
export function faultAt(n: number, fault: StorageFault): StorageFaultPlan {
  return (operation) => (operation.n === n ? fault : undefined);
}

/** The fault at the `nth` operation of a kind (from 0), once. */
export function faultAtNth(kind: keyof Storage, nth: number, fault: StorageFault): StorageFaultPlan {
  return (operation) => (operation.kind === kind && operation.nth === nth ? fault : undefined);
}

export class FaultyStorage implements Storage {
  readonly #inner: Storage;
  readonly #plan: StorageFaultPlan;
  readonly #counts = new Map<keyof Storage, number>();
  readonly #operations: StorageOperation[] = [];
  readonly #fired: StorageOperation[] = [];
  #isHalted = false;

  constructor(inner: Storage, plan: StorageFaultPlan = () => undefined) {
    this.#inner = inner;
    this.#plan = plan;
  }

  /** Everything that was asked of this storage, in order. */
  get operations(): readonly StorageOperation[] {
    return this.#operations;
  }

  /** The operations that a fault hit; a test over a fault that did not fire proves nothing. */
  get fired(): readonly StorageOperation[] {
    return this.#fired;
  }

  async read(path: string): Promise<Uint8Array> {
    await this.#enter('read', { path });
    return this.#inner.read(path);
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    const fault = this.#record('write', { path, bytes: bytes.length });
    if (fault?.action === 'fail' && fault.afterBytes !== undefined) {
      await this.#inner.write(path, bytes.subarray(0, fault.afterBytes));
    }
    await this.#suffer(fault, 'write', path);
    await this.#inner.write(path, fault?.action === 'truncate' ? bytes.subarray(0, fault.toBytes) : bytes);
  }

  async sync(path: string): Promise<void> {
    await this.#enter('sync', { path });
    await this.#inner.sync(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#enter('rename', { path: from, to });
    await this.#inner.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await this.#enter('remove', { path });
    await this.#inner.remove(path);
  }

  async exists(path: string): Promise<boolean> {
    await this.#enter('exists', { path });
    return this.#inner.exists(path);
  }

  async list(folder: string): Promise<readonly string[]> {
    await this.#enter('list', { path: folder });
    return this.#inner.list(folder);
  }

  async size(path: string): Promise<number> {
    await this.#enter('size', { path });
    return this.#inner.size(path);
  }

  async #enter(kind: keyof Storage, about: { path: string; to?: string }): Promise<void> {
    const fault = this.#record(kind, about);
    if (fault !== undefined) await this.#suffer(fault, kind, about.path);
  }

  #record(
    kind: keyof Storage,
    about: { path: string; to?: string; bytes?: number },
  ): StorageFault | undefined {
    const nth = this.#counts.get(kind) ?? 0;
    this.#counts.set(kind, nth + 1);
    const operation = { n: this.#operations.length, kind, nth, ...about };
    this.#operations.push(operation);
    if (this.#isHalted) return { action: 'halt' };
    const fault = this.#plan(operation);
    if (fault !== undefined) this.#fired.push(operation);
    this.#isHalted = fault?.action === 'halt';
    return fault;
  }

  async #suffer(fault: StorageFault | undefined, kind: keyof Storage, path: string): Promise<void> {
    if (fault?.action === 'delay') await fault.until;
    if (fault?.action === 'fail') throw new StorageFailure(fault.code, kind, path);
    if (fault?.action === 'halt') throw new StorageHalted(`the process was killed before ${kind} ${path}`);
  }
}
