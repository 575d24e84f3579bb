/** Snapshots that a job takes: when, how many, what is asked of them. */
import { judgeEach, type Broken } from '../judging.ts';
import type { Call, JobLife, Observation, SnapshotLife } from '../observation.ts';
import { idAfter, isToldDone } from '../read-calls.ts';
import { textOf } from '../read-json.ts';
import { snapshotsOf } from '../readings/backups.ts';
import { jobsBehind } from '../readings/jobs.ts';
import type { Rule } from '../rule-api.ts';

const WORKFLOW = 'workflow of VM backups, steps 1 and 2';

export const SNAPSHOT_RULES: readonly Rule[] = [
  {
    id: 'SNAP-1',
    title: 'waits until its snapshot is finished before it uses it',
    level: 'must',
    clause:
      'Taking a snapshot is a task; the answer to the call says that it has begun, not that it is done.',
    source: `${WORKFLOW}; SCP OpenAPI 6.11.1, tasks`,
    fidelity: 'documented',
    breaks:
      'On a busy cluster the job works with a snapshot that is half there, or that never comes into being.',
    evidence: 'end of the snapshot.create task, and the first call that asks for something of that snapshot',
    remedy:
      'Poll the task until it is finished; only then ask for details, a backup resource or changed areas.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['does-not-wait-for-the-snapshot'],
    judge: (seen) => judgeEach(used(seen), ({ snapshot, use }) => isTooEarly(snapshot, use)),
  },
  {
    id: 'SNAP-2',
    title: 'asks for the details of its snapshot before it reads it',
    level: 'must',
    clause:
      "The details hold the server's configuration at the moment of the snapshot and its checkpoint; the next backup and every restore need both.",
    source: WORKFLOW,
    fidelity: 'documented',
    breaks:
      'The configuration in the restore point is not that of its data, and the checkpoint is a guess: a restore makes a server that lacks a disk.',
    evidence: 'rest.request of snapshots.get of the snapshot, and the first call that reads it',
    remedy: 'Query the snapshot after its task has ended; store configuration and checkpoint with the point.',
    scenarios: ['S002-full-and-three-incrementals'],
    mutants: ['details-of-the-first-snapshot'],
    judge: (seen) => judgeEach(used(seen), ({ snapshot, use }) => isUnknown(seen, snapshot, use)),
  },
  {
    id: 'SNAP-3',
    title: 'has one snapshot of a server at a time',
    level: 'must',
    clause:
      'A backup takes a snapshot, reads it and deletes it. The number of snapshots of a server is limited.',
    source: 'workflow of VM backups; SCP 6.11 guide, snapshots (limits)',
    fidelity: 'documented',
    breaks: 'Snapshots pile up until the limit is reached or a datastore is full, and the server stops.',
    evidence: 'lives of the snapshots that the engine made of a server while one job was at work',
    remedy:
      'Before a second attempt delete the snapshot of the first; after a lost answer look for it by its name.',
    scenarios: ['S001-full-backup-and-restore', 'S032-snapshot-answer-lost'],
    mutants: ['new-token-on-repeat'],
    judge: (seen) => judgeEach(jobsWithSnapshots(seen), ([job, all]) => hasTwo(job, all)),
  },
  {
    id: 'SNAP-4',
    title: 'gives its snapshots names that tell them apart',
    level: 'must',
    clause: 'Names and descriptions have at most 90 characters, and the name "current" is taken.',
    source: 'SCP OpenAPI 6.11.1, snapshots',
    fidelity: 'documented',
    breaks:
      'After a crash the product can not tell its own left-over from a snapshot that somebody keeps on purpose: it leaves both, or deletes the wrong one.',
    evidence: 'name in the body of each snapshots.create',
    remedy: 'Put a mark of the product and of the run into the name.',
    scenarios: ['S001-full-backup-and-restore', 'S002-full-and-three-incrementals'],
    mutants: ['snapshots-without-a-name'],
    judge: (seen) => judgeEach(creations(seen), (call) => hasBadName(seen, call)),
  },
  {
    id: 'SNAP-5',
    title: 'looks at the snapshots of a server before it adds one',
    level: 'should',
    clause:
      'Servers with internal snapshots can not be backed up without an agent, and the number of snapshots is limited (48 in storage).',
    source: 'SCP 6.11.3 guide, preparing a server for backup without an agent; snapshots (limits)',
    fidelity: 'documented',
    breaks:
      'The job fails deep inside, with an error of the storage, where one sentence would have told what to do.',
    evidence: 'rest.request of snapshots.list between the beginning of a backup and its snapshots.create',
    remedy: 'List the snapshots first; say which one is in the way, and delete what an earlier run has left.',
    scenarios: ['S001-full-backup-and-restore', 'S039-snapshot-limit-reached'],
    mutants: ['never-lists-snapshots'],
    judge: (seen) => judgeEach(backupCreations(seen), ([job, call]) => isBlind(seen, job, call)),
  },
];

interface Use {
  readonly snapshot: SnapshotLife;
  readonly use: Call;
}

/** The first call that reads each snapshot of the engine, or locks its server to read it. */
function used(seen: Observation): readonly Use[] {
  return seen.snapshots.flatMap((snapshot) => {
    const use = snapshot.actor === undefined ? undefined : seen.calls.find((call) => isUse(call, snapshot));
    return use === undefined ? [] : [{ snapshot, use }];
  });
}

function isUse(call: Call, { id, n, end, server, actor }: SnapshotLife): boolean {
  if (call.n < n || call.n > (end?.n ?? Number.POSITIVE_INFINITY) || call.actor !== actor) return false;
  switch (call.operation) {
    case 'cbt.changed-areas':
      return textOf(call.query, 'snapshot_id') === id;
    case 'backup-resources.create':
      return call.server === server && textOf(call.body, 'type') === 'backup';
    default:
      return false;
  }
}

function isTooEarly({ name, ready }: SnapshotLife, use: Call): Broken | undefined {
  if (ready !== undefined && ready.n < use.n) return undefined;
  return {
    at: use.n,
    expected: `${use.operation} after snapshot ${name} is finished`,
    actual: 'it is asked for before',
    evidence: ready === undefined ? [] : [ready.n],
  };
}

function isUnknown(seen: Observation, { id, name, ready }: SnapshotLife, use: Call): Broken | undefined {
  const hasAsked = seen.calls.some(
    (call) =>
      call.operation === 'snapshots.get' &&
      idAfter(call, 'snapshots') === id &&
      call.n < use.n &&
      call.n > (ready?.n ?? 0) &&
      isToldDone(call),
  );
  if (hasAsked) return undefined;
  return {
    at: use.n,
    expected: `the details of snapshot ${name} before ${use.operation}`,
    actual: 'nobody has asked for them',
  };
}

function jobsWithSnapshots(seen: Observation): readonly (readonly [JobLife, readonly SnapshotLife[]])[] {
  return seen.jobs.flatMap((job) => {
    const isOfThisJobAlone = (one: SnapshotLife): boolean =>
      jobsBehind(seen, one).every((behind) => behind === job);
    const all = snapshotsOf(seen, job).filter(isOfThisJobAlone);
    return all.length === 0 ? [] : [[job, all] as const];
  });
}

function hasTwo(job: JobLife, all: readonly SnapshotLife[]): Broken | undefined {
  for (const [at, one] of all.entries()) {
    const before = all[at - 1];
    if (before === undefined || before.deletedBy.some(({ n }) => n < one.n) || isGone(before, one.n))
      continue;
    return {
      at: one.n,
      expected: 'the earlier snapshot is deleted first',
      actual: `${one.name} beside ${before.name}`,
      evidence: [job.n, before.n],
    };
  }
  return undefined;
}

function isGone({ end }: SnapshotLife, at: number): boolean {
  return end !== undefined && end.n < at;
}

function creations(seen: Observation): readonly Call[] {
  return seen.calls.filter(({ operation }) => operation === 'snapshots.create');
}

const LONGEST_NAME = 90;

function hasBadName(seen: Observation, call: Call): Broken | undefined {
  const name = textOf(call.body, 'name') ?? '';
  const earlier = seen.snapshots.find(
    (one) => one.server === call.server && one.name === name && one.n < call.n && one.actor === call.actor,
  );
  const isRepeated = earlier?.createdBy?.clientToken === call.clientToken;
  // A name of what never came into being is free.
  const isFree = earlier?.ready === undefined && earlier !== undefined && isGone(earlier, call.n);
  const isTaken = earlier !== undefined && !isRepeated && !isFree;
  const isAllowed = name !== '' && name !== 'current' && name.length <= LONGEST_NAME;
  if (isAllowed && !isTaken) return undefined;
  return {
    at: call.n,
    expected: `a name of its own, of at most ${LONGEST_NAME} characters`,
    actual: isTaken ? `"${name}" again` : `"${name}"`,
    evidence: isTaken ? [earlier.n] : [],
  };
}

function backupCreations(seen: Observation): readonly (readonly [JobLife, Call])[] {
  return creations(seen).flatMap((call) => {
    const [job] = jobsBehind(seen, { n: call.n, actor: call.actor, server: call.server ?? '' });
    return job?.operation === 'backup' ? [[job, call] as const] : [];
  });
}

function isBlind(seen: Observation, job: JobLife, creation: Call): Broken | undefined {
  const hasLooked = seen.calls.some(
    (call) =>
      call.operation === 'snapshots.list' &&
      call.server === creation.server &&
      call.n > job.n &&
      call.n < creation.n,
  );
  if (hasLooked) return undefined;
  return {
    at: creation.n,
    expected: 'a look at the snapshots that there are',
    actual: 'a snapshot is taken without one',
    evidence: [job.n],
  };
}
