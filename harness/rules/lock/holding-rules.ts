/** Taking a lock, reading under it, letting it go. */
import { judgeEach, type Broken } from '../judging.ts';
import type { Call, JobLife, NbdConnection, Observation, ResourceLife } from '../observation.ts';
import { numberOf, textOf } from '../read-json.ts';
import { isHindered } from '../readings/hindrance.ts';
import { jobsBehind } from '../readings/jobs.ts';
import type { Rule } from '../rule-api.ts';
import { heldLocks, type ToldEnd, toldEnds } from './told-end.ts';

const WORKFLOW = 'workflow of VM backups, steps 2 to 5';
const SPEC = 'SCP OpenAPI 6.11.1, backup-resources';

export const HOLDING_RULES: readonly Rule[] = [
  {
    id: 'LOCK-6',
    title: 'asks for a lock time between 60 and 7200 seconds',
    level: 'must',
    clause: 'A lock time is a number of seconds from 60 to 7200, at the creation and at every renewal.',
    source: SPEC,
    fidelity: 'documented',
    breaks: 'The platform refuses the resource, and no server can be backed up.',
    evidence: 'lock_time in the bodies of backup-resources.create and backup-resources.renew',
    remedy: 'Ask for some minutes and renew; a long job needs renewals, not a long lock.',
    scenarios: ['S001-full-backup-and-restore', 'S007-day-long-job'],
    mutants: ['locks-for-a-day'],
    judge: (seen) => judgeEach(lockTimes(seen), isOutOfRange),
  },
  {
    id: 'LOCK-7',
    title: 'locks the server for a backup only when its snapshot is there',
    level: 'must',
    clause: 'The snapshot comes first; the resource mounts it for the data service.',
    source: WORKFLOW,
    fidelity: 'documented',
    breaks:
      'The data service shows another snapshot than the one whose changes are asked for: wrong bytes, no error.',
    evidence:
      'backup-resources.create of type backup, and the snapshots of the job that are finished by then',
    remedy: 'Take the snapshot, wait for its task, then create the resource.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['does-not-wait-for-the-snapshot'],
    judge: (seen) => judgeEach(creations(seen), (call) => hasNoSnapshot(seen, call)),
  },
  {
    id: 'LOCK-8',
    title: 'reads only under a backup resource that is running',
    level: 'must',
    clause: 'The data service starts with the resource; until it is running there is nothing to read.',
    source: WORKFLOW,
    fidelity: 'documented',
    breaks: 'Connections are refused, and whether a backup works depends on how busy the cluster is.',
    evidence: 'nbd.option that opens an export, hot-add.add, and the state of the backup resource then',
    remedy: 'Wait for the task and for the status running before the first disk is opened.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['does-not-wait-for-the-lock'],
    judge: (seen) => judgeEach(openings(seen), isTooEarly),
  },
  {
    id: 'LOCK-9',
    title: 'opens nothing under a lock of which it was told that it has ended',
    level: 'must',
    clause:
      'With the resource its data service ends; a new lock brings new exports and a new snapshot to read.',
    source: SPEC,
    fidelity: 'documented',
    breaks: 'Half of the restore point is of one moment and half of another: it restores, and is damaged.',
    evidence: 'rest.reply that says expired or 404, and connections to exports of that resource after it',
    remedy: 'Throw away what was read, take a new snapshot and a new resource, and begin anew.',
    scenarios: ['S011-renewal-comes-too-late', 'S012-expiry-right-after-renewal'],
    mutants: ['opens-exports-of-the-old-lock'],
    needs: ['nbd'],
    judge: (seen) => judgeEach(toldEnds(seen), (told) => readsOn(seen, told)),
  },
  {
    id: 'LOCK-10',
    title: 'deletes its backup resource before its job is over',
    level: 'must',
    clause: 'Step 5 deletes the resource; until then the server is locked for everybody.',
    source: WORKFLOW,
    fidelity: 'documented',
    breaks: 'The server can not be backed up again, moved or reverted until the lock time is over.',
    evidence: 'backup-resources.create in a job that succeeds, and backup-resources.delete before its end',
    remedy: 'Delete it in the end of the job whatever happened before.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['leaves-its-lock'],
    judge: (seen) => judgeEach(ofSucceeded(seen), ({ lock, job }) => isLeft(seen, lock, job)),
  },
  {
    id: 'LOCK-11',
    title: 'deletes its backup resource only when nothing is read under it any more',
    level: 'must',
    clause: 'All data is read before the resource is deleted.',
    source: WORKFLOW,
    fidelity: 'documented',
    breaks:
      'The last blocks fail at random, and a product that takes an error for the end stores a short disk.',
    evidence: 'backup-resources.delete, and the nbd.request without a reply then or sent after it',
    remedy: 'Wait for all readers, disconnect, then delete.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['unlocks-while-reading'],
    needs: ['nbd'],
    judge: (seen) => judgeEach(deletedLocks(seen), (lock) => isInUse(seen, lock)),
  },
];

function lockTimes(seen: Observation): readonly Call[] {
  const asks = new Set(['backup-resources.create', 'backup-resources.renew']);
  return seen.calls.filter(({ operation }) => asks.has(operation));
}

function isOutOfRange({ n, body }: Call): Broken | undefined {
  const seconds = numberOf(body, 'lock_time');
  if (seconds !== undefined && seconds >= 60 && seconds <= 7200) return undefined;
  return { at: n, expected: 'lock_time from 60 to 7200', actual: String(seconds ?? 'none') };
}

function creations(seen: Observation): readonly Call[] {
  return seen.calls.filter(
    ({ operation, body }) => operation === 'backup-resources.create' && textOf(body, 'type') === 'backup',
  );
}

function hasNoSnapshot(seen: Observation, { n, server, actor }: Call): Broken | undefined {
  const isThere = seen.snapshots.some(
    (snapshot) =>
      snapshot.server === server &&
      snapshot.actor === actor &&
      (snapshot.ready?.n ?? Number.POSITIVE_INFINITY) < n &&
      (snapshot.end?.n ?? Number.POSITIVE_INFINITY) > n,
  );
  if (isThere) return undefined;
  return { at: n, expected: 'a finished snapshot before the lock', actual: 'none of the engine is there' };
}

interface Opening {
  readonly at: number;
  readonly what: string;
  readonly lock: ResourceLife | undefined;
}

/** Attempts to reach data: exports that are opened, disks that are hot-added. */
function openings(seen: Observation): readonly Opening[] {
  const exports = seen.connections.flatMap(({ options, connection }) =>
    options
      .filter(({ option }) => option === 'GO' || option === 'EXPORT_NAME')
      .map((option) => {
        const id = option.export?.slice(0, option.export.lastIndexOf('/'));
        const lock = seen.resources.find((resource) => resource.id === id);
        return { at: option.n, what: `connection ${connection}`, lock };
      }),
  );
  return exports.filter(({ lock }) => lock?.actor !== undefined);
}

function isTooEarly({ at, what, lock }: Opening): Broken | undefined {
  if (lock === undefined || (lock.running?.n ?? Number.POSITIVE_INFINITY) < at) return undefined;
  return {
    at,
    expected: `${what} opens a disk when the backup resource is running`,
    actual: 'it is not yet',
    evidence: [lock.n],
  };
}

function readsOn(seen: Observation, { resource, n, t, by }: ToldEnd): Broken | undefined {
  const late = seen.connections.find(
    (connection) =>
      connection.n > n && connection.t > t && connection.options.some((one) => isOf(one.export, resource)),
  );
  if (late === undefined) return undefined;
  return {
    at: late.n,
    expected: 'a new backup resource before anything is read again',
    actual: 'a disk of the one that has ended is opened',
    evidence: [by.n, n],
  };
}

function isOf(exportName: string | undefined, { id }: ResourceLife): boolean {
  return exportName?.startsWith(`${id}/`) === true;
}

interface Owned {
  readonly lock: ResourceLife;
  readonly job: JobLife;
}

function ofSucceeded(seen: Observation): readonly Owned[] {
  return heldLocks(seen).flatMap((lock) => {
    const [job, ...others] = jobsBehind(seen, lock);
    return job?.outcome === 'succeeds' && others.length === 0 ? [{ lock, job }] : [];
  });
}

/** A lock that the engine knows to have lost needs no deletion. */
function isLeft(seen: Observation, lock: ResourceLife, job: JobLife): Broken | undefined {
  const { n, deletedBy } = lock;
  const jobEnd = job.end?.n ?? Number.POSITIVE_INFINITY;
  const isKnownLost = toldEnds(seen).some(({ resource, n: told }) => resource === lock && told < jobEnd);
  if (isKnownLost || deletedBy.some((call) => call.n < jobEnd)) return undefined;
  if (
    isHindered(seen, {
      actor: lock.actor,
      from: lock,
      to: job.end,
      operations: ['backup-resources', 'tasks'],
    })
  )
    return undefined;
  return {
    at: job.end?.n ?? n,
    expected: 'the backup resource is deleted before the job is over',
    actual: 'nobody asked for that',
    evidence: [n],
  };
}

/** Deleted by the engine while it still held its server, and read over NBD before. */
function deletedLocks(seen: Observation): readonly ResourceLife[] {
  return heldLocks(seen).filter(
    (lock) =>
      lock.endedAs === 'released' &&
      lock.deletedBy.length > 0 &&
      seen.connections.some(({ resource }) => resource?.id === lock.id),
  );
}

function isInUse(seen: Observation, lock: ResourceLife): Broken | undefined {
  const deleted = lock.deletedBy[0];
  if (deleted === undefined) return undefined;
  const own = seen.connections.filter(({ resource }) => resource?.id === lock.id);
  const busy = own.find((connection) => isBusy(connection, deleted.n));
  if (busy === undefined) return undefined;
  return {
    at: deleted.n,
    expected: 'no request is under way when the backup resource is deleted',
    actual: `connection ${busy.connection} is still at work`,
    evidence: [busy.n],
  };
}

/** A client that has died, or whose connection was cut, can not take its requests back. */
function isBusy({ requests, end }: NbdConnection, at: number): boolean {
  const open = end?.n ?? Number.POSITIVE_INFINITY;
  return requests.some(
    ({ n, reply, command }) =>
      command !== 'DISC' && (n > at || (n < at && open > at && (reply?.n ?? Number.POSITIVE_INFINITY) > at)),
  );
}
