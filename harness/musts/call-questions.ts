/** Questions that several properties ask of calls and jobs. */
import { API_ERRORS, type ApiErrorCode } from '../../src/contract/errors.ts';
import type { Call, JobLife, Moment } from '../rules/observation.ts';

/** The call was refused with this error of the catalogue, or told of it. */
export function messageIs({ reply }: Call, code: ApiErrorCode): boolean {
  return reply?.message.startsWith(API_ERRORS[code].message) === true;
}

/** Between the beginning and the end of the job; one that goes on has none. */
export function isWithin({ n }: Pick<Moment, 'n'>, job: JobLife): boolean {
  return n > job.n && n < (job.end?.n ?? Number.POSITIVE_INFINITY);
}
