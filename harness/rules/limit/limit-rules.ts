/** How often, how soon and how much an engine asks. */
import { judgeEach } from '../judging.ts';
import type { Call, Observation, TaskLife } from '../observation.ts';
import { callsOf, idAfter } from '../read-calls.ts';
import { numberOf, textOf } from '../read-json.ts';
import { isDuring, isHeard, jobsAt } from '../readings/jobs.ts';
import { once } from '../readings/once.ts';
import type { Rule } from '../rule-api.ts';

export const LIMIT_RULES: readonly Rule[] = [
  {
    id: 'LIMIT-1',
    title: 'waits before it repeats a call that was over the limit',
    level: 'must',
    clause: '429 says that the interface has had its share of calls. The call is repeated after a pause.',
    source: 'SCP OpenAPI 6.11.1, status 429; the length of the pause is assumed',
    fidelity: 'assumed',
    breaks:
      'The product keeps the limit reached, for itself and for everybody else who works with the platform.',
    evidence: 'the time between a reply 429 and the next call with the same operation, address and body',
    remedy:
      'Pause at least half a second, or as long as Retry-After says, and twice as long after each further refusal.',
    scenarios: ['S095-call-limit-reached'],
    mutants: ['repeats-at-once'],
    judge: (seen) => judgeEach(repeats(seen, [429]), hasty),
  },
  {
    id: 'LIMIT-2',
    title: 'waits before it repeats a call that failed at the platform',
    level: 'must',
    clause: '500 and 503 say that the platform cannot now. A call is repeated after a pause that grows.',
    source: 'SCP OpenAPI 6.11.1, status 500 and 503; the length of the pause is assumed',
    fidelity: 'assumed',
    breaks: 'A platform that is coming up again is kept down by those who wait for it.',
    evidence:
      'the time between a reply 500, 502, 503 or 504 and the next call with the same operation, address and body',
    remedy: 'Pause at least half a second and twice as long after each further failure, up to some seconds.',
    scenarios: ['S092-platform-unavailable-for-a-while'],
    mutants: ['repeats-at-once'],
    judge: (seen) => judgeEach(repeats(seen, [500, 502, 503, 504]), hasty),
  },
  {
    id: 'LIMIT-3',
    title: 'asks for a task at most four times a second',
    level: 'should',
    clause: 'A task is asked for every half second to every few seconds, less often the longer it takes.',
    source: 'Clients of the platform: they poll every 0.5 to 3 seconds',
    fidelity: 'observed',
    breaks:
      "A night with many servers spends the platform's capacity on questions, and reaches the call limit.",
    evidence: 'rest.request tasks.get for one task within one second',
    remedy: 'Begin with a quarter of a second, and grow the pause by half each time, up to three seconds.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['polls-without-pause'],
    judge: (seen) =>
      judgeEach([...pollsOf(seen).values()], (polls) => {
        const crowd = polls.find((poll, at) => (polls[at + MOST_POLLS]?.t ?? Infinity) - poll.t < 1000);
        return crowd === undefined
          ? undefined
          : {
              at: crowd.n,
              expected: `at most ${MOST_POLLS} questions for one task in a second`,
              actual: `${polls.filter(({ t }) => t >= crowd.t && t < crowd.t + 1000).length}`,
              evidence: polls
                .filter(({ n }) => n > crowd.n)
                .slice(0, 2)
                .map(({ n }) => n),
            };
      }),
  },
  {
    id: 'LIMIT-4',
    title: 'asks for pages of at most 100',
    level: 'should',
    clause: 'page_size is 100 when nothing is said, and at most 100.',
    source: 'SCP OpenAPI 6.11.1, list parameters',
    fidelity: 'documented',
    breaks:
      'A platform that takes the limit seriously refuses the call, or answers 100 items that are taken for all.',
    evidence: 'page_size in the query of rest.request',
    remedy: 'Ask for 100, and follow next_page_num until it is empty.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['asks-for-pages-of-a-thousand'],
    judge: (seen) =>
      judgeEach(
        seen.calls.filter(({ query }) => query['page_size'] !== undefined),
        ({ n, query, operation }) =>
          (numberOf(query, 'page_size') ?? 0) <= MOST_ITEMS
            ? undefined
            : {
                at: n,
                expected: `page_size up to ${MOST_ITEMS}`,
                actual: `${textOf(query, 'page_size') ?? ''} in ${operation}`,
              },
      ),
  },
  {
    id: 'LIMIT-5',
    title: 'does not repeat a change at once that was refused',
    level: 'must',
    clause:
      '400, 403 and 409 say that the call is wrong, or that something is in its way. Either it is given up, or it is repeated after a pause.',
    source: 'SCP OpenAPI 6.11.1, status codes; the length of the pause is assumed',
    fidelity: 'assumed',
    breaks:
      "A busy server is asked a thousand times in a minute, and the platform's log has nothing else in it.",
    evidence: 'the time between a reply 400, 403 or 409 to POST, PUT or DELETE and the same call again',
    remedy:
      'Wait some seconds where the refusal asks for patience, with a bound; report it where it does not.',
    scenarios: ['S027-server-busy-with-a-task'],
    mutants: ['insists-without-pause'],
    judge: (seen) =>
      judgeEach(
        repeats(seen, [400, 403, 409]).filter(({ before }) => before.method !== 'GET'),
        hasty,
      ),
  },
  {
    id: 'LIMIT-6',
    title: 'asks how each task ended that it has started',
    level: 'should',
    clause: 'A call that starts a task has only been accepted. Whether and why it failed, the task says.',
    source: 'SCP guide, tasks',
    fidelity: 'documented',
    breaks: 'A failure shows up steps later, as something else, and its reason is lost.',
    evidence:
      'rest.request tasks.get or tasks.list after the end of every task that the engine has started, in jobs that succeeded; renewals are left out',
    remedy:
      'Keep the task_id of every answer and poll it until it is finished or has failed; put its description into the error.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['asks-for-no-task'],
    judge: (seen) =>
      judgeEach(startedTasks(seen), ({ task, call }) => {
        const polls = pollsOf(seen).get(task.task) ?? [];
        const isAsked = polls.some((poll) => isEnded(poll) || !isHeard(seen, poll) || isRefused(poll));
        const isListed = callsOf(seen, 'tasks.list').some(({ n }) => n > (task.end?.n ?? 0));
        return isAsked || isListed
          ? undefined
          : {
              at: call.n,
              expected: `the end of task ${task.action} asked for`,
              actual: 'nobody asked until the job was over',
              evidence: [task.n],
            };
      }),
  },
  {
    id: 'LIMIT-7',
    title: 'stays below 600 reading and 100 changing calls a minute per interface',
    level: 'should',
    clause: 'A caller may read 600 times and change 100 times in a minute, per interface.',
    source: "A public client's comment on status 429",
    fidelity: 'observed',
    breaks: 'Jobs run well one by one and fail when many begin together.',
    evidence: 'rest.request per operation and actor within any minute',
    remedy: 'One limiter for the whole product; poll less often when more jobs run.',
    scenarios: ['S001-full-backup-and-restore', 'S045-eight-servers-over-two-proxies'],
    mutants: ['polls-without-pause'],
    judge: (seen) =>
      judgeEach([...callsByInterface(seen).values()], (calls) => {
        const most = calls[0]?.method === 'GET' ? MOST_READS : MOST_CHANGES;
        const crowd = calls.find((call, at) => (calls[at + most]?.t ?? Infinity) - call.t < 60_000);
        return crowd === undefined
          ? undefined
          : {
              at: crowd.n,
              expected: `at most ${most} calls of ${crowd.operation} in a minute`,
              actual: `${calls.filter(({ t }) => t >= crowd.t && t < crowd.t + 60_000).length}`,
            };
      }),
  },
];

/** Less than any pause that deserves the name; a repeat that comes sooner did not wait at all. */
const BACK_OFF_MS = 200;
const MOST_POLLS = 4;
const MOST_ITEMS = 100;
const MOST_READS = 600;
const MOST_CHANGES = 100;

interface Repeat {
  readonly before: Call;
  readonly call: Call;
  /** The repeat before this one came as soon. */
  readonly isOneOfMany: boolean;
}

/** Calls that repeat one which was answered with one of these, in the same job. */
function repeats(seen: Observation, statuses: readonly number[]): readonly Repeat[] {
  const isMeant = ({ reply }: Call): boolean => statuses.includes(reply?.status ?? 0);
  if (!seen.calls.some(isMeant)) return [];
  return [...sameCalls(seen).values()].flatMap((calls) =>
    calls.flatMap((call, at) => {
      const before = calls[at - 1];
      if (before === undefined || !isMeant(before)) return [];
      const earlier = calls[at - 2];
      const isOneOfMany = earlier !== undefined && pauseBetween(earlier, before) < BACK_OFF_MS;
      return isInOneJob(seen, before, call) ? [{ before, call, isOneOfMany }] : [];
    }),
  );
}

/** Two jobs may each make the same call for the first time. */
function isInOneJob(seen: Observation, before: Call, call: Call): boolean {
  const [job, other] = jobsAt(seen, call.n).filter(({ actor }) => actor === call.actor);
  return (
    other === undefined && job !== undefined && isDuring(job, before.n) && call.n > (before.reply?.n ?? 0)
  );
}

const sameCalls = once(
  (seen: Observation): ReadonlyMap<string, readonly Call[]> =>
    Map.groupBy(seen.calls, ({ actor, operation, path, query, body }) =>
      JSON.stringify([actor, operation, path, query, body ?? null]),
    ),
);

function pauseBetween(before: Call, call: Call): number {
  return call.t - (before.reply?.t ?? call.t);
}

/** One that comes at once may have another reason: what failed is also asked for when a job cleans up. */
function hasty({ before, call, isOneOfMany }: Repeat) {
  const pauseMs = pauseBetween(before, call);
  return pauseMs >= BACK_OFF_MS || !isOneOfMany
    ? undefined
    : {
        at: call.n,
        expected: `a pause of at least ${BACK_OFF_MS} ms after ${before.reply?.status ?? 0}`,
        actual: `${before.operation} again after ${pauseMs} ms, not for the first time`,
        evidence: [before.reply?.n ?? before.n],
      };
}

/** By task. */
const pollsOf = once(
  (seen: Observation): ReadonlyMap<string, readonly Call[]> =>
    Map.groupBy(callsOf(seen, 'tasks.get'), (call) => idAfter(call, 'tasks') ?? ''),
);

const callsByInterface = once(
  (seen: Observation): ReadonlyMap<string, readonly Call[]> =>
    Map.groupBy(seen.calls, ({ actor, operation }) => `${actor} ${operation}`),
);

const ENDED: ReadonlySet<string> = new Set(['finish', 'failure', 'canceled']);

function isEnded({ reply }: Call): boolean {
  return ENDED.has(textOf(reply?.data, 'status') ?? '');
}

function isRefused({ reply }: Call): boolean {
  return (reply?.status ?? 0) >= 400;
}

interface StartedTask {
  readonly task: TaskLife;
  readonly call: Call;
}

/** Tasks of which the engine was told, in a job that succeeded after their end. */
function startedTasks(seen: Observation): readonly StartedTask[] {
  return [...seen.tasks.values()].flatMap((task) => {
    const { call, end } = task;
    if (call === undefined || end === undefined || call.operation === 'backup-resources.renew') return [];
    const jobs = jobsAt(seen, call.n).filter(({ actor }) => actor === call.actor);
    const isOver = jobs.length === 1 && jobs[0]?.outcome === 'succeeds' && (jobs[0].end?.n ?? 0) > end.n;
    return isOver && isHeard(seen, call) ? [{ task, call }] : [];
  });
}
