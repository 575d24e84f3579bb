/** When a snapshot took effect: the journal position at which it came into being. */
import type { JournalEntry } from '../../src/kernel/journal.ts';

/** Looked for from the end: it is asked for soon after, and journals grow long. */
export function snapshotInstant(journal: readonly JournalEntry[], snapshotId: string): number | undefined {
  return journal.findLast(
    (entry) =>
      entry.type === 'state' &&
      entry.entity === 'snapshot' &&
      entry.id === snapshotId &&
      entry.from === undefined,
  )?.n;
}

/** The last snapshot of a server that came into being from position `from` on and is not one of `others`. */
export function lastSnapshotSince(
  journal: readonly JournalEntry[],
  serverId: string,
  from: number,
  others: ReadonlySet<string>,
): string | undefined {
  for (let at = journal.length - 1; at >= 0; at--) {
    const entry = journal[at];
    if (entry === undefined || entry.n < from) return undefined;
    if (entry.type !== 'state' || entry.entity !== 'snapshot' || entry.from !== undefined) continue;
    if (entry.server === serverId && !others.has(entry.id)) return entry.id;
  }
  return undefined;
}
