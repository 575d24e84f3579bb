/** Keeping a lock alive. */
import { judgeEach, type Broken } from '../judging.ts';
import type { Call, Moment, NbdRequest, Observation, ResourceLife } from '../observation.ts';
import { isHindered } from '../readings/hindrance.ts';
import { isDuring, isHeard, isKilledBetween, jobsBehind } from '../readings/jobs.ts';
import type { Rule } from '../rule-api.ts';
import { heldLocks, type ToldEnd, toldEnds } from './told-end.ts';

const GUIDE =
  'workflow of VM backups, step 2 (renewal every 1-2 minutes); SCP 6.11.3 guide, backup resources';

export const RENEWAL_RULES: readonly Rule[] = [
  {
    id: 'LOCK-1',
    title: 'renews a backup resource at latest every two minutes',
    level: 'must',
    clause: 'Renewal is recommended every one to two minutes, whatever the lock time is.',
    source: GUIDE,
    fidelity: 'documented',
    breaks:
      'One renewal that is late or lost, and the platform deletes the resource: the backup is cut off in the midst.',
    evidence: 'times of the backup-resources.renew calls while the resource is running',
    remedy: 'Renew from a timer of its own, once a minute, from the moment at which the resource is running.',
    scenarios: ['S007-day-long-job', 'S016-token-expires-in-mid-job'],
    mutants: ['renews-every-five-minutes'],
    judge: (seen) => judgeEach(longLocks(seen), (lock) => pausesTooLong(seen, lock)),
  },
  {
    id: 'LOCK-2',
    title: 'renews before the lock time is over',
    level: 'must',
    clause: 'A resource whose remaining time is below zero is deleted, and the backup that uses it is ended.',
    source: GUIDE,
    fidelity: 'documented',
    breaks: 'The job loses its data path in the midst of a disk and everything it has read.',
    evidence: 'state of the backup resource that becomes expired while the job that made it is at work',
    remedy: 'Renew when two thirds of the time are left, and again at once when a renewal was not answered.',
    scenarios: ['S007-day-long-job', 'S008-lease-shorter-than-one-read'],
    mutants: ['never-renews', 'renews-between-blocks'],
    judge: (seen) => judgeEach(renewable(seen), (lock) => runsOut(seen, lock)),
  },
  {
    id: 'LOCK-3',
    title: 'renews while a read is under way',
    level: 'must',
    clause:
      'The lock time passes whether or not data flows; one read of a slow disk may last longer than it.',
    source: GUIDE,
    fidelity: 'documented',
    breaks: 'A storage that is slow for some minutes ends the backup, though nothing is broken.',
    evidence: 'nbd.request that stay without a reply for long, and the renewals meanwhile',
    remedy: 'Renew from a task of its own, never between two blocks.',
    scenarios: ['S008-lease-shorter-than-one-read'],
    mutants: ['never-renews', 'renews-between-blocks'],
    needs: ['nbd'],
    judge: (seen) => judgeEach(longReads(seen), (read) => isForgotten(seen, read)),
  },
  {
    id: 'LOCK-4',
    title: 'never renews a lock of which it was told that it has ended',
    level: 'must',
    clause: 'An expired resource is deleted. It can not be renewed; a new one has another id.',
    source: GUIDE,
    fidelity: 'documented',
    breaks: 'The product believes that it holds a server that another product holds by now.',
    evidence: 'rest.reply that says expired or 404, and backup-resources.renew of the same id after it',
    remedy:
      'Stop the timer at the first answer that says so, and take everything read under that lock for lost.',
    scenarios: ['S011-renewal-comes-too-late', 'S012-expiry-right-after-renewal'],
    mutants: ['renews-a-lost-lock'],
    judge: (seen) => judgeEach(toldEnds(seen), renewsAnyway),
  },
  {
    id: 'LOCK-5',
    title: 'asks the platform when a renewal was not answered, before it gives the lock up',
    level: 'must',
    clause: 'Without an answer nobody knows whether the renewal was taken in; the remaining time tells.',
    source: 'SCP OpenAPI 6.11.1, backup-resources (remain_time)',
    fidelity: 'assumed',
    breaks: 'One lost packet ends a backup of many hours.',
    evidence: 'backup-resources.renew without an answer, and the next call that names the same resource',
    remedy: 'Read the resource back, or renew again; only its status or its deadline decide.',
    scenarios: ['S009-renewal-answers-lost', 'S010-renewal-requests-lost'],
    mutants: ['lost-answer-means-lost-lock'],
    judge: (seen) => judgeEach(unansweredRenewals(seen), ([call, lock]) => givesUp(seen, call, lock)),
  },
];

const LONGEST_PAUSE_MS = 120_000;
/** An answer may take its time, and clocks of machines differ. */
const TOLERANCE_MS = 10_000;

/** From the moment at which it could be read until the engine let go of it, lost it, or died. */
function spanOf(seen: Observation, lock: ResourceLife): { readonly from: Moment; readonly to: Moment } {
  const from = lock.running ?? lock;
  const jobs = jobsBehind(seen, lock);
  // A job that died while the platform still prepared the lock never had it.
  if (jobs.length > 0 && jobs.every(({ end }) => end !== undefined && end.n < from.n))
    return { from, to: from };
  const ends: readonly (Moment | undefined)[] = [
    lock.deletedBy[0],
    lock.end,
    toldEnds(seen).find(({ resource }) => resource === lock),
    ...jobs.map(({ end }) => end),
    seen.end,
  ];
  const known = ends.filter((moment) => moment !== undefined && moment.n >= from.n);
  return {
    from,
    to: known.reduce((first, moment) => ((moment?.n ?? 0) < (first?.n ?? 0) ? moment : first)) ?? from,
  };
}

/** Of a lock whose making was not heard of the engine knows only when it names it later. */
function isKnownOf(seen: Observation, { id, actor, createdBy }: ResourceLife): boolean {
  if (createdBy === undefined || isHeard(seen, createdBy)) return true;
  return seen.calls.some((call) => call.actor === actor && call.segments.includes(id));
}

function longLocks(seen: Observation): readonly ResourceLife[] {
  return heldLocks(seen).filter((lock) => {
    if (!isKnownOf(seen, lock)) return false;
    const { from, to } = spanOf(seen, lock);
    return to.t - from.t > LONGEST_PAUSE_MS + TOLERANCE_MS || lock.renewedBy.length > 0;
  });
}

function pausesTooLong(seen: Observation, lock: ResourceLife): Broken | undefined {
  const { from, to } = spanOf(seen, lock);
  const marks = [from, ...lock.renewedBy.filter(({ n }) => n > from.n && n < to.n), to];
  for (const [at, mark] of marks.entries()) {
    const before = marks[at - 1];
    if (before === undefined || mark.t - before.t <= LONGEST_PAUSE_MS + TOLERANCE_MS) continue;
    const seconds = Math.round((mark.t - before.t) / 1000);
    return {
      at: mark.n,
      expected: `a renewal at latest every ${LONGEST_PAUSE_MS / 1000} s`,
      actual: `none for ${seconds} s`,
      evidence: [before.n],
    };
  }
  return undefined;
}

/** Locks that would not have lasted as long as they were needed. */
function renewable(seen: Observation): readonly ResourceLife[] {
  return heldLocks(seen).filter((lock) => lock.renewedBy.length > 0 || lock.endedAs === 'expired');
}

function runsOut(seen: Observation, lock: ResourceLife): Broken | undefined {
  const { end, endedAs, running } = lock;
  if (end === undefined || endedAs !== 'expired' || running === undefined) return undefined;
  const isNeeded = jobsBehind(seen, lock).some((job) => job.end === undefined || job.end.n > end.n);
  const isGivenUp = lock.deletedBy.some(({ n }) => n < end.n);
  if (!isNeeded || isGivenUp || isExcused(seen, lock, end)) return undefined;
  return {
    at: end.n,
    expected: 'a renewal before the lock time is over',
    actual: `the lock runs out ${Math.round((end.t - lastHold(lock).t) / 1000)} s after its last renewal`,
    evidence: [lastHold(lock).n],
  };
}

/** Since it last held, a planned fault kept the engine busy or struck the lock, or the platform turned the engine away. */
function isExcused(seen: Observation, lock: ResourceLife, end: Moment): boolean {
  const last = lastHold(lock);
  const isStruck = isHindered(seen, { actor: lock.actor, from: last, to: end });
  const isLeaseFault = seen.faults.some(
    ({ n, on }) =>
      n >= last.n && n <= end.n && (on === 'lease' || on === 'backup-resources.renew' || on === 'world'),
  );
  // Somebody has ended it before its time.
  const isCutShort = end.t < last.t + lockTimeOf(lock) * 1000;
  return (
    isStruck ||
    isLeaseFault ||
    isCutShort ||
    isTurnedAway(seen, lock, end) ||
    isKilledBetween(seen, lock.actor, last.n, end.n)
  );
}

/**
 * The limit of calls kept the engine from renewing, or from knowing, to the end: the last renewal shortly before it, or
 * the last call about the lock at all, met that limit. An engine that was answered otherwise after that, or asked no
 * more, had its chance; but a look that is answered well does not make up for a renewal that is not.
 */
function isTurnedAway(seen: Observation, lock: ResourceLife, end: Moment): boolean {
  const asks = seen.calls.filter(
    (call) => call.n <= end.n && end.t - call.t <= longestPauseMs(lock) && asksAbout(call, lock),
  );
  const lastRenewal = asks.findLast(({ operation }) => operation === 'backup-resources.renew');
  return [asks.at(-1), lastRenewal].some((call) => call?.reply?.status === TOO_MANY_CALLS);
}

/** Tells the engine whether the lock holds: a renewal, or a look at it. */
function asksAbout({ segments, operation }: Call, { id }: ResourceLife): boolean {
  return (
    segments.includes(id) && (operation === 'backup-resources.get' || operation === 'backup-resources.renew')
  );
}

/** HTTP status of a call beyond the limit of the interface. What fails on the platform's side is a hindrance anyway. */
const TOO_MANY_CALLS = 429;

function lockTimeOf({ renewals, lockTimeSeconds }: ResourceLife): number {
  return renewals.at(-1)?.lockTimeSeconds ?? lockTimeSeconds;
}

function lastHold({ running, renewals, n, t }: ResourceLife): Moment {
  return renewals.at(-1) ?? running ?? { n, t };
}

interface LongRead {
  readonly read: NbdRequest;
  readonly lock: ResourceLife;
}

/** Two minutes, or half of a shorter lock time, and what is forgiven. */
function longestPauseMs({ lockTimeSeconds }: ResourceLife): number {
  return Math.min(LONGEST_PAUSE_MS, lockTimeSeconds * 500) + TOLERANCE_MS;
}

/** Reads that wait for longer than a lock may stay without a renewal. */
function longReads(seen: Observation): readonly LongRead[] {
  return seen.connections.flatMap(({ resource, requests, end }) => {
    if (resource === undefined) return [];
    const over = longestPauseMs(resource);
    return requests
      .filter((read) => (read.reply ?? end ?? seen.end).t - read.t > over)
      .map((read) => ({ read, lock: resource }));
  });
}

function isForgotten(seen: Observation, { read, lock }: LongRead): Broken | undefined {
  const { to } = spanOf(seen, lock);
  const untilN = Math.min(read.reply?.n ?? to.n, to.n);
  const until = Math.min(read.reply?.t ?? to.t, to.t);
  const isShort = until - read.t <= longestPauseMs(lock);
  if (isShort || lock.renewedBy.some(({ n }) => n > read.n && n < untilN)) return undefined;
  return {
    at: read.n,
    expected: 'renewals go on while the read waits',
    actual: `none for the ${Math.round((until - read.t) / 1000)} s that it took`,
    evidence: [lock.running?.n ?? lock.n],
  };
}

function renewsAnyway({ resource, by, n, t }: ToldEnd): Broken | undefined {
  const after = resource.renewedBy.find((call) => call.n > n && call.t > t);
  if (after === undefined) return undefined;
  return {
    at: after.n,
    expected: 'no renewal of a lock that has ended',
    actual: 'it is renewed',
    evidence: [by.n, n],
  };
}

function unansweredRenewals(seen: Observation): readonly (readonly [Call, ResourceLife])[] {
  return heldLocks(seen).flatMap((lock) =>
    lock.renewedBy
      .filter(({ reply }) => reply === undefined || reply.isLost || reply.status === 0)
      .map((call) => [call, lock] as const),
  );
}

/** Let go of because the work was done, not given up: its job succeeds without another lock. */
function hasServed(seen: Observation, { id, n, actor, server }: ResourceLife): boolean {
  const jobs = jobsBehind(seen, { n, actor, server });
  return (
    jobs.length > 0 &&
    jobs.every(
      (job) =>
        job.outcome === 'succeeds' &&
        !seen.resources.some(
          (other) =>
            other.id !== id &&
            other.server === server &&
            other.actor === actor &&
            other.n > n &&
            isDuring(job, other.n),
        ),
    )
  );
}

function givesUp(seen: Observation, renewal: Call, lock: ResourceLife): Broken | undefined {
  const given = lock.deletedBy.find(({ n }) => n > renewal.n);
  if (given === undefined || isKilledBetween(seen, renewal.actor, renewal.n, given.n)) return undefined;
  if (hasServed(seen, lock)) return undefined;
  const hasAsked = seen.calls.some((call) => call.n > renewal.n && call.n < given.n && asksAbout(call, lock));
  if (hasAsked) return undefined;
  return {
    at: given.n,
    expected: 'a look at the resource, or another renewal',
    actual: 'the lock is given up',
    evidence: [renewal.n],
  };
}
