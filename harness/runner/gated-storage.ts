/** The repository's storage as the engine gets it: it can fail on plan, be watched, and die with its process. */
import type { Storage } from '../../src/repository/storage.ts';
import { StorageFailure } from '../../src/repository/storage-failure.ts';
import type { KillSwitch } from './kill-switch.ts';

export type StorageOperation = 'write' | 'sync' | 'rename' | 'remove';

export interface PlannedStorageFault {
  readonly id: string;
  readonly operation: StorageOperation;
  /** Part of the path. */
  readonly path?: string;
  /** Matches let through first. */
  readonly after: number;
  /** 0: every time from then on. */
  readonly times: number;
  seen: number;
  fired: number;
}

/** What one scenario knows of its storage; outlives the processes. */
export class StorageStage {
  readonly faults: PlannedStorageFault[] = [];
  readonly #watchers = new Set<StorageWatcher>();
  readonly #onStruck: (operation: StorageOperation, path: string) => void;

  /** `onStruck` is told of every operation that a fault strikes. */
  constructor(onStruck: (operation: StorageOperation, path: string) => void = () => undefined) {
    this.#onStruck = onStruck;
  }

  /** Calls `watcher` before and after every operation; it may kill the process that asks. */
  watch(watcher: StorageWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  tell(side: 'before' | 'after', operation: StorageOperation, path: string): void {
    for (const watcher of this.#watchers) watcher(side, operation, path);
  }

  /** @throws StorageFailure when a fault is planned for this operation */
  strike(operation: StorageOperation, path: string): void {
    for (const fault of this.faults) {
      if (fault.operation !== operation || !path.includes(fault.path ?? '')) continue;
      fault.seen++;
      const isOver = fault.times !== 0 && fault.fired >= fault.times;
      if (fault.seen <= fault.after || isOver) continue;
      fault.fired++;
      this.#onStruck(operation, path);
      throw new StorageFailure('EIO', operation, path);
    }
  }
}

type StorageWatcher = (side: 'before' | 'after', operation: StorageOperation, path: string) => void;

export function gateStorage(storage: Storage, stage: StorageStage, power: KillSwitch): Storage {
  const change = (operation: StorageOperation, path: string, work: () => Promise<void>): Promise<void> =>
    power.gate(async () => {
      stage.tell('before', operation, path);
      if (power.isKilled) return;
      stage.strike(operation, path);
      await work();
      stage.tell('after', operation, path);
    });
  return {
    read: (path) => power.gate(() => storage.read(path)),
    exists: (path) => power.gate(() => storage.exists(path)),
    list: (folder) => power.gate(() => storage.list(folder)),
    size: (path) => power.gate(() => storage.size(path)),
    write: (path, bytes) => change('write', path, () => storage.write(path, bytes)),
    sync: (path) => change('sync', path, () => storage.sync(path)),
    rename: (from, to) => change('rename', to, () => storage.rename(from, to)),
    remove: (path) => change('remove', path, () => storage.remove(path)),
  };
}
