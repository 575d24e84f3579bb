/** Finds in a journal where HotAdd tasks met: one was asked for while another ran on the same proxy. */
import type { JournalEntry } from '../../src/kernel/journal.ts';

export interface Collision {
  /** `add/remove`: an add ran when the remove was asked for. */
  readonly kind: string;
  readonly isSameInstant: boolean;
  /** Position of the later task in the journal. */
  readonly at: number;
}

interface Running {
  readonly task: string;
  readonly verb: string;
  readonly sinceMs: number;
}

const ACTION = /^hotadd\.(add|remove)$/;

export function findCollisions(journal: readonly JournalEntry[]): readonly Collision[] {
  const running = new Map<string, Running[]>();
  return journal.flatMap((entry) => {
    if (entry.type !== 'task') return [];
    const verb = ACTION.exec(entry.action)?.[1];
    if (verb === undefined) return [];
    const others = (running.get(entry.server ?? '') ?? []).filter(({ task }) => task !== entry.task);
    if (entry.status === 'doing') return [];
    if (entry.status !== 'waiting') {
      running.set(entry.server ?? '', others);
      return [];
    }
    running.set(entry.server ?? '', [...others, { task: entry.task, verb, sinceMs: entry.t }]);
    const [first] = others;
    if (first === undefined) return [];
    return [{ kind: `${first.verb}/${verb}`, isSameInstant: first.sinceMs === entry.t, at: entry.n }];
  });
}
