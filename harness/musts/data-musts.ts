/** Connections and devices that go away, fail, come late. */
import { API_ERRORS } from '../../src/contract/errors.ts';
import { isWithin, messageIs } from './call-questions.ts';
import type { HotAddedLife } from '../rules/observation.ts';
import type { Must } from './must.ts';

/** Devices usually appear at once. */
const LATE_MS = 5000;

export const DATA_MUSTS: readonly Must[] = [
  {
    id: 'reset-in-mid-reply',
    title: 'a connection was reset in the midst of a reply',
    find: ({ faults }) => faults.filter(({ kind }) => kind === 'drop-after-bytes').map(({ n }) => n),
  },
  {
    id: 'read-fails',
    title: 'a read of a disk was answered with an error while a job was at work',
    find: ({ jobs, connections, guestIo }) => {
      const overNbd = connections.flatMap(({ requests }) =>
        requests.flatMap(({ reply }) => (reply !== undefined && reply.error !== 0 ? [reply.n] : [])),
      );
      const failed = [...overNbd, ...guestIo.filter(({ error }) => error !== 0).map(({ n }) => n)];
      return failed.filter((n) => jobs.some((job) => isWithin({ n }, job)));
    },
  },
  {
    id: 'guest-writes-meanwhile',
    title: 'a guest wrote to its disk while a job read the snapshot',
    find: ({ guestWrites, connections }) =>
      guestWrites
        .filter(({ n, server }) =>
          connections.some(
            ({ resource, requests }) =>
              resource?.server === server && (requests.at(0)?.n ?? n) < n && (requests.at(-1)?.n ?? n) > n,
          ),
        )
        .map(({ n }) => n),
  },
  {
    id: 'hotadd-collision',
    title: 'two tasks that add or remove disks collided on a proxy',
    find: ({ calls, tasks }) => [
      ...calls.filter((call) => messageIs(call, 'HOTADD_CONFLICT')).map(({ n }) => n),
      ...[...tasks.values()]
        .filter(({ status }) => status === 'failure')
        .filter(({ description }) => description.startsWith(API_ERRORS.HOTADD_CONFLICT.message))
        .map(({ n }) => n),
    ],
  },
  {
    id: 'two-servers-on-one-proxy',
    title: 'a proxy held disks of two servers at once',
    find: ({ hotAdded }) =>
      hotAdded
        .filter((disk, at) =>
          hotAdded
            .slice(0, at)
            .some(
              (other) => other.proxy === disk.proxy && other.source !== disk.source && overlaps(other, disk),
            ),
        )
        .map(({ n }) => n),
  },
  {
    id: 'proxy-lost-with-disks',
    title: 'a proxy went off while disks were attached to it',
    find: ({ hotAdded }) =>
      hotAdded.flatMap(({ endedWhy, end }) =>
        endedWhy === 'the proxy is powered off' && end !== undefined ? [end.n] : [],
      ),
  },
  {
    id: 'late-device',
    title: 'a hot-added disk appeared in the guest long after it was attached',
    find: ({ hotAdded, guestDevices }) =>
      guestDevices
        .filter(({ change }) => change === 'appears')
        .filter(({ disk, n, t }) => {
          // Clones of one disk have the same id, one after the other.
          const attached = hotAdded.findLast((one) => one.id === disk && one.n < n);
          return attached !== undefined && t - attached.t > LATE_MS;
        })
        .map(({ n }) => n),
  },
];

/** `earlier` was still attached when `later` came. */
function overlaps(earlier: HotAddedLife, later: HotAddedLife): boolean {
  return earlier.n < later.n && (earlier.end?.n ?? Number.POSITIVE_INFINITY) > later.n;
}
