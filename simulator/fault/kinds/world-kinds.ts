/** What befalls the platform itself just before something else happens. */
import type { KindRow } from '../kind-row.ts';

export const WORLD_KINDS = {
  'expire-tokens': {
    places: ['rest'],
    fields: {},
    what: 'Every login token stops being valid before the operation.',
    model: 'Lifetime is over, or an administrator has ended all sessions. Access keys go on to work.',
    example: { on: 'backup-resources.renew', kind: 'expire-tokens' },
  },
  'expire-resource': {
    places: ['rest', 'nbd', 'guest'],
    fields: {},
    what: 'Every running backup resource of the server ends as if its time were over, before the operation.',
    model:
      'The lease ran out: connections are cut, hot-added disks are detached, the server is free for others. Where the operation names no server, all servers are meant.',
    example: { on: 'data', kind: 'expire-resource' },
  },
} as const satisfies Record<string, KindRow>;
