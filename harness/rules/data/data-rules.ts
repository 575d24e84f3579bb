/** What is read, and whether it is right. */
import { judgeEach } from '../judging.ts';
import type { JobLife, Observation } from '../observation.ts';
import { attemptsOf } from '../readings/attempts.ts';
import {
  areasOf,
  disksBackedUp,
  ioUnder,
  rangesLookedAt,
  type SnapshotDiskOf,
  walkOf,
} from '../readings/disk-maps.ts';
import { bytesIn, describeRange, type Range, rangeOf, withoutRanges } from '../readings/ranges.ts';
import type { Rule } from '../rule-api.ts';

export const DATA_RULES: readonly Rule[] = [
  {
    id: 'DATA-1',
    title: 'makes restore points that hold what the snapshot held',
    level: 'must',
    clause: 'A backup is the image of all disks at the moment of the snapshot, byte for byte.',
    source: 'Vendor workflow, execution, steps (1) to (4)',
    fidelity: 'documented',
    breaks: 'The customer finds out on the day of the disaster.',
    evidence: 'compared entries of points that a job has made and called good',
    remedy:
      'Begin with the first write that is named: which range, which disk, read when, over which connection.',
    scenarios: ['S001-full-backup-and-restore', 'S002-full-and-three-incrementals'],
    mutants: ['first-page-only', 'base-of-the-wrong-snapshot', 'cuts-the-last-block'],
    judge: (seen) => judgeComparisons(seen, 'point'),
  },
  {
    id: 'DATA-2',
    title: 'restores servers that hold what the restore point holds',
    level: 'must',
    clause: 'After a restore every disk of the target holds the image of the point, zeros included.',
    source: 'SCP guide, recovery',
    fidelity: 'documented',
    breaks: 'The server starts, and what is wrong in it is found by its users.',
    evidence: 'compared entries of servers that a job has restored and called good',
    remedy:
      'Write what the point says, also where it says zeros, and check that everything was acknowledged.',
    scenarios: ['S001-full-backup-and-restore', 'S030-restore-over-the-server'],
    mutants: ['loses-a-write', 'zeros-are-not-written'],
    judge: (seen) => judgeComparisons(seen, 'server'),
  },
  {
    id: 'DATA-3',
    title: 'reads every changed area of every disk',
    level: 'must',
    clause:
      'The areas that the platform names, from the checkpoint of the last backup or from 0, need to be backed up: all of them, of the disk that they were named for.',
    source: 'Vendor workflow, execution, steps (3) and (4)',
    fidelity: 'documented',
    breaks: 'Blocks are missing from the restore point, and every later one that builds on it.',
    evidence:
      'reads with success under the backup resource, against the answers to cbt.changed-areas for the same disk',
    remedy:
      'Plan all areas first, round outward, clip to the disk, and let the job fail when a byte was not read.',
    scenarios: ['S002-full-and-three-incrementals', 'S005-paged-changed-areas'],
    mutants: ['reads-only-half-of-an-area', 'race-error-ignored', 'retry-skips-the-range'],
    judge: (seen) =>
      judgeEach(tracked(seen), ({ attempt, disk, areas }) => {
        const [missed] = withoutRanges(areas, rangesLookedAt(ioUnder(seen, attempt.resource, disk)));
        return missed === undefined ? undefined : notRead(attempt.job, attempt.resource.n, disk, missed);
      }),
  },
  {
    id: 'DATA-4',
    title: 'reads in an incremental little more than what has changed',
    level: 'should',
    clause: 'Changed block tracking is there so that only changed blocks are read and backed up.',
    source: 'Vendor workflow, prerequisites',
    fidelity: 'documented',
    breaks: 'Every night takes as long as the first one, and the production storage pays for it.',
    evidence:
      'reads before all changed areas were read, outside of those areas; up to 1 MiB round an area, and at the beginning of a disk, is taken as rounding',
    remedy: 'Take the change list for what to read, not for what to store.',
    scenarios: ['S094-little-has-changed'],
    mutants: ['reads-everything-every-time'],
    needs: ['incremental'],
    judge: (seen) =>
      judgeEach(incremental(seen), ({ attempt, disk, areas }) => {
        const reads = ioUnder(seen, attempt.resource, disk).filter(
          ({ command, error }) => command === 'READ' && error === 0,
        );
        const allowed = [rangeOf(0, ROUNDING), ...areas.map(roundedOutward)];
        const outside = withoutRanges(
          reads.map(({ range }) => range),
          allowed,
        );
        const [first] = outside;
        return first === undefined
          ? undefined
          : {
              at:
                reads.find(({ range }) => range.start < first.end && range.end > first.start)?.n ??
                attempt.job.n,
              expected: `reads of ${bytesIn(areas)} changed bytes of ${disk}`,
              actual: `${bytesIn(outside)} bytes more, at first ${describeRange(first)}`,
            };
      }),
  },
  {
    id: 'DATA-5',
    title: 'backs up every disk that the snapshot has',
    level: 'must',
    clause:
      "The snapshot's configuration names the disks of the server; changed data of all of them is read.",
    source: 'Vendor workflow, execution, steps (2) and (4)',
    fidelity: 'documented',
    breaks: 'A server comes back without its second disk. It was added after the backup had been set up.',
    evidence: 'for every disk of the snapshot: was it asked about, or opened, before the job succeeded?',
    remedy: "Take the list of disks from the snapshot at every backup, never from the job's settings.",
    scenarios: ['S004-many-disks-cbt-on-some'],
    mutants: ['forgets-the-last-disk'],
    judge: (seen) =>
      judgeEach(disksBackedUp(seen, attemptsOf(seen)), ({ attempt, disk }) => {
        const isAsked = walkOf(seen, attempt, attempt.resource.snapshot ?? '', disk) !== undefined;
        return isAsked || ioUnder(seen, attempt.resource, disk).length > 0
          ? undefined
          : {
              at: attempt.job.end?.n ?? attempt.job.n,
              expected: `${disk} of server ${attempt.resource.server} backed up`,
              actual: 'it was neither asked about nor opened; the job succeeded',
              evidence: [attempt.resource.n],
            };
      }),
  },
  {
    id: 'DATA-6',
    title: 'reads a disk as a whole where no change list speaks for it',
    level: 'must',
    clause: 'Without changed block tracking, or when its list is void, everything has to be read.',
    source: 'Vendor workflow, prerequisites; SCP guide, CBT',
    fidelity: 'documented',
    breaks: 'A void list is taken for an empty one, and nights of backups hold nothing new.',
    evidence: 'reads and block status of disks whose changes are not tracked, or whose query was refused',
    remedy:
      'On a refusal reset tracking and begin with a full backup; a disk without tracking is read by its allocation, or whole.',
    scenarios: ['S004-many-disks-cbt-on-some'],
    mutants: ['expired-means-unchanged'],
    judge: (seen) =>
      judgeEach(untracked(seen), ({ attempt, disk, bytes }) => {
        const [missed] = withoutRanges(
          [rangeOf(0, bytes)],
          rangesLookedAt(ioUnder(seen, attempt.resource, disk)),
        );
        return missed === undefined ? undefined : notRead(attempt.job, attempt.resource.n, disk, missed);
      }),
  },
];

/** Lies of the platform that nobody can see through. */
const UNDETECTABLE: ReadonlySet<string> = new Set(['corrupt-payload', 'cbt-misses-block']);

function judgeComparisons(seen: Observation, what: 'point' | 'server') {
  const operation = what === 'point' ? 'backup' : 'restore';
  const isLiedTo = seen.faults.some(({ kind }) => UNDETECTABLE.has(kind));
  const good = isLiedTo
    ? []
    : seen.comparisons.filter(
        (one) =>
          one.what === what &&
          one.bytes > 0 &&
          seen.jobs.some(
            (job) =>
              job.operation === operation &&
              job.outcome === 'succeeds' &&
              job.point === one.point &&
              (what === 'point' || job.server === one.server),
          ),
      );
  return judgeEach(good, ({ n, point, bytes, differences }) =>
    differences === 0
      ? undefined
      : {
          at: n,
          expected: `${what} with the bytes of point ${point}`,
          actual: `${differences} of ${bytes} bytes wrong`,
        },
  );
}

function notRead(job: JobLife, resourceN: number, disk: string, missed: Range) {
  return {
    at: job.end?.n ?? job.n,
    expected: `all that has to be backed up of ${disk} read before the job succeeds`,
    actual: `${describeRange(missed)} were not`,
    evidence: [resourceN],
  };
}

interface Tracked extends SnapshotDiskOf {
  readonly areas: readonly Range[];
  readonly checkpoint: string;
}

function tracked(seen: Observation): readonly Tracked[] {
  return disksBackedUp(seen, attemptsOf(seen)).flatMap((disk) => {
    const walk = walkOf(seen, disk.attempt, disk.attempt.resource.snapshot ?? '', disk.disk);
    const areas = walk === undefined ? undefined : areasOf(walk);
    return walk === undefined || areas === undefined ? [] : [{ ...disk, areas, checkpoint: walk.checkpoint }];
  });
}

function incremental(seen: Observation): readonly Tracked[] {
  return tracked(seen).filter(
    ({ checkpoint, attempt, bytes }) =>
      checkpoint !== '0' && attempt.job.mode === 'incremental' && bytes > ROUNDING,
  );
}

/** Never asked about, or every answer was a refusal. */
function untracked(seen: Observation): readonly SnapshotDiskOf[] {
  return disksBackedUp(seen, attemptsOf(seen)).filter(({ attempt, disk }) => {
    const walk = walkOf(seen, attempt, attempt.resource.snapshot ?? '', disk);
    return walk === undefined || walk.queries.every(({ call }) => (call.reply?.status ?? 0) >= 400);
  });
}

const ROUNDING = 1024 * 1024;

function roundedOutward({ start, end }: Range): Range {
  return { start: Math.floor(start / ROUNDING) * ROUNDING, end: Math.ceil(end / ROUNDING) * ROUNDING };
}
