/** A journal, read once, as rules look at it. */
import type { JournalEntry } from '../../src/kernel/journal.ts';

/** Everything that rules need of one world; built by `observe`. */
export interface Observation {
  readonly entries: readonly JournalEntry[];
}
