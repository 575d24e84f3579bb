/** How snapshots go. */
import { judgeEach, type Broken } from '../judging.ts';
import type { JobLife, Observation, ResourceLife, SnapshotLife } from '../observation.ts';
import { isHindered } from '../readings/hindrance.ts';
import { jobsBehind } from '../readings/jobs.ts';
import type { Rule } from '../rule-api.ts';

export const REMOVAL_RULES: readonly Rule[] = [
  {
    id: 'SNAP-6',
    title: 'deletes its snapshot before its job is over',
    level: 'must',
    clause: 'The last step of a backup is to delete the snapshot.',
    source: 'workflow of VM backups, step 6',
    fidelity: 'documented',
    breaks: 'Snapshots grow with every write of the guest until the datastore is full and servers stop.',
    evidence: 'snapshots.create in a job that succeeds, and snapshots.delete before the end of that job',
    remedy:
      'Delete it in the end of the job whatever happened before; note it first, so that a crash can be cleaned up.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['leaves-its-snapshot'],
    judge: (seen) => judgeEach(ofSucceeded(seen), ({ snapshot, job }) => isLeft(seen, snapshot, job)),
  },
  {
    id: 'SNAP-7',
    title: 'deletes a snapshot only after the backup resource that stands on it',
    level: 'must',
    clause: 'Step 5 deletes the backup resource, step 6 the snapshot.',
    source: 'workflow of VM backups, steps 5 and 6',
    fidelity: 'documented',
    breaks:
      'The data service loses the ground it stands on: the deletion fails, or hangs and blocks the server.',
    evidence: 'snapshots.delete, and the life of the backup resource of that snapshot',
    remedy: 'Delete the backup resource, wait until it is gone, then delete the snapshot.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['snapshot-before-resource'],
    judge: (seen) => judgeEach(doomed(seen), (snapshot) => isStillUsed(seen, snapshot)),
  },
];

interface Owned {
  readonly snapshot: SnapshotLife;
  readonly job: JobLife;
}

function ofSucceeded(seen: Observation): readonly Owned[] {
  return seen.snapshots.flatMap((snapshot) => {
    if (snapshot.actor === undefined) return [];
    const [job, ...others] = jobsBehind(seen, snapshot);
    return job?.outcome === 'succeeds' && others.length === 0 ? [{ snapshot, job }] : [];
  });
}

/** It need not have worked: that the platform refuses is told by the job's warnings. */
function isLeft(seen: Observation, snapshot: SnapshotLife, job: JobLife): Broken | undefined {
  const { n, name, deletedBy, end, actor } = snapshot;
  const jobEnd = job.end?.n ?? Number.POSITIVE_INFINITY;
  if (deletedBy.some((call) => call.n < jobEnd) || (end?.n ?? Number.POSITIVE_INFINITY) < jobEnd)
    return undefined;
  // Who can not see what there is deletes nothing; that is safe.
  if (
    isHindered(seen, {
      actor,
      from: snapshot,
      to: job.end,
      operations: ['snapshots', 'backup-resources', 'tasks'],
    })
  )
    return undefined;
  return {
    at: job.end?.n ?? n,
    expected: `snapshot ${name} is deleted before the job is over`,
    actual: 'nobody asked for that',
    evidence: [n],
  };
}

function doomed(seen: Observation): readonly SnapshotLife[] {
  return seen.snapshots.filter(
    ({ id, actor, deletedBy }) =>
      actor !== undefined &&
      deletedBy.length > 0 &&
      seen.resources.some(({ snapshot, running }) => snapshot === id && running !== undefined),
  );
}

function isStillUsed(seen: Observation, snapshot: SnapshotLife): Broken | undefined {
  const at = snapshot.deletedBy[0]?.n ?? 0;
  const standing = seen.resources.find((resource) => standsOn(resource, snapshot, at));
  if (standing === undefined) return undefined;
  return {
    at,
    expected: 'the backup resource is deleted first',
    actual: `it still holds the server when the deletion of ${snapshot.name} is asked for`,
    evidence: [standing.n],
  };
}

/** A release that was asked for but did not work is not the engine's fault. */
function standsOn({ snapshot, end, deletedBy }: ResourceLife, { id }: SnapshotLife, at: number): boolean {
  const isHeld = snapshot === id && (end?.n ?? Number.POSITIVE_INFINITY) > at;
  return isHeld && !deletedBy.some((call) => call.n < at);
}
