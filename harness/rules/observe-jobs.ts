/** Jobs of the judged engines, from their beginning to their end. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import type { JobLife } from './observation.ts';

type JobEntry = Extract<JournalEntry, { type: 'job' }>;
type Growing<T> = { -readonly [Key in keyof T]: T[Key] };

export interface JobIndex {
  readonly add: (entry: JobEntry) => void;
  /** Whether it may be what a judged engine has made. */
  readonly areTheirs: (found: Extract<JournalEntry, { type: 'compared' }>) => boolean;
  readonly all: readonly JobLife[];
}

export function createJobIndex(actors: ReadonlySet<string>): JobIndex {
  const all: Growing<JobLife>[] = [];
  /** Points of engines that are not judged. */
  const foreign = new Set<string>();
  let hasForeign = false;
  return {
    all,
    areTheirs: ({ point }) => !foreign.has(point) && (all.length > 0 || !hasForeign),
    add(entry) {
      if (entry.actor !== undefined && !actors.has(entry.actor)) {
        hasForeign = true;
        if (entry.point !== undefined) foreign.add(entry.point);
        return;
      }
      const known = all.find(({ job }) => job === entry.job);
      if (known === undefined) all.push(begin(entry));
      else end(known, entry);
    },
  };
}

function begin(entry: JobEntry): Growing<JobLife> {
  const { n, t, job, engine, operation, actor, transport, server, point, mode, error } = entry;
  const end = undefined;
  const known = { actor, transport, server, point, mode, error };
  return { n, t, job, engine, operation, ...known, outcome: end, end };
}

function end(job: Growing<JobLife>, entry: JobEntry): void {
  if (entry.phase === 'begins') return;
  job.outcome = entry.phase;
  job.end = { n: entry.n, t: entry.t };
  job.server = entry.server ?? job.server;
  job.point = entry.point ?? job.point;
  job.mode = entry.mode ?? job.mode;
  job.error = entry.error ?? job.error;
}
