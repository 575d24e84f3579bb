/** Walking through the pages of a change list. */
import { judgeEach, type Broken } from '../judging.ts';
import type { AreaQuery, AreaWalk, Observation, SnapshotDisk } from '../observation.ts';
import { type Backup, backups, readFrom } from '../readings/backups.ts';
import { jobsBehind } from '../readings/jobs.ts';
import type { Rule } from '../rule-api.ts';

const SPEC = 'SCP OpenAPI 6.11.1, cbt/changed-areas';

export const PAGE_RULES: readonly Rule[] = [
  {
    id: 'CBT-9',
    title: 'asks for changed areas until the end of the disk is reached',
    level: 'must',
    clause:
      'An answer covers `length` bytes from its `start_offset`. What lies behind that is not unchanged but unasked.',
    source: SPEC,
    fidelity: 'assumed',
    breaks:
      'Small disks are right and large ones are not: everything behind the first page is missing in the backup.',
    evidence:
      'start_offset and length of the last answer of each walk, and the size of the disk in its snapshot',
    remedy: 'Repeat the query with start_offset + length of the answer until that is the size of the disk.',
    scenarios: ['S005-paged-changed-areas', 'S006-paging-at-the-edges'],
    mutants: ['first-page-only'],
    judge: (seen) => judgeEach(finishedWalks(seen), endsEarly),
  },
  {
    id: 'CBT-10',
    title: 'begins with the beginning of the disk',
    level: 'must',
    clause: 'Areas are listed from `start_offset` on; the first query begins at 0.',
    source: SPEC,
    fidelity: 'documented',
    breaks: 'The boot sector and the partition table are in no backup: the restored server does not start.',
    evidence: 'start_offset of the first query of each walk',
    remedy: 'Begin each disk at start_offset 0; remember no offset from one job to the next.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['first-block-unasked'],
    judge: (seen) => judgeEach(seen.walks, beginsLate),
  },
  {
    id: 'CBT-11',
    title: 'asks for each page where the one before has ended',
    level: 'must',
    clause: 'Pages are cut by the platform; only the answer says where the next one begins.',
    source: SPEC,
    fidelity: 'assumed',
    breaks:
      'Between two pages a block is never asked for: a hole in the data that no checksum of the product finds.',
    evidence: 'start_offset of each query and start_offset + length of the answer before it',
    remedy: 'Go on at exactly start_offset + length of the last answer; do not round, do not add one.',
    scenarios: ['S005-paged-changed-areas', 'S006-paging-at-the-edges'],
    mutants: ['paging-off-by-one'],
    judge: (seen) => judgeEach(steps(seen), ([before, next]) => leavesGap(before, next)),
  },
  {
    id: 'CBT-12',
    title: 'asks about every tracked disk of the snapshot',
    level: 'should',
    clause: 'The list tells which blocks are in use or have changed; without it a disk has to be read whole.',
    source: 'workflow of VM backups, steps 3 and 4',
    fidelity: 'documented',
    breaks: 'A disk is read from end to end every night, or not at all.',
    evidence:
      'disks of the snapshot of each successful backup, and the disk_id of its cbt.changed-areas calls',
    remedy: 'Take the disks from the details of the snapshot and ask about each of them that is tracked.',
    scenarios: ['S004-many-disks-cbt-on-some'],
    mutants: ['asks-about-one-disk'],
    judge: (seen) => judgeEach(trackedDisks(seen), (one) => isUnasked(seen, one)),
  },
];

/** Of jobs that succeeded: a job that was interrupted may stop anywhere, and one that was refused has to. */
function finishedWalks(seen: Observation): readonly AreaWalk[] {
  return seen.walks.filter((walk) => {
    const jobs = jobsBehind(seen, walk);
    const snapshot = seen.snapshots.find(({ id }) => id === walk.snapshot);
    const isOfLast = jobs.some((job) => isLastOf(seen, job, snapshot?.id));
    const hasSucceeded = jobs.length > 0 && jobs.every(({ outcome }) => outcome === 'succeeds');
    const last = walk.queries.at(-1);
    // An answer that was tampered with need not be believed; then the disk is read by other means.
    const isSound = last?.page !== undefined && last.call.faults.length === 0;
    return hasSucceeded && isOfLast && walk.diskBytes !== undefined && isSound;
  });
}

/** A second attempt of a job throws away what the first one knew. */
function isLastOf(seen: Observation, job: Backup['job'], snapshot: string | undefined): boolean {
  const backup = backups(seen).find((one) => one.job === job);
  return backup === undefined || readFrom(backup)?.id === snapshot;
}

function endsEarly({ disk, queries, diskBytes = 0 }: AreaWalk): Broken | undefined {
  const last = queries.at(-1);
  if (last?.page === undefined) return undefined;
  const end = last.page.startOffset + last.page.length;
  if (end >= diskBytes) return undefined;
  return {
    at: last.call.reply?.n ?? last.call.n,
    expected: `${disk} asked about to its end at ${diskBytes}`,
    actual: `the last answer reaches to ${end}`,
    evidence: queries.map(({ call }) => call.n),
  };
}

function beginsLate({ queries, n, disk }: AreaWalk): Broken | undefined {
  const [first] = queries;
  if (first === undefined || first.startOffset === 0) return undefined;
  return { at: n, expected: `${disk} asked about from 0 on`, actual: `from ${first.startOffset} on` };
}

/** A query that follows an answer; after a refusal or a lost answer the same place is asked for again. */
function steps(seen: Observation): readonly (readonly [AreaQuery, AreaQuery])[] {
  return seen.walks.flatMap(({ queries }) =>
    queries.slice(1).flatMap((next, at) => {
      const before = queries.slice(0, at + 1).findLast(({ page }) => page !== undefined);
      // What a planned fault made of an answer is for the engine to find out, by asking again or by giving up.
      return before === undefined || before.call.faults.length > 0 ? [] : [[before, next] as const];
    }),
  );
}

function leavesGap({ call, page }: AreaQuery, next: AreaQuery): Broken | undefined {
  const end = (page?.startOffset ?? 0) + (page?.length ?? 0);
  if (next.startOffset === end) return undefined;
  return {
    at: next.call.n,
    expected: `the next query at ${end}, where the answer ended`,
    actual: `at ${next.startOffset}`,
    evidence: [call.reply?.n ?? call.n],
  };
}

interface TrackedDisk {
  readonly backup: Backup;
  readonly snapshot: string;
  readonly disk: SnapshotDisk;
}

function trackedDisks(seen: Observation): readonly TrackedDisk[] {
  return backups(seen).flatMap((backup) => {
    const snapshot = readFrom(backup);
    if (backup.job.outcome !== 'succeeds' || snapshot === undefined) return [];
    const tracked = snapshot.disks.filter(({ isTracked }) => isTracked);
    return tracked.map((disk) => ({ backup, snapshot: snapshot.id, disk }));
  });
}

function isUnasked(seen: Observation, { backup, snapshot, disk }: TrackedDisk): Broken | undefined {
  if (seen.walks.some((walk) => walk.snapshot === snapshot && walk.disk === disk.id)) return undefined;
  const { n, end } = backup.job;
  return {
    at: end?.n ?? n,
    expected: `changed areas of ${disk.id} are asked for`,
    actual: 'they are not',
    evidence: [n],
  };
}
