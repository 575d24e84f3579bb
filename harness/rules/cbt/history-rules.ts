/** Since which checkpoint changes are asked for. */
import { judgeEach, type Broken } from '../judging.ts';
import type { AreaWalk, JobLife, Observation } from '../observation.ts';
import { type Backup, backups, readFrom } from '../readings/backups.ts';
import { isDuring, jobsBehind } from '../readings/jobs.ts';
import type { Rule } from '../rule-api.ts';

const WORKFLOW = 'workflow of VM backups, step 3; SCP 6.11.3 guide, changed block tracking';

export const HISTORY_RULES: readonly Rule[] = [
  {
    id: 'CBT-6',
    title: 'asks with checkpoint 0 in the first backup of a server',
    level: 'must',
    clause: 'Checkpoint 0 stands for all blocks in use at the snapshot; a full backup asks with it.',
    source: WORKFLOW,
    fidelity: 'documented',
    breaks: 'The first restore point lacks whatever has not changed lately: nearly everything.',
    evidence:
      'checkpoint_id of the cbt.changed-areas calls of a backup before which none of the server succeeded',
    remedy: 'Without a committed backup of this server in this repository the checkpoint is 0.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['first-backup-since-itself'],
    judge: (seen) => judgeEach(firstWalks(seen), asksSinceSomething),
  },
  {
    id: 'CBT-7',
    title: 'asks for changes since the snapshot of the last backup that succeeded',
    level: 'must',
    clause:
      'A later backup passes the checkpoint of the last one. What failed, or what another product made, is no base.',
    source: WORKFLOW,
    fidelity: 'documented',
    breaks:
      'Blocks that changed between the two checkpoints are in no restore point. The restore succeeds; the data is wrong.',
    evidence:
      'checkpoint_id of the cbt.changed-areas calls, and the snapshots of the jobs that succeeded before',
    remedy:
      'Store the checkpoint with the restore point, in the same commit; move it only with the next commit.',
    scenarios: ['S002-full-and-three-incrementals', 'S025-repository-fails-after-the-snapshot'],
    mutants: ['base-of-the-wrong-snapshot', 'base-moves-before-commit'],
    needs: ['incremental'],
    judge: (seen) => judgeEach(laterWalks(seen), ({ walk, job }) => hasWrongBase(seen, walk, job)),
  },
  {
    id: 'CBT-8',
    title: 'never asks for the changes of a snapshot since itself',
    level: 'must',
    clause: 'The list holds what changed between the checkpoint that is given and the snapshot that is read.',
    source: WORKFLOW,
    fidelity: 'documented',
    breaks: 'Nothing has changed since itself: the restore point is an old one with a new date.',
    evidence: 'checkpoint_id of cbt.changed-areas, and the checkpoint of its snapshot',
    remedy: 'Keep the checkpoint of the backup before apart from that of the snapshot that was just taken.',
    scenarios: ['S002-full-and-three-incrementals'],
    mutants: ['base-of-the-wrong-snapshot', 'first-backup-since-itself'],
    judge: (seen) => judgeEach(since(seen), (walk) => isSinceItself(seen, walk)),
  },
];

/** Walks that ask for changes, not for everything. */
function since(seen: Observation): readonly AreaWalk[] {
  return seen.walks.filter(({ checkpoint }) => checkpoint !== '0' && checkpoint !== '');
}

function firstWalks(seen: Observation): readonly AreaWalk[] {
  return backups(seen).flatMap(({ job }) => (basesOf(seen, job).length > 0 ? [] : walksOf(seen, job)));
}

function walksOf(seen: Observation, job: JobLife): readonly AreaWalk[] {
  return seen.walks.filter(
    (walk) => isDuring(job, walk.n) && walk.actor === job.actor && walk.server === job.server,
  );
}

function asksSinceSomething(walk: AreaWalk): Broken | undefined {
  if (walk.checkpoint === '0') return undefined;
  return { at: walk.n, expected: 'checkpoint 0', actual: `checkpoint ${walk.checkpoint}` };
}

function laterWalks(seen: Observation): readonly { readonly walk: AreaWalk; readonly job: JobLife }[] {
  return since(seen).flatMap((walk) => {
    const [job, ...others] = jobsBehind(seen, walk);
    return job === undefined || others.length > 0 || job.operation === 'cleanup' ? [] : [{ walk, job }];
  });
}

function hasWrongBase(seen: Observation, walk: AreaWalk, job: JobLife): Broken | undefined {
  const bases = job.operation === 'restore' ? pointOf(seen, job) : basesOf(seen, job);
  const allowed = bases.flatMap((backup) => readFrom(backup)?.checkpoint ?? []);
  if (bases.length === 0 || allowed.includes(walk.checkpoint)) return undefined;
  return {
    at: walk.n,
    expected: `changes since checkpoint ${allowed.join(' or ')}`,
    actual: `changes since ${walk.checkpoint}`,
    evidence: bases.flatMap((backup) => readFrom(backup)?.n ?? []),
  };
}

/** The backup whose point a restore writes back. */
function pointOf(seen: Observation, restore: JobLife): readonly Backup[] {
  return backups(seen).filter(({ job }) => job.point !== undefined && job.point === restore.point);
}

/**
 * Backups that a later one of the same server may build on: the last that succeeded, and those killed since that had
 * committed their point a moment before.
 */
function basesOf(seen: Observation, { n, actor, server }: JobLife): readonly Backup[] {
  const earlier = backups(seen).filter(
    ({ job, snapshots }) => job.n < n && job.actor === actor && job.server === server && snapshots.length > 0,
  );
  const last = earlier.findLastIndex(({ job }) => job.outcome === 'succeeds' && (job.end?.n ?? n) < n);
  const since = earlier.slice(last + 1).filter(({ job }) => mayHaveCommitted(seen, job));
  return [...earlier.slice(Math.max(last, 0), last + 1), ...since];
}

/** It did not tell of a point, but one was found that no other job tells of. */
function mayHaveCommitted(seen: Observation, { outcome, server, end }: JobLife): boolean {
  if (outcome === 'succeeds' || end === undefined) return false;
  const told = new Set(seen.jobs.map(({ point }) => point));
  return seen.comparisons.some(
    (found) => found.what === 'point' && found.server === server && found.n > end.n && !told.has(found.point),
  );
}

function isSinceItself(seen: Observation, walk: AreaWalk): Broken | undefined {
  const snapshot = seen.snapshots.find(({ id }) => id === walk.snapshot);
  if (snapshot === undefined || snapshot.checkpoint !== walk.checkpoint) return undefined;
  return {
    at: walk.n,
    expected: 'the checkpoint of an earlier backup',
    actual: `checkpoint ${walk.checkpoint}, which is the snapshot's own`,
    evidence: [snapshot.n],
  };
}
