/** Which snapshot belongs to which job. */
import type { JobLife, Observation, SnapshotLife } from '../observation.ts';
import { isDuring } from './jobs.ts';
import { once } from './once.ts';

export interface Backup {
  readonly job: JobLife;
  /** The engine's own snapshots of the job's server, in the order in which they came. */
  readonly snapshots: readonly SnapshotLife[];
}

/** Jobs that back up, each with its snapshots. */
export const backups = once((seen): readonly Backup[] =>
  seen.jobs
    .filter(({ operation }) => operation === 'backup')
    .map((job) => ({ job, snapshots: snapshotsOf(seen, job) })),
);

/** Snapshots that the engine made during a job, of the job's server where that is known. */
export function snapshotsOf(seen: Observation, job: JobLife): readonly SnapshotLife[] {
  return seen.snapshots.filter(
    (snapshot) =>
      snapshot.actor !== undefined &&
      snapshot.actor === job.actor &&
      (job.server === undefined || job.server === snapshot.server) &&
      isDuring(job, snapshot.n),
  );
}

/** The one that a successful backup was read from: taken last. */
export function readFrom({ snapshots }: Backup): SnapshotLife | undefined {
  return snapshots.at(-1);
}
