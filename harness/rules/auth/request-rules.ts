/** What every request bears: client tokens, and nothing secret where it can be read. */
import { judgeEach, type Broken } from '../judging.ts';
import type { Call, Observation } from '../observation.ts';
import { isToldDone } from '../read-calls.ts';
import { once } from '../readings/once.ts';
import type { Rule } from '../rule-api.ts';

const TOKEN_SOURCE = 'SCP OpenAPI 6.11.1, request header X-Client-Token';

export const REQUEST_RULES: readonly Rule[] = [
  {
    id: 'AUTH-5',
    title: 'gives every call that makes something a client token of its own',
    level: 'should',
    clause:
      'POST and PUT calls take an idempotency token, a UUID, valid for 15 minutes: with it a repeated call is one call.',
    source: TOKEN_SOURCE,
    fidelity: 'documented',
    breaks:
      'An answer that is lost on the way makes a second snapshot, a second server or a task conflict, and nobody knows whose the first one is.',
    evidence: 'rest.request of a call that makes something, and its clientToken',
    remedy: 'Draw a UUID for every such call and send it in X-Client-Token.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['no-client-token'],
    judge: (seen) => judgeEach(makers(seen), hasToken),
  },
  {
    id: 'AUTH-6',
    title: 'repeats a call whose answer was lost with the same client token',
    level: 'must',
    clause:
      'Same call and same token within 15 minutes are one request: the platform hands the first result back in place of doing it again.',
    source: TOKEN_SOURCE,
    fidelity: 'documented',
    breaks:
      'After a network fault two snapshots or two restored servers exist, of which the product knows one; the other grows until a datastore is full.',
    evidence:
      'two equal rest.request that make something, the first without an answer, and their clientTokens',
    remedy: 'Draw the token once per operation, before the first attempt; keep it for all repetitions.',
    scenarios: ['S032-snapshot-answer-lost', 'S068-answers-of-disk-tasks-lost'],
    mutants: ['new-token-on-repeat'],
    judge: (seen) => judgeEach(repetitions(seen), ([first, again]) => hasOtherToken(first, again)),
  },
  {
    id: 'AUTH-7',
    title: 'uses a client token for one request only',
    level: 'must',
    clause: 'A token that comes again with other content fails the idempotency check and is answered 429.',
    source: TOKEN_SOURCE,
    fidelity: 'documented',
    breaks: 'Every second call of the product is refused, and the refusal looks like an overload.',
    evidence: 'rest.request with one clientToken and different operation, path or body',
    remedy: 'Draw a new token for every operation; never one per session or per job.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['one-token-for-all'],
    judge: (seen) => judgeEach(withTokens(seen), (call) => isReused(seen, call)),
  },
  {
    id: 'AUTH-8',
    title: 'puts no secret into the address of a request',
    level: 'must',
    clause:
      'Credentials travel in the Authorization header and in the body of the login, nowhere else; the query is not even signed.',
    source: 'SCP OpenAPI 6.11.1, authentication; observed signatures leave the query out',
    fidelity: 'observed',
    breaks: 'The secret is in the access log of every proxy between the product and the platform.',
    evidence: 'names of the parameters in the query of each rest.request',
    remedy: 'Send Authorization; take keys and passwords out of addresses, and change those that were sent.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['credentials-in-the-address'],
    judge: (seen) => judgeEach(seen.calls, showsSecret),
  },
];

const MAKES: ReadonlySet<string> = new Set([
  'snapshots.create',
  'backup-resources.create',
  'servers.create-from-config',
  'hot-add.add',
  'hci.hot-add.add',
]);

function makers(seen: Observation): readonly Call[] {
  return seen.calls.filter(({ operation }) => MAKES.has(operation));
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

function hasToken({ n, operation, clientToken }: Call): Broken | undefined {
  if (clientToken !== undefined && UUID.test(clientToken)) return undefined;
  const actual = clientToken === undefined ? 'no client token' : `the token ${clientToken}`;
  return { at: n, expected: `${operation} with a UUID in X-Client-Token`, actual };
}

const VALID_MS = 15 * 60_000;

/** Pairs of a call that stayed without an answer and the next one like it. */
function repetitions(seen: Observation): readonly (readonly [Call, Call])[] {
  const made = makers(seen);
  return made.flatMap((first, at) => {
    if (first.reply !== undefined && !first.reply.isLost && first.reply.status !== 0) return [];
    const again = made.slice(at + 1).find((call) => isSame(first, call));
    const isRepeated =
      again !== undefined &&
      again.t - first.t <= VALID_MS &&
      !isOfLaterJob(seen, first, again) &&
      !hasLooked(seen, first, again);
    return isRepeated ? [[first, again] as const] : [];
  });
}

/** A job that begins anew knows nothing of what a dead one has asked for. */
function isOfLaterJob({ jobs }: Observation, { n, actor }: Call, again: Call): boolean {
  return jobs.some((job) => job.actor === actor && job.n > n && job.n < again.n);
}

/** Who has looked that nothing came of it asks for something new, and may give it another token. */
function hasLooked({ calls }: Observation, { n, actor, server }: Call, again: Call): boolean {
  return calls.some(
    (call) =>
      call.method === 'GET' &&
      call.actor === actor &&
      call.server === server &&
      call.n > n &&
      call.n < again.n &&
      isToldDone(call),
  );
}

function isSame(one: Call, other: Call): boolean {
  return (
    one.actor === other.actor &&
    one.operation === other.operation &&
    one.path === other.path &&
    JSON.stringify(one.body) === JSON.stringify(other.body)
  );
}

function hasOtherToken(first: Call, again: Call): Broken | undefined {
  if (first.clientToken !== undefined && first.clientToken === again.clientToken) return undefined;
  return {
    at: again.n,
    expected: `${again.operation} again with client token ${first.clientToken ?? '(it had none)'}`,
    actual: again.clientToken ?? 'no token',
    evidence: [first.n],
  };
}

function withTokens(seen: Observation): readonly Call[] {
  return seen.calls.filter(({ clientToken }) => clientToken !== undefined);
}

function isReused(seen: Observation, call: Call): Broken | undefined {
  const first = firstWith(seen, call);
  if (first === undefined || first.n >= call.n || isSame(first, call)) return undefined;
  return {
    at: call.n,
    expected: 'a client token of its own',
    actual: `the token of ${first.operation}`,
    evidence: [first.n],
  };
}

function firstWith(seen: Observation, { actor, clientToken }: Call): Call | undefined {
  return firsts(seen).get(`${actor} ${clientToken}`);
}

/** The first call with each token. */
const firsts = once((seen) => {
  const index = new Map<string, Call>();
  for (const call of withTokens(seen)) {
    const key = `${call.actor} ${call.clientToken}`;
    if (!index.has(key)) index.set(key, call);
  }
  return index;
});

const SECRET = /(password|passwd|secret|access_?key|token|signature|credential)/i;

function showsSecret({ n, operation, query }: Call): Broken | undefined {
  const name = Object.keys(query).find((one) => SECRET.test(one));
  if (name === undefined) return undefined;
  return { at: n, expected: 'credentials in headers only', actual: `${operation} with ${name} in its query` };
}
