/** Locks that run out, are renewed, are taken away. */
import type { NbdRequest, ResourceLife } from '../rules/observation.ts';
import { messageIs } from './call-questions.ts';
import type { Must, Seen } from './must.ts';

const OFTEN = 3;

export const LOCK_MUSTS: readonly Must[] = [
  {
    id: 'expiry-hits-pending-read',
    title: 'a lock ran out while a read under it was not answered',
    find: (seen) =>
      expired(seen).flatMap(({ resource, at }) =>
        seen.connections
          .filter((connection) => connection.resource === resource)
          .some(({ requests }) => requests.some((request) => isPending(request, at)))
          ? [at]
          : [],
      ),
  },
  {
    id: 'late-renewal',
    title: 'a renewal was asked for when the lock had run out, or answered then',
    find: (seen) =>
      expired(seen).flatMap(({ resource, at }) =>
        resource.renewedBy
          .filter(({ n, reply }) => n > at || (reply?.n ?? Number.POSITIVE_INFINITY) > at)
          .map(({ n }) => n),
      ),
  },
  {
    id: 'renewed-often',
    title: `a lock was renewed ${OFTEN} times and more`,
    find: ({ resources }) => resources.filter(({ renewals }) => renewals.length >= OFTEN).map(({ n }) => n),
  },
  {
    id: 'preempted',
    title: 'a job of the platform took a lock away',
    find: ({ resources }) =>
      resources.flatMap(({ endedAs, end }) => (endedAs === 'cancelled' && end !== undefined ? [end.n] : [])),
  },
  {
    id: 'waited-for-server',
    title: 'a job succeeded although the server was busy or held at first',
    find: (seen) =>
      seen.jobs
        .filter(({ outcome }) => outcome === 'succeeds')
        .flatMap(({ n, end }) =>
          seen.calls
            .filter((call) => call.n > n && call.n < (end?.n ?? 0))
            .filter((call) => messageIs(call, 'SERVER_BUSY') || messageIs(call, 'RESOURCE_OCCUPIED'))
            .map((call) => call.n),
        ),
  },
];

function expired({ resources }: Seen): readonly { readonly resource: ResourceLife; readonly at: number }[] {
  return resources.flatMap((resource) =>
    resource.endedAs === 'expired' && resource.end !== undefined ? [{ resource, at: resource.end.n }] : [],
  );
}

/** Asked for before, not answered then. */
function isPending({ n, reply }: NbdRequest, at: number): boolean {
  return n < at && (reply === undefined || reply.n > at);
}
