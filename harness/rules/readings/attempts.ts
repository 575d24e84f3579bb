/**
 * Attempts of jobs, one per backup resource. Of several attempts of one job the last one counts: what went wrong in
 * the others was made good by starting anew.
 */
import type { JobLife, Observation, ResourceLife } from '../observation.ts';
import { jobsBehind } from './jobs.ts';
import { once } from './once.ts';

export interface Attempt {
  readonly resource: ResourceLife;
  readonly job: JobLife;
  /** The job said that it succeeded, and this is what it succeeded with. */
  readonly counts: boolean;
}

/** Those of jobs that came to an end, and of whose job there is no doubt. */
export const attemptsOf = once((seen: Observation): readonly Attempt[] => {
  const found = seen.resources.flatMap((resource): Omit<Attempt, 'counts'>[] => {
    if (resource.actor === undefined || resource.running === undefined) return [];
    const [job, other] = jobsBehind(seen, resource);
    if (job === undefined || other !== undefined || job.operation !== resource.type) return [];
    return job.outcome === 'succeeds' || job.outcome === 'fails' ? [{ resource, job }] : [];
  });
  const last = new Map(found.map(({ resource, job }) => [job.job, resource.id]));
  return found.map(({ resource, job }) => ({
    resource,
    job,
    counts: job.outcome === 'succeeds' && last.get(job.job) === resource.id,
  }));
});
