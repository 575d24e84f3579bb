/** Faults of single requests, whatever they are sent to. */
import { API_ERRORS } from '../../../src/contract/errors.ts';
import { duration, oneOf, text, usually, whole } from '../fault-fields.ts';
import type { KindRow } from '../kind-row.ts';

export const GENERAL_KINDS = {
  error: {
    places: ['rest', 'nbd', 'guest'],
    fields: { status: whole('status', 400, 599), message: usually(text('message'), 'Internal error.') },
    what: 'The operation is refused before it has any effect; on the data plane and in a guest the request gets EIO.',
    model:
      'A refusal that need not be one of the documented ones: whatever stands between a client and the platform may answer too.',
    example: { on: 'snapshots.create', kind: 'error', status: 502 },
  },
  'lose-reply': {
    places: ['rest', 'nbd', 'guest'],
    fields: {},
    what: 'The operation has its effect; the connection ends without a reply.',
    model: 'The network fails, or the client gives up, after the platform has done what was asked.',
    example: { on: 'snapshots.create', kind: 'lose-reply' },
  },
  'lose-request': {
    places: ['rest', 'nbd', 'guest'],
    fields: {},
    what: 'The request is lost before it has any effect; the connection ends without a reply.',
    model:
      'The network fails before the platform has seen the request. To the client it looks like lose-reply.',
    example: { on: 'backup-resources.create', kind: 'lose-request' },
  },
  delay: {
    places: ['rest', 'nbd', 'guest', 'task'],
    fields: { ms: duration('delay', 0), when: usually(oneOf('when', ['before', 'after']), 'before') },
    what: 'The operation waits before its effect or before its reply.',
    model:
      'A busy platform or a slow network. Time passes for everything else meanwhile: leases run out. A task waits before its step.',
    example: { on: 'cbt.changed-areas', kind: 'delay', delay: '90s' },
  },
} as const satisfies Record<string, KindRow>;

/** Faults of the REST API alone. */
export const REST_KINDS = {
  refuse: {
    places: ['rest'],
    fields: { code: oneOf('code', Object.keys(API_ERRORS)) },
    what: 'The operation is refused with an error of the catalogue, as the product would, before it has any effect.',
    model:
      'A documented refusal at a moment when nobody expects it. Status, envelope and message are those of the product.',
    example: { on: 'snapshots.create', kind: 'refuse', code: 'SERVER_BUSY' },
  },
  unavailable: {
    places: ['rest'],
    fields: { ms: duration('for', 1) },
    what: 'From the first strike on the whole API answers 503 for so long.',
    model:
      'The management service restarts or is overloaded. Data plane, tasks and leases go on. Only the call that begins it counts as fired.',
    example: { on: 'tasks.get', kind: 'unavailable', for: '30s' },
  },
  'rate-limited': {
    places: ['rest'],
    fields: { ms: duration('for', 1) },
    what: 'From the first strike on every call that matches is answered 429 for so long.',
    model:
      'The limit of calls per caller and interface, reached by somebody else with the same account. Other operations are not concerned, unless on is *.',
    example: { on: 'tasks.get', kind: 'rate-limited', for: '60s' },
  },
  'garbage-reply': {
    places: ['rest'],
    fields: {},
    what: "The operation has its effect; the body of the reply is a gateway's page, not JSON.",
    model: "A proxy in between puts its own page in the body's place and lets the status through.",
    example: { on: 'backup-resources.create', kind: 'garbage-reply' },
  },
  'truncated-reply': {
    places: ['rest'],
    fields: {},
    what: 'The operation has its effect; the body of the reply ends in its middle.',
    model: 'A proxy in between ends the body early and well-formed, so that only its content tells.',
    example: { on: 'cbt.changed-areas', kind: 'truncated-reply' },
  },
  'cbt-expired': {
    places: ['rest'],
    fields: {},
    what: 'Every checkpoint of the server becomes void, and the query says so.',
    model:
      'What a revert, a restore or a crash of the host does to the change history, just before this call.',
    example: { on: 'cbt.changed-areas', kind: 'cbt-expired' },
  },
} as const satisfies Record<string, KindRow>;
