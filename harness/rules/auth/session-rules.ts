/** Logins and tokens. */
import { judgeEach, type Broken } from '../judging.ts';
import type { Call, Observation } from '../observation.ts';
import { isAnswered, isToldDone } from '../read-calls.ts';
import { isKilledBetween, jobsAt } from '../readings/jobs.ts';
import { once } from '../readings/once.ts';
import type { Rule } from '../rule-api.ts';

const TOKENS = 'SCP OpenAPI 6.11.1, authentication with a token; observed clients keep it for its lifetime';

export const SESSION_RULES: readonly Rule[] = [
  {
    id: 'AUTH-1',
    title: 'sends no request with a token that the platform has refused',
    level: 'must',
    clause:
      'A token that has run out is answered 401. It never becomes valid again: a new login gives a new one.',
    source: TOKENS,
    fidelity: 'observed',
    breaks:
      'Every call of the job fails from the moment at which the token runs out: the lock expires, the snapshot stays, and a night of backups is lost.',
    evidence: 'rest.reply with status 401 of a user that logs in, and the next rest.request of that user',
    remedy:
      'Treat 401 as the end of the token: throw it away, log in once, repeat the call with the new token. Let parallel calls share that one login.',
    scenarios: ['S016-token-expires-in-mid-job'],
    mutants: ['token-never-renewed'],
    judge: (seen) => judgeEach(refusals(seen), (refused) => usesRefusedToken(seen, refused)),
  },
  {
    id: 'AUTH-2',
    title: 'logs in once and keeps the token until it is refused or runs out',
    level: 'should',
    clause:
      'The login tells when the token ends. Logins are limited per address, and so is the public key that each of them needs (60 in a minute, then 403).',
    source: 'SCP OpenAPI 6.11.1, public-key (limits), authentication with a token',
    fidelity: 'documented',
    breaks:
      'With some servers at the same time the limit is reached, and the platform refuses every login for a minute: jobs fail that have nothing wrong with them.',
    evidence: 'rest.request of authenticate while a token of the same user is valid and was not refused',
    remedy: 'Keep the token in memory and share it among all jobs of the process.',
    scenarios: ['S016-token-expires-in-mid-job'],
    mutants: ['logs-in-for-every-call'],
    needs: ['password-login'],
    judge: (seen) => judgeEach(laterLogins(seen), (login) => isNeedless(seen, login)),
  },
  {
    id: 'AUTH-3',
    title: 'logs in again at most twice in a minute after the platform refused a login',
    level: 'must',
    clause:
      'A refused login is repeated with the older scheme at once, since platforms before 6.11.3 know no other, and then with pauses. Keys and logins are limited per minute.',
    source: 'SCP OpenAPI 6.11.1, public-key (limits)',
    fidelity: 'assumed',
    breaks:
      'A changed password becomes a storm of logins: the limit of the public key bans every product on the network for a minute, and the account may be locked.',
    evidence: 'rest.request of authenticate within a minute after its refusal (rest.reply 401 or 403)',
    remedy: 'After the second refusal fail the job with the reason; try the next job at its own time.',
    scenarios: ['S075-login-refused-for-a-while'],
    mutants: ['hammers-the-login'],
    needs: ['password-login'],
    judge: (seen) => judgeEach(refusedLogins(seen), (login) => isHammered(seen, login)),
  },
  {
    id: 'AUTH-4',
    title: 'logs in again when its token has run out, and goes on with the job',
    level: 'must',
    clause: 'A token may run out in the midst of a job; jobs last longer than tokens.',
    source: TOKENS,
    fidelity: 'observed',
    breaks: 'No backup that lasts longer than a token ever succeeds.',
    evidence: 'rest.reply with status 401 during a job, and the login that follows before the job ends',
    remedy: 'Log in and repeat the refused call; a token is no part of the job.',
    scenarios: ['S016-token-expires-in-mid-job'],
    mutants: ['token-never-renewed'],
    needs: ['password-login'],
    judge: (seen) =>
      judgeEach(
        refusals(seen).filter(({ faults }) => faults.length === 0),
        (refused) => givesUp(seen, refused),
      ),
  },
];

const isLogin = ({ operation }: Call): boolean => operation.startsWith('authenticate');

/** Users that log in; access keys have no token. */
const users = once((seen) => new Set(seen.calls.filter(isLogin).map(({ actor }) => actor)));

/** Calls of which the engine was told that their token is no good. */
const refusals = once((seen) => {
  const known = users(seen);
  return seen.calls.filter(
    (call) => call.reply?.status === 401 && isAnswered(call) && !isLogin(call) && known.has(call.actor),
  );
});

/** Calls that were on their way when the refusal came are nobody's mistake. */
function usesRefusedToken(seen: Observation, refused: Call): Broken | undefined {
  const told = refused.reply;
  if (told === undefined) return undefined;
  const next = seen.calls.find(
    (call) => call.actor === refused.actor && call.t > told.t && !call.operation.startsWith('public-key'),
  );
  if (next === undefined || isLogin(next)) return undefined;
  const isRenewed = seen.calls.some(
    (call) => isLogin(call) && call.actor === refused.actor && call.n > refused.n && call.n < next.n,
  );
  if (isRenewed) return undefined;
  return {
    at: next.n,
    expected: 'a login before the next call',
    actual: `${next.operation} with the token that was refused`,
    evidence: [told.n],
  };
}

function laterLogins(seen: Observation): readonly Call[] {
  const known = new Set<string>();
  return seen.calls.filter((call) => {
    if (!isLogin(call)) return false;
    const isLater = known.has(call.actor);
    known.add(call.actor);
    return isLater;
  });
}

/** So long before its end a token may be replaced in advance. */
const EARLY_MS = 120_000;

function isNeedless(seen: Observation, login: Call): Broken | undefined {
  const token = seen.tokens.findLast(
    (one) => one.actor === login.actor && one.n < login.n && one.login !== undefined,
  );
  const before = token?.login;
  if (token === undefined || before === undefined || !isToldDone(before)) return undefined;
  const hasEnded = (token.expiresAt ?? 0) - EARLY_MS <= login.t;
  const isRefused = refusals(seen).some(
    (call) => call.actor === login.actor && (call.reply?.n ?? 0) > token.n && call.n < login.n,
  );
  const isNewProcess =
    seen.jobs.some(({ n }) => n > before.n && n < login.n) ||
    isKilledBetween(seen, login.actor, before.n, login.n);
  if (hasEnded || isRefused || isNewProcess) return undefined;
  return {
    at: login.n,
    expected: 'the token that is still valid',
    actual: 'another login',
    evidence: [token.n],
  };
}

const REFUSED: ReadonlySet<number> = new Set([401, 403]);

function refusedLogins(seen: Observation): readonly Call[] {
  return seen.calls.filter(
    (call) => isLogin(call) && isAnswered(call) && REFUSED.has(call.reply?.status ?? 0),
  );
}

const MINUTE_MS = 60_000;
const MOST_AGAIN = 2;

function isHammered(seen: Observation, login: Call): Broken | undefined {
  const again = refusedLogins(seen).filter(
    (call) => call.actor === login.actor && call.n > login.n && call.t < login.t + MINUTE_MS,
  );
  const tooMany = again[MOST_AGAIN];
  if (tooMany === undefined) return undefined;
  return {
    at: tooMany.n,
    expected: `at most ${MOST_AGAIN} more logins within a minute after a refusal`,
    actual: `${again.length} more`,
    evidence: [login.n, ...again.slice(0, MOST_AGAIN).map(({ n }) => n)],
  };
}

function givesUp(seen: Observation, refused: Call): Broken | undefined {
  const toldN = refused.reply?.n ?? refused.n;
  const jobs = jobsAt(seen, toldN).filter(({ actor }) => actor === refused.actor);
  const until = Math.max(...jobs.map(({ end }) => end?.n ?? Number.POSITIVE_INFINITY));
  if (jobs.length === 0 || jobs.some(({ outcome }) => outcome === 'killed')) return undefined;
  // A token that was fetched over an earlier refusal in the same job, and is refused again, may end it.
  const begin = Math.min(...jobs.map(({ n }) => n));
  const from = refusals(seen).find((call) => call.actor === refused.actor && call.n > begin)?.n ?? refused.n;
  const isBack = seen.calls.some(
    (call) => isLogin(call) && call.actor === refused.actor && call.n > from && call.n < until,
  );
  if (isBack) return undefined;
  return {
    at: toldN,
    expected: 'a login, and the job goes on',
    actual: 'the job ended without one',
    evidence: jobs.map(({ end }) => end?.n ?? toldN),
  };
}
