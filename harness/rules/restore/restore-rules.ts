/** What a restore does to its target. */
import { judgeEach } from '../judging.ts';
import type { JobLife, Observation } from '../observation.ts';
import { callsOf } from '../read-calls.ts';
import { textOf } from '../read-json.ts';
import { type Attempt, attemptsOf } from '../readings/attempts.ts';
import { type DiskIo, diskIoOf, WRITES } from '../readings/disk-io.ts';
import { areasOf, ioUnder, rangesSettled } from '../readings/disk-maps.ts';
import { powerAt } from '../readings/power.ts';
import { describeRange, rangeOf, unionOf, withoutRanges } from '../readings/ranges.ts';
import type { Rule } from '../rule-api.ts';

const RECOVERY = 'SCP guide, recovery';

export const RESTORE_RULES: readonly Rule[] = [
  {
    id: 'RESTORE-1',
    title: 'locks and writes a server for a restore only while it is off',
    level: 'must',
    clause:
      'A server is shut down before it is locked for a restore; while a disk is written it belongs to two servers.',
    source: RECOVERY,
    fidelity: 'documented',
    breaks: 'The running guest and the restore write to the same file system, which is destroyed.',
    evidence:
      'the power state of the target at every call for a lock of type restore, and at every write under one',
    remedy:
      'Read the state of the target first, ask for its shutdown where it runs, and go on when it is stopped.',
    scenarios: ['S030-restore-over-the-server', 'S065-restore-through-hot-added-disks'],
    mutants: ['starts-the-target-first'],
    judge: (seen) =>
      judgeEach([...restoreLocks(seen), ...firstWrites(seen)], ({ n, server, what }) => {
        const power = powerAt(seen, server, n) ?? 'stopped';
        return RUNNING.has(power) && isKnownBefore(seen, server, n)
          ? { at: n, expected: `server ${server} is off`, actual: `${what} while it was ${power}` }
          : undefined;
      }),
  },
  {
    id: 'RESTORE-2',
    title: 'does not start a server before its restore is complete',
    level: 'must',
    clause:
      'The lock for the restore is given back when all disks are written; only then, and only then, the server may be started.',
    source: RECOVERY,
    fidelity: 'documented',
    breaks: 'A guest boots from half an image, repairs what it finds, and the restore has to begin anew.',
    evidence:
      'rest.request servers.start for the target of a restore, against its lock and the end of its job',
    remedy:
      'Start as the last step, after the resource of type restore is deleted, and never after a restore that failed.',
    scenarios: ['S030-restore-over-the-server', 'S031-restore-lock-lost-in-mid-write'],
    mutants: ['starts-the-target-too-early'],
    judge: (seen) =>
      judgeEach(written(seen), ({ attempt: { resource, job } }) => {
        const again = attemptsOf(seen).find((other) => isLaterRestore(other, resource.n, resource.server));
        const until = again?.resource.n ?? Number.POSITIVE_INFINITY;
        const start = callsOf(seen, 'servers.start').find(
          ({ n, server }) =>
            server === resource.server &&
            n > resource.n &&
            n < until &&
            (job.outcome === 'fails' || n < (resource.end?.n ?? Number.POSITIVE_INFINITY)),
        );
        return start === undefined
          ? undefined
          : {
              at: start.n,
              expected: `server ${resource.server} stays off until its restore is complete`,
              actual:
                job.outcome === 'fails'
                  ? 'started after a restore that failed'
                  : 'started while it was written',
              evidence: [resource.n],
            };
      }),
  },
  {
    id: 'RESTORE-3',
    title: 'writes every byte of every disk, or those that the platform says differ',
    level: 'must',
    clause:
      'A restore brings back all disks of the point. Only a differential one leaves out what did not change since the backup.',
    source: `${RECOVERY}; SCP guide, recovery to the original VM`,
    fidelity: 'documented',
    breaks:
      'The server keeps blocks of another time in the middle of its disks, and file systems find out weeks later.',
    evidence:
      "writes with success and block status under the resource of type restore, against the disks of the point's snapshot and the changed areas that were told",
    remedy: 'Plan all ranges first, count what was acknowledged, and let the job fail when they differ.',
    scenarios: ['S001-full-backup-and-restore', 'S074-differential-restore'],
    mutants: ['loses-a-write'],
    judge: (seen) =>
      judgeEach(targets(seen), ({ attempt, disk, bytes }) => {
        const walk = seen.walks.findLast(({ disk: of, n }) => of === disk && isIn(attempt.job, n));
        const told = walk === undefined ? undefined : areasOf(walk);
        const wanted = told ?? [rangeOf(0, bytes)];
        const [missing] = withoutRanges(wanted, rangesSettled(ioUnder(seen, attempt.resource, disk)));
        return missing === undefined
          ? undefined
          : {
              at: attempt.job.end?.n ?? attempt.job.n,
              expected: `all of ${disk} written before the restore succeeds`,
              actual: `${describeRange(missing)} were not`,
              evidence: [attempt.resource.n],
            };
      }),
  },
  {
    id: 'RESTORE-4',
    title: 'repeats a write that was not acknowledged, or fails',
    level: 'must',
    clause: 'A write without a good answer may not have been done.',
    source: 'NBD protocol, proto.md, transmission phase; SFVDDK, write',
    fidelity: 'documented',
    breaks: 'The restore succeeds with a block of the old image in the midst of the new one.',
    evidence:
      'writes without an answer, or with an error, against later ones with success to the same range in the same job',
    remedy:
      'Keep each range until its acknowledgement; repeat it on a new connection, and fail when that does not help.',
    scenarios: ['S091-connection-breaks-while-restoring', 'S031-restore-lock-lost-in-mid-write'],
    mutants: ['takes-lost-writes-for-done'],
    judge: (seen) =>
      judgeEach(troubled(seen), ({ attempt, writes }) => {
        const lost = writes.find((write) => {
          if (write.error === 0) return false;
          const later = writes.filter(
            ({ n, error, device }) => error === 0 && n > write.n && device === write.device,
          );
          return withoutRanges([write.range], unionOf(later.map(({ range }) => range))).length > 0;
        });
        return lost === undefined || !attempt.counts
          ? undefined
          : {
              at: lost.n,
              expected: 'the write repeated, or a restore that fails',
              actual: `${describeRange(lost.range)} of ${lost.device} were not written again; the job succeeded`,
            };
      }),
  },
  {
    id: 'RESTORE-5',
    title: 'flushes a disk after its last write',
    level: 'must',
    clause:
      'A write is durable when a FLUSH that came after its answer was answered, or when it carried FUA.',
    source: 'NBD protocol, proto.md, ordering of messages and writes',
    fidelity: 'documented',
    breaks:
      'A host that fails right after the restore takes its last writes along; the job was reported as good.',
    evidence: 'FLUSH with success after the last write without FUA to each disk',
    remedy:
      'When all writes of a disk are acknowledged, send FLUSH and wait for its answer before the connection is closed.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['never-flushes'],
    judge: (seen) =>
      judgeEach(writtenDisks(seen), ({ disk, io }) => {
        const last = io.findLast(({ command, isFua }) => WRITES.has(command) && !isFua);
        const isFlushed =
          last === undefined ||
          io.some(({ n, command, error }) => n > last.n && command === 'FLUSH' && error === 0);
        return isFlushed
          ? undefined
          : {
              at: last.n,
              expected: `FLUSH after the last write to ${disk}`,
              actual: 'none came, and the job succeeded',
            };
      }),
  },
  {
    id: 'RESTORE-6',
    title:
      'finds the differences with a snapshot of the target of its own, since the checkpoint of the point',
    level: 'must',
    clause:
      'For a differential restore the target is snapshotted as it is, and the changes between the checkpoint of the backup and that snapshot are asked for.',
    source: 'SCP guide, recovery to the original VM',
    fidelity: 'documented',
    breaks:
      'What changed outside of the interval is left as it is, and the server is a mixture of two moments.',
    evidence:
      'changed-areas queries of restore jobs: who took their snapshot and when, and whose checkpoint they name',
    remedy:
      'Take a snapshot in the job, after the server was shut down; keep the checkpoint with the restore point.',
    scenarios: ['S074-differential-restore'],
    mutants: ['compares-with-another-checkpoint'],
    judge: (seen) =>
      judgeEach(differences(seen), ({ walk, job, base }) => {
        const snapshot = seen.snapshots.find(({ id }) => id === walk.snapshot);
        const isOwn = snapshot !== undefined && snapshot.actor === job.actor && snapshot.n > job.n;
        return isOwn && walk.checkpoint === base
          ? undefined
          : {
              at: walk.n,
              expected: `a snapshot taken by this restore, and checkpoint ${base}`,
              actual: `snapshot ${walk.snapshot}${isOwn ? '' : ' of another time'}, checkpoint ${walk.checkpoint}`,
              evidence: snapshot === undefined ? [job.n] : [job.n, snapshot.n],
            };
      }),
  },
];

const RUNNING: ReadonlySet<string> = new Set(['running', 'starting']);

interface OnTarget {
  readonly n: number;
  readonly server: string;
  readonly what: string;
}

function restoreLocks(seen: Observation): readonly OnTarget[] {
  return callsOf(seen, 'backup-resources.create')
    .filter(({ body }) => textOf(body, 'type') === 'restore')
    .map(({ n, server = '' }) => ({ n, server, what: 'a lock for a restore was asked for' }));
}

function firstWrites(seen: Observation): readonly OnTarget[] {
  return written(seen).flatMap(({ attempt, writes }) =>
    writes.slice(0, 1).map(({ n, command }) => ({ n, server: attempt.resource.server, what: command })),
  );
}

/** It started the server itself, or has looked at servers since that came to run. */
function isKnownBefore(seen: Observation, server: string, n: number): boolean {
  const change = seen.states.findLast(
    (state) => state.entity === 'server' && state.id === server && state.n < n,
  );
  return seen.calls.some(
    (call) =>
      call.n < n &&
      ((call.operation === 'servers.start' && call.server === server) ||
        (call.operation === 'servers.list' && call.n > (change?.n ?? 0))),
  );
}

interface Written {
  readonly attempt: Attempt;
  readonly writes: readonly DiskIo[];
}

function written(seen: Observation): readonly Written[] {
  return attemptsOf(seen).flatMap((attempt) => {
    if (attempt.job.operation !== 'restore') return [];
    const writes = diskIoOf(seen).filter(
      ({ resource, command }) => resource === attempt.resource.id && WRITES.has(command),
    );
    return writes.length === 0 ? [] : [{ attempt, writes }];
  });
}

function troubled(seen: Observation): readonly Written[] {
  return written(seen).filter(({ writes }) => writes.some(({ error }) => error !== 0));
}

function isLaterRestore({ resource, job }: Attempt, n: number, server: string): boolean {
  return job.operation === 'restore' && resource.server === server && resource.n > n;
}

function isIn({ n: begin, end }: JobLife, n: number): boolean {
  return n > begin && n < (end?.n ?? Number.POSITIVE_INFINITY);
}

interface Target {
  readonly attempt: Attempt;
  readonly disk: string;
  readonly bytes: number;
}

/** Disks of the points that were restored with success, where the journal saw the point being made. */
function targets(seen: Observation): readonly Target[] {
  return attemptsOf(seen).flatMap((attempt) => {
    if (!attempt.counts || attempt.job.operation !== 'restore') return [];
    const disks = snapshotOfPoint(seen, attempt.job.point)?.disks ?? [];
    return disks.map(({ id, bytes }) => ({ attempt, disk: id, bytes }));
  });
}

function snapshotOfPoint(seen: Observation, point: string | undefined) {
  const backup = attemptsOf(seen).find(
    ({ counts, job }) => counts && job.operation === 'backup' && job.point === point,
  );
  return seen.snapshots.find(({ id }) => id === backup?.resource.snapshot);
}

interface WrittenDisk {
  readonly disk: string;
  readonly io: readonly DiskIo[];
}

function writtenDisks(seen: Observation): readonly WrittenDisk[] {
  return written(seen)
    .filter(({ attempt }) => attempt.counts)
    .flatMap(({ attempt, writes }) =>
      [...new Set(writes.map(({ device }) => device))].map((disk) => ({
        disk,
        io: ioUnder(seen, attempt.resource, disk),
      })),
    );
}

interface Difference {
  readonly walk: Observation['walks'][number];
  readonly job: JobLife;
  /** Checkpoint of the snapshot that the point was made from. */
  readonly base: string;
}

function differences(seen: Observation): readonly Difference[] {
  return seen.jobs
    .filter(({ operation }) => operation === 'restore')
    .flatMap((job) => {
      const base = snapshotOfPoint(seen, job.point)?.checkpoint;
      if (base === undefined) return [];
      return seen.walks
        .filter(({ n, actor }) => actor === job.actor && isIn(job, n))
        .filter(({ server }) => server === job.server)
        .map((walk) => ({ walk, job, base }));
    });
}
