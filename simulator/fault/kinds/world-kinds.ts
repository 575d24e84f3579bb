/** What befalls the platform itself just before something else happens; carried out in simulator/fault/world-faults.ts. */
import { duration, seconds } from '../fault-fields.ts';
import type { FaultPlace, KindRow } from '../kind-row.ts';

const ANYWHERE: readonly FaultPlace[] = ['rest', 'nbd', 'guest', 'task', 'lease'];

export const WORLD_KINDS = {
  'expire-tokens': {
    places: ANYWHERE,
    fields: {},
    what: 'Every login token stops being valid.',
    model: 'Lifetime is over, or an administrator has ended all sessions. Access keys go on to work.',
    example: { on: 'backup-resources.renew', kind: 'expire-tokens' },
  },
  'expire-resource': {
    places: ANYWHERE,
    fields: {},
    what: 'Every running backup resource of the server ends as if its time were over.',
    model:
      'The lease ran out: connections are cut, hot-added disks are detached, the server is free for others. Where the place names no server, all servers are meant.',
    example: { on: 'data', kind: 'expire-resource' },
  },
  occupy: {
    places: ANYWHERE,
    fields: { seconds: seconds('for', 1) },
    what: 'Another backup product gets the server for so long: a new backup resource reads occupied.',
    model: 'Two products share a platform. Whoever has the server keeps it; the next one finds it taken.',
    example: { on: 'backup-resources.create', kind: 'occupy', for: '10m' },
  },
  preempt: {
    places: ANYWHERE,
    fields: {},
    what: 'A platform job of higher priority takes the server: its backup resource reads cancelled.',
    model: 'Disaster recovery comes before agentless backup. The server is free again at once.',
    example: { on: 'data', kind: 'preempt' },
  },
  'host-gone': {
    places: ANYWHERE,
    fields: { ms: duration('for', 1) },
    what: "The host that serves the server's disks (else the one it runs on) is offline for so long.",
    model:
      'Its NBD service is gone, its backup resources fail, what was hot-added to proxies on it is detached; a new backup resource is served by another host. Servers on it are not moved.',
    example: { on: 'data', kind: 'host-gone', for: '15m' },
  },
  'datastore-offline': {
    places: ANYWHERE,
    fields: { ms: duration('for', 1) },
    what: "The datastore of the server's disks (of the device, where the place names one) is offline for so long.",
    model:
      'Every read and write gets EIO, hot-added disks are detached, no snapshot is made or removed, no host can serve the server.',
    example: { on: 'data', kind: 'datastore-offline', for: '15m' },
  },
  'datastore-full': {
    places: ANYWHERE,
    fields: { ms: duration('for', 1) },
    what: "Nothing more fits on the datastore of the server's disks for so long.",
    model:
      'Writes of a restore get ENOSPC, no snapshot is made, no server created; reading goes on. What the server itself writes is not concerned.',
    example: { on: 'snapshots.create', kind: 'datastore-full', for: '1h' },
  },
  'proxy-crash': {
    places: ANYWHERE,
    fields: {},
    what: 'The proxy VM is off at once: the one that the call names, else those that hold disks of the server.',
    model:
      'Its process on the host dies. Hot-added disks are detached; it stays off until somebody starts it.',
    example: { on: 'guest', kind: 'proxy-crash' },
  },
  restart: {
    places: ANYWHERE,
    fields: {},
    what: "The platform's processes start again with all their state.",
    model:
      'Every NBD connection is cut; every call under way stays without an answer, the one at which it strikes without effect; login tokens are gone. Access keys, leases, tasks and remembered client tokens stay.',
    example: { on: 'lease', kind: 'restart', atRemaining: '30s' },
  },
} as const satisfies Record<string, KindRow>;
