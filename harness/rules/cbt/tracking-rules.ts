/** Switching tracking on, looking at it, beginning it anew. */
import { judgeEach, type Broken } from '../judging.ts';
import type { AreaWalk, Call, Observation, SnapshotLife } from '../observation.ts';
import { isAnswered } from '../read-calls.ts';
import { textOf } from '../read-json.ts';
import { backups, type Backup } from '../readings/backups.ts';
import { jobsBehind } from '../readings/jobs.ts';
import type { Rule } from '../rule-api.ts';

const GUIDE = 'SCP 6.11.3 guide, changed block tracking; workflow of VM backups, prerequisites';

export const TRACKING_RULES: readonly Rule[] = [
  {
    id: 'CBT-1',
    title: 'switches tracking on before the snapshot that it is to cover',
    level: 'must',
    clause:
      'Tracking is a prerequisite of the backup: what was written before it began is in no change list.',
    source: GUIDE,
    fidelity: 'documented',
    breaks:
      'The checkpoint of the first backup is worth nothing, and the first incremental misses blocks; nobody sees it until a restore.',
    evidence:
      'rest.request of cbt.set with type enable, and the snapshots of that server that are in use then',
    remedy:
      'Enable tracking and wait for its task before the snapshot is taken, never between snapshot and read.',
    scenarios: ['S034-tracking-switched-on-late'],
    mutants: ['enables-cbt-late'],
    judge: (seen) => judgeEach(switchesOn(seen), (call) => comesLate(seen, call)),
  },
  {
    id: 'CBT-2',
    title: 'looks at the state of tracking, or switches it on, before each backup',
    level: 'must',
    clause:
      'Tracking is enabled or reset before a backup where that is needed; it can be on for some disks only.',
    source: GUIDE,
    fidelity: 'documented',
    breaks:
      'Somebody switches tracking off, or adds a disk: the product goes on asking for changes and stores too little, or fails every night.',
    evidence: 'rest.request of cbt.status or cbt.set between the beginning of a backup and its snapshot',
    remedy: 'Ask for the status of tracking in every job; decide disk by disk.',
    scenarios: ['S002-full-and-three-incrementals'],
    mutants: ['assumes-that-cbt-is-on'],
    needs: ['incremental'],
    judge: (seen) =>
      judgeEach(
        backups(seen).filter(({ snapshots }) => snapshots.length > 0),
        (backup) => takesForGranted(seen, backup),
      ),
  },
  {
    id: 'CBT-3',
    title: 'asks for changed areas only of disks that were tracked at the snapshot',
    level: 'must',
    clause: 'Tracking can be on for a subset of the disks; the others can only be read as a whole.',
    source: GUIDE,
    fidelity: 'documented',
    breaks:
      'The query is refused and the job fails every night, or, worse, an empty answer is believed and the disk is not backed up.',
    evidence: 'rest.request of cbt.changed-areas, and the disks of its snapshot',
    remedy:
      'Take the disks with tracking from the status at the time of the snapshot; read the others whole.',
    scenarios: ['S001-full-backup-and-restore', 'S004-many-disks-cbt-on-some'],
    mutants: ['asks-about-untracked-disks'],
    judge: (seen) => judgeEach(knownWalks(seen), (walk) => isUntracked(seen, walk)),
  },
  {
    id: 'CBT-4',
    title: 'answers an expired change list with a full backup',
    level: 'must',
    clause:
      'After a snapshot was reverted to, or a backup was recovered, checkpoints are void: "The VM CBT has expired. Please reset it." The cure is a reset, then a full backup.',
    source: GUIDE,
    fidelity: 'documented',
    breaks: 'Blocks that changed are missing in the restore point: the restored file system is damaged.',
    evidence: 'rest.reply of cbt.changed-areas with the text of expiry, and the queries until the job ends',
    remedy:
      'Reset tracking, take a new snapshot, ask with checkpoint 0 and read all of it; say so in the result.',
    scenarios: ['S013-cbt-expired-after-revert', 'S015-invalid-map-is-not-for-ever'],
    mutants: ['expired-means-unchanged'],
    judge: (seen) => judgeEach(expiries(seen), (refused) => goesOnWithout(seen, refused)),
  },
  {
    id: 'CBT-5',
    title: 'resets tracking that has expired, so that the next backup is incremental again',
    level: 'must',
    clause:
      'The cure of expired tracking is PUT cbt/status with type reset. Nothing else makes it valid again.',
    source: GUIDE,
    fidelity: 'documented',
    breaks: 'Every backup from then on is a full one: the backup window and the storage no longer suffice.',
    evidence:
      'rest.reply of cbt.changed-areas with the text of expiry, and rest.request of cbt.set with type reset',
    remedy: 'Send the reset once, before the snapshot of the full backup that follows.',
    scenarios: ['S013-cbt-expired-after-revert', 'S015-invalid-map-is-not-for-ever'],
    mutants: ['never-resets-cbt'],
    needs: ['incremental'],
    judge: (seen) => judgeEach(expiries(seen), (refused) => isNeverReset(seen, refused)),
  },
];

function switchesOn(seen: Observation): readonly Call[] {
  return seen.calls.filter((call) => isSet(call, 'enable'));
}

function isSet({ operation, body }: Call, type: string): boolean {
  return operation === 'cbt.set' && textOf(body, 'type') === type;
}

function comesLate(seen: Observation, call: Call): Broken | undefined {
  const inUse = seen.snapshots.find(
    (snapshot) =>
      snapshot.server === call.server && snapshot.actor === call.actor && isInUse(snapshot, call.n),
  );
  if (inUse === undefined) return undefined;
  return {
    at: call.n,
    expected: 'tracking is on before the snapshot is taken',
    actual: `it is switched on after snapshot ${inUse.name} was taken`,
    evidence: [inUse.n],
  };
}

/** Left-overs of an earlier job may be there, but are on their way out. */
function isInUse({ n, deletedBy, end }: SnapshotLife, at: number): boolean {
  const over = Math.min(deletedBy[0]?.n ?? Number.POSITIVE_INFINITY, end?.n ?? Number.POSITIVE_INFINITY);
  return n < at && at < over;
}

function takesForGranted(seen: Observation, { job, snapshots }: Backup): Broken | undefined {
  const [first] = snapshots;
  if (first === undefined) return undefined;
  const hasLooked = seen.calls.some(
    (call) =>
      call.operation.startsWith('cbt.') &&
      call.operation !== 'cbt.changed-areas' &&
      call.server === first.server &&
      call.actor === job.actor &&
      call.n > job.n &&
      call.n < first.n,
  );
  if (hasLooked) return undefined;
  return {
    at: first.createdBy?.n ?? first.n,
    expected: 'a look at the state of tracking before the snapshot',
    actual: 'the snapshot is taken without one',
    evidence: [job.n],
  };
}

/** Walks whose snapshot the journal describes. */
function knownWalks(seen: Observation): readonly AreaWalk[] {
  return seen.walks.filter(({ diskBytes }) => diskBytes !== undefined);
}

function isUntracked(seen: Observation, walk: AreaWalk): Broken | undefined {
  const snapshot = seen.snapshots.find(({ id }) => id === walk.snapshot);
  const disk = snapshot?.disks.find(({ id }) => id === walk.disk);
  if (snapshot === undefined || disk === undefined || disk.isTracked) return undefined;
  return {
    at: walk.n,
    expected: `${walk.disk} is read as a whole, since it was not tracked`,
    actual: 'its changed areas are asked for',
    evidence: [snapshot.n],
  };
}

const EXPIRED = /CBT has expired/i;

/** Queries since a checkpoint of which the engine was told that it is void. */
function expiries(seen: Observation): readonly Call[] {
  return seen.calls.filter(
    (call) =>
      call.operation === 'cbt.changed-areas' &&
      textOf(call.query, 'checkpoint_id') !== '0' &&
      isAnswered(call) &&
      EXPIRED.test(call.reply?.message ?? ''),
  );
}

function goesOnWithout(seen: Observation, refused: Call): Broken | undefined {
  const made = { n: refused.n, actor: refused.actor, server: refused.server ?? '' };
  const job = jobsBehind(seen, made).find(({ operation }) => operation === 'backup');
  if (job?.outcome !== 'succeeds') return undefined;
  const disk = textOf(refused.query, 'disk_id');
  const isReadWhole = seen.walks.some(
    (walk) =>
      walk.n > refused.n &&
      walk.n < (job.end?.n ?? 0) &&
      walk.actor === refused.actor &&
      walk.server === refused.server &&
      walk.disk === disk &&
      walk.checkpoint === '0',
  );
  if (isReadWhole || job.mode === 'full') return undefined;
  return {
    at: job.end?.n ?? refused.n,
    expected: 'a full backup',
    actual: 'the backup succeeds without one',
    evidence: [refused.reply?.n ?? refused.n],
  };
}

function isNeverReset(seen: Observation, refused: Call): Broken | undefined {
  const made = { n: refused.n, actor: refused.actor, server: refused.server ?? '' };
  const job = jobsBehind(seen, made).find(({ operation }) => operation === 'backup');
  if (job?.outcome !== 'succeeds') return undefined;
  const isReset = seen.calls.some(
    (call) =>
      isSet(call, 'reset') &&
      call.server === refused.server &&
      call.n > refused.n &&
      call.n < (job.end?.n ?? 0),
  );
  if (isReset) return undefined;
  return {
    at: refused.reply?.n ?? refused.n,
    expected: 'a reset of tracking',
    actual: 'the backup ends without one',
    evidence: job.end === undefined ? [] : [job.end.n],
  };
}
