/** What befalls the machine of an engine: the world does not know of it, so its journal has none of it. */
export type Incident =
  | { readonly kind: 'process-starts' /** From 1. */; readonly life: number }
  | {
      readonly kind: 'killed';
      readonly isPowerCut: boolean;
      /** That the power cut took from the repository, since they had not been synced. */
      readonly lostFiles: number;
    }
  | { readonly kind: 'clock-jumps'; readonly byMs: number }
  | { readonly kind: 'storage-fails'; readonly operation: string; readonly path: string };

export type IncidentWatcher = (incident: Incident) => void;

export class Incidents {
  readonly #watchers = new Set<IncidentWatcher>();

  watch(watcher: IncidentWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  tell(incident: Incident): void {
    for (const watcher of this.#watchers) watcher(incident);
  }
}
