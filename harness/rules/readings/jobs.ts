/** Which job something belongs to. */
import type { Call, JobLife, Observation } from '../observation.ts';

export function isDuring({ n: begin, end }: JobLife, n: number): boolean {
  return begin <= n && (end === undefined || n <= end.n);
}

/** Jobs of any engine that go on at this position. */
export function jobsAt(seen: Observation, n: number): readonly JobLife[] {
  return seen.jobs.filter((job) => isDuring(job, n));
}

/** Whether the process of this engine (of any, where it is not known whose) was killed between two positions. */
export function isKilledBetween(
  seen: Observation,
  actor: string | undefined,
  from: number,
  to: number,
): boolean {
  return seen.jobs.some(
    ({ outcome, end, actor: whose }) =>
      outcome === 'killed' &&
      end !== undefined &&
      end.n >= from &&
      end.n <= to &&
      (actor === undefined || whose === actor),
  );
}

/** The engine has surely had the answer: nothing was done to it on its way, and the engine lived. */
export function isHeard(seen: Observation, { n, actor, reply, faults }: Call): boolean {
  if (reply === undefined || reply.isLost || reply.status === 0 || faults.length > 0) return false;
  return !isKilledBetween(seen, actor, n, reply.n);
}

/**
 * Jobs of the engine that made a thing which were at work then, and on its server where that is known. Several when
 * jobs run side by side and nothing tells them apart.
 */
export function jobsBehind(
  seen: Observation,
  made: { readonly n: number; readonly actor: string | undefined; readonly server: string },
): readonly JobLife[] {
  const possible = jobsAt(seen, made.n).filter(({ actor }) => actor === made.actor);
  const fitting = possible.filter(({ server }) => server === made.server);
  return fitting.length > 0 ? fitting : possible;
}
