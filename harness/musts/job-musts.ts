/** Jobs that end in the wrong moment, and what the next one makes of it. */
import { isToldDone } from '../rules/read-calls.ts';
import { isWithin, messageIs } from './call-questions.ts';
import type { Must, Seen } from './must.ts';

/** Entries of the journal in which a point is compared that a dead job has left. */
const UNTOLD = 8;

export const JOB_MUSTS: readonly Must[] = [
  {
    id: 'kill-between-commit-and-cleanup',
    title: 'an engine died after a restore point was complete and before it had cleaned up',
    find: ({ jobs, snapshots, comparisons }) => {
      const told = new Set(jobs.filter(({ outcome }) => outcome === 'succeeds').map(({ point }) => point));
      const untold = comparisons.filter(({ what, point }) => what === 'point' && !told.has(point));
      return jobs
        .filter(({ operation, outcome }) => operation === 'backup' && outcome === 'killed')
        .flatMap((job) => {
          const at = job.end?.n ?? 0;
          const isLeft = snapshots.some((one) => isWithin(one, job) && (one.end?.n ?? at) >= at);
          // The point is found by looking, at once after the death.
          const isThere = untold.some(({ server, n }) => server === job.server && n > at && n <= at + UNTOLD);
          return isLeft && isThere ? [at] : [];
        });
    },
  },
  {
    id: 'power-cut-loses-file',
    title: 'a power cut took a file of the repository that had not been synced',
    find: ({ moments }) =>
      moments.filter((moment) => moment.kind === 'killed' && moment.lostFiles > 0).map(({ n }) => n),
  },
  {
    id: 'repository-fails',
    title: 'the repository failed to write, and a later backup succeeded',
    find: ({ moments, jobs }) =>
      moments
        .filter(({ kind }) => kind === 'storage-fails')
        .filter(({ n }) =>
          jobs.some((job) => job.operation === 'backup' && job.n > n && job.outcome === 'succeeds'),
        )
        .map(({ n }) => n),
  },
  {
    id: 'restore-interrupted',
    title: 'a restore ended early when it had begun to write',
    find: (seen) =>
      seen.jobs
        .filter(
          ({ operation, outcome }) =>
            operation === 'restore' && (outcome === 'fails' || outcome === 'killed'),
        )
        .filter((job) => writesOf(seen).some((n) => isWithin({ n }, job)))
        .map(({ n }) => n),
  },
  {
    id: 'full-after-cbt-expired',
    title: 'change tracking was void, and a full backup was made',
    find: ({ jobs, calls }) =>
      jobs
        .filter(({ mode, outcome }) => mode === 'full' && outcome === 'succeeds')
        .filter((job) => calls.some((call) => messageIs(call, 'CBT_EXPIRED') && isWithin(call, job)))
        .map(({ n }) => n),
  },
  {
    id: 'incremental-after-killed-job',
    title: 'after a job that was killed, the next one of its server was an incremental',
    find: ({ jobs }) =>
      jobs.flatMap((job, at) => {
        if (job.operation !== 'backup' || job.outcome !== 'killed') return [];
        const next = jobs
          .slice(at + 1)
          .find(({ operation, server }) => operation === 'backup' && server === job.server);
        return next?.mode === 'incremental' ? [next.n] : [];
      }),
  },
  {
    id: 'cleanup-removes-leftover',
    title: 'a clean-up removed what a dead run had left',
    find: ({ jobs, calls }) =>
      jobs
        .filter(({ operation, outcome }) => operation === 'cleanup' && outcome === 'succeeds')
        .filter((job) =>
          calls.some((call) => isWithin(call, job) && REMOVES.test(call.operation) && isToldDone(call)),
        )
        .map(({ n }) => n),
  },
];

const REMOVES = /\.(delete|batch-delete|remove)$/;

function writesOf({ connections, guestIo }: Seen): readonly number[] {
  const overNbd = connections.flatMap(({ requests }) =>
    requests.filter(({ command }) => command.startsWith('WRITE')).map(({ n }) => n),
  );
  return [...overNbd, ...guestIo.filter(({ command }) => command.startsWith('WRITE')).map(({ n }) => n)];
}
