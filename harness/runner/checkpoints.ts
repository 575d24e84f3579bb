/** What an engine says of its progress, for whoever waits for a step of it; outlives the processes. */
import type { ProgressEvent } from '../../src/engine/engine-api.ts';

type CheckpointWatcher = (event: ProgressEvent) => void;

export class Checkpoints {
  readonly #watchers = new Set<CheckpointWatcher>();

  /** Calls `watcher` before the engine goes on; it may kill the process that tells. */
  watch(watcher: CheckpointWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  tell(event: ProgressEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }
}
