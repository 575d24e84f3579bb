/** What an engine leaves behind, and what it takes away. */
import { judgeEach } from '../judging.ts';
import type { Call, JobLife, NbdConnection, Observation } from '../observation.ts';
import { callsOf, idAfter, isDone } from '../read-calls.ts';
import { listOf } from '../read-json.ts';
import { isHeard, isKilledBetween, jobsAt, jobsBehind } from '../readings/jobs.ts';
import { type MadeThing, madeThingsOf } from '../readings/made-things.ts';
import { newServersOf } from '../readings/new-servers.ts';
import type { Rule } from '../rule-api.ts';

const WORKFLOW = 'Vendor workflow, execution, steps (5) and (6)';

export const CLEAN_RULES: readonly Rule[] = [
  {
    id: 'CLEAN-1',
    title: 'deletes no snapshot that it has not taken',
    level: 'must',
    clause:
      'A job deletes the snapshot that it has taken. Other snapshots of the server belong to its owner or to other products.',
    source: WORKFLOW,
    fidelity: 'documented',
    breaks:
      "The administrator's way back before an update is gone, or another product's backup loses what it reads.",
    evidence:
      'rest.request snapshots.delete and snapshots.batch-delete against who had taken those snapshots',
    remedy:
      'Note the id of each snapshot durably before or as it comes into being, and delete by id, never by name or age.',
    scenarios: ['S033-own-leftovers-only', 'S001-full-backup-and-restore'],
    mutants: ['deletes-every-snapshot'],
    judge: (seen) =>
      judgeEach(callsOf(seen, 'snapshots.delete', 'snapshots.batch-delete'), (call) => {
        const foreign = seen.snapshots.find(
          ({ id, actor }) => snapshotsNamed(call).includes(id) && actor !== call.actor,
        );
        return foreign === undefined
          ? undefined
          : {
              at: call.n,
              expected: 'only snapshots that this engine has taken',
              actual: `snapshot ${foreign.name}, taken by ${foreign.actor ?? 'somebody else'}`,
              evidence: [foreign.n],
            };
      }),
  },
  {
    id: 'CLEAN-2',
    title: 'deletes no server and no backup resource that it has not made',
    level: 'must',
    clause:
      "A backup resource is another product's lock on the server, a server somebody's work. Only what the own jobs made is removed.",
    source: WORKFLOW,
    fidelity: 'documented',
    breaks: "Another product's backup ends in mid-read; or a server is gone.",
    evidence: 'rest.request backup-resources.delete and servers.delete against who had made those',
    remedy: 'Remove what the own notes name, by id. Wait for a lock of somebody else; it has an end.',
    scenarios: ['S001-full-backup-and-restore', 'S022-killed-in-mid-transfer'],
    mutants: ['deletes-the-server-it-restores'],
    judge: (seen) =>
      judgeEach(callsOf(seen, 'backup-resources.delete', 'servers.delete'), (call) => {
        const owner = ownerOf(seen, call);
        return owner === call.actor
          ? undefined
          : {
              at: call.n,
              expected: 'only what this engine has made',
              actual: `${call.path.split('/').at(-1) ?? ''}, made by ${owner ?? 'somebody else'}`,
            };
      }),
  },
  {
    id: 'CLEAN-3',
    title: 'has closed its data connections when it deletes the backup resource',
    level: 'must',
    clause:
      'Disks are closed and disconnected; after that the backup resource is deleted, and the snapshot last.',
    source: `${WORKFLOW}; SFVDDK, order of the calls`,
    fidelity: 'documented',
    breaks:
      'The host keeps the disk open: the deletion fails or is delayed, and the snapshot cannot be merged.',
    evidence:
      'rest.request backup-resources.delete against nbd.open, DISC and nbd.close of the connections to its disks',
    remedy: 'Say DISC on every connection and wait for its end, then delete the resource.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['unlocks-while-reading'],
    judge: (seen) =>
      judgeEach(callsOf(seen, 'backup-resources.delete'), (call) => {
        const open = seen.connections.find(
          (connection) =>
            // What a dead process had open the host closes when it notices.
            isOpenUnder(connection, call) && !isKilledBetween(seen, call.actor, connection.n, call.n),
        );
        return open === undefined
          ? undefined
          : {
              at: call.n,
              expected: 'no connection to the disks of the resource',
              actual: `connection ${open.connection} to ${open.device ?? 'a disk'} is open`,
              evidence: [open.n],
            };
      }),
  },
  {
    id: 'CLEAN-4',
    title: 'leaves the server that it backs up as it is',
    level: 'must',
    clause: 'A backup reads. It starts, stops, edits, reverts and deletes nothing at the server.',
    source: 'Vendor workflow, execution: the calls of a backup',
    fidelity: 'documented',
    breaks: 'The backup is an outage.',
    evidence: 'rest.request of calls that change the server of a backup job',
    remedy: 'Back up running servers from their snapshot; leave their power and configuration alone.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['stops-what-it-backs-up'],
    judge: (seen) =>
      judgeEach(
        seen.jobs.filter(({ operation, server }) => operation === 'backup' && server !== undefined),
        (job) => {
          const call = callsOf(seen, ...CHANGING).find(
            ({ n, actor, server }) =>
              n > job.n &&
              n < (job.end?.n ?? Number.POSITIVE_INFINITY) &&
              actor === job.actor &&
              server === job.server,
          );
          return call === undefined || isForAnother(seen, call, job)
            ? undefined
            : {
                at: call.n,
                expected: `server ${job.server ?? ''} left as it is`,
                actual: call.operation,
                evidence: [job.n],
              };
        },
      ),
  },
  {
    id: 'CLEAN-5',
    title: 'looks whether what it has deleted is gone',
    level: 'should',
    clause: 'That a deletion was accepted, or its task reported done, does not mean that the thing is gone.',
    source: 'Failures of other products on platforms of this kind: deletions that leave everything in place',
    fidelity: 'assumed',
    breaks: 'Snapshots that were "deleted" grow until the datastore is full and its servers stop.',
    evidence: 'a reading call about the thing after its deletion was accepted, before the job ends',
    remedy:
      "List the snapshots, read the backup resource, read the proxy's configuration after each removal; repeat or warn when it is still there.",
    scenarios: ['S001-full-backup-and-restore', 'S096-removal-that-was-none'],
    mutants: ['never-looks-again'],
    judge: (seen) =>
      judgeEach(deletions(seen), ({ call, end, looks }) => {
        const look = seen.calls.find(
          (one) => one.n > call.n && one.n < end && one.actor === call.actor && looks(one),
        );
        return look === undefined
          ? {
              at: call.n,
              expected: 'a look at what was deleted, before the job is over',
              actual: `none after ${call.operation}`,
            }
          : undefined;
      }),
  },
  {
    id: 'CLEAN-6',
    title: 'removes at its next run what a run that died has left',
    level: 'must',
    clause:
      'An engine that dies leaves a snapshot, disks on a proxy, half a server. The next job on the same server, or a clean-up, takes them away.',
    source: `${WORKFLOW}; SCP guide, backup resources: only those end by themselves`,
    fidelity: 'assumed',
    breaks:
      'Each crash leaves a snapshot for ever. They slow the server down, fill its datastore, and one day no more can be taken.',
    evidence:
      'what a killed job has made, at the end of the next job on the same server that succeeds, or of a clean-up',
    remedy:
      'Note durably what is about to be made, before the call; at the beginning of a job read the notes of runs that are dead, and remove what they name.',
    scenarios: ['S021-killed-around-the-snapshot', 'S050-killed-while-disks-are-attached'],
    mutants: ['forgets-what-it-made'],
    needs: ['cleanup'],
    judge: (seen) =>
      judgeEach(leftovers(seen), ({ made, died, until }) =>
        isThereAt(made, until.end.n) && !isDoomedBy(made, until.end.n)
          ? {
              at: until.end.n,
              expected: `${made.kind} ${made.id} of the job that died gone by the end of the next ${until.job.operation}`,
              actual: 'it is still there, and nobody has asked for its removal',
              evidence: [made.n, died.end?.n ?? died.n],
            }
          : undefined,
      ),
  },
];

const CHANGING = [
  'servers.start',
  'servers.stop',
  'servers.edit',
  'servers.delete',
  'snapshots.recovery',
  'snapshots.edit',
];

function snapshotsNamed(call: Call): readonly string[] {
  const one = idAfter(call, 'snapshots');
  const many = listOf(call.body, 'snapshot_ids').filter((id): id is string => typeof id === 'string');
  return one === undefined || one === 'action' ? many : [one];
}

function ownerOf(seen: Observation, call: Call): string | undefined {
  const resource = idAfter(call, 'backup-resources');
  if (resource !== undefined) return seen.resources.find(({ id }) => id === resource)?.actor;
  return newServersOf(seen).find(({ id }) => id === idAfter(call, 'servers'))?.actor;
}

/** A restore of the same engine may be at work beside the backup. */
function isForAnother(seen: Observation, { n, actor }: Call, job: JobLife): boolean {
  return jobsAt(seen, n).some((other) => other.job !== job.job && other.actor === actor);
}

/** A connection that has said DISC is over for its client. */
function isOpenUnder({ n, resource, requests, end }: NbdConnection, call: Call): boolean {
  if (resource?.id !== idAfter(call, 'backup-resources') || n > call.n) return false;
  const isLeft = requests.some((request) => request.command === 'DISC' && request.n < call.n);
  return !isLeft && (end === undefined || end.n > call.n);
}

function isThereAt({ n: begin, end }: MadeThing, n: number): boolean {
  return begin < n && (end === undefined || end.n > n);
}

function isDoomedBy({ deletedBy }: MadeThing, n: number): boolean {
  return deletedBy.some((call) => call.n < n);
}

interface Deletion {
  readonly call: Call;
  /** End of the job that asked for it; of several that may have, of the last one. */
  readonly end: number;
  readonly looks: (call: Call) => boolean;
}

const looksAtProxy =
  ({ server }: Call) =>
  (call: Call): boolean =>
    call.operation.startsWith('servers.') && call.method === 'GET' && (call.server ?? server) === server;

const LOOKS: { readonly [operation: string]: (deletion: Call) => (call: Call) => boolean } = {
  'snapshots.delete':
    ({ server }) =>
    (call) =>
      call.operation.startsWith('snapshots.') && call.method === 'GET' && call.server === server,
  'backup-resources.delete': (deletion) => (call) =>
    call.operation === 'backup-resources.get' &&
    idAfter(call, 'backup-resources') === idAfter(deletion, 'backup-resources'),
  'hot-add.remove': looksAtProxy,
  'hci.hot-add.remove': looksAtProxy,
};

/** Deletions that were accepted, of jobs that succeeded. */
function deletions(seen: Observation): readonly Deletion[] {
  return callsOf(seen, ...Object.keys(LOOKS)).flatMap((call) => {
    const looks = LOOKS[call.operation]?.(call);
    const jobs = jobsAt(seen, call.n).filter(({ actor }) => actor === call.actor);
    const end = Math.max(...jobs.map((job) => job.end?.n ?? 0));
    const isGood = jobs.length > 0 && jobs.every(({ outcome }) => outcome === 'succeeds');
    if (looks === undefined || !isGood) return [];
    const isSound = isDone(call) && isHeard(seen, call) && !isDisturbed(seen, call, end);
    return isSound ? [{ call, end, looks }] : [];
  });
}

/** The platform was made not to answer, or to fail, before anybody could look. */
function isDisturbed(seen: Observation, deletion: Call, end: number): boolean {
  if (seen.faults.some(({ n }) => n > deletion.n && n < end)) return true;
  return seen.calls.some(
    ({ n, actor, reply }) =>
      n > deletion.n && n < end && actor === deletion.actor && (reply === undefined || reply.status >= 429),
  );
}

interface Leftover {
  readonly made: MadeThing;
  /** The job that made it and was killed. */
  readonly died: JobLife;
  /** The job that had to take it away. */
  readonly until: { readonly job: JobLife; readonly end: NonNullable<JobLife['end']> };
}

function leftovers(seen: Observation): readonly Leftover[] {
  return madeThingsOf(seen).flatMap((made) => {
    const [died, other] = jobsBehind(seen, made);
    if (died?.outcome !== 'killed' || died.end === undefined || other !== undefined) return [];
    if (!isThereAt(made, died.end.n) || isWhole(seen, made, died.end.n)) return [];
    const until = nextAfter(seen, made, died);
    return until === undefined ? [] : [{ made, died, until }];
  });
}

/** A server whose lock was given back before the end holds all; it belongs to whoever asked for the restore. */
function isWhole({ resources }: Observation, { kind, id }: MadeThing, n: number): boolean {
  return (
    kind === 'server' &&
    resources.some(({ server, deletedBy }) => server === id && deletedBy.some((call) => call.n < n))
  );
}

/** Half a server is found by a clean-up; what concerns a server, also by the next job on it. */
function nextAfter(seen: Observation, made: MadeThing, died: JobLife): Leftover['until'] | undefined {
  const next = seen.jobs.find(
    (job) =>
      job.n > (died.end?.n ?? 0) &&
      job.actor === died.actor &&
      job.outcome === 'succeeds' &&
      (job.operation === 'cleanup' ||
        (made.kind !== 'server' && job.operation === 'backup' && job.server === made.server)),
  );
  return next?.end === undefined ? undefined : { job: next, end: next.end };
}
