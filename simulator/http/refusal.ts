/** Errors as the product answers them: one place that renders both envelopes. */
import { type EnvelopeVersion, errorEnvelope, successEnvelope } from '../../src/contract/envelope.ts';
import { ApiError } from '../../src/contract/errors.ts';
import type { Operation } from '../../src/contract/operation.ts';
import type { Json } from '../../src/kernel/journal.ts';
import type { Reply } from './call.ts';

/** A refusal that a planned fault asked for; its status need not be one of the product's. */
export class InjectedError extends Error {
  override readonly name = 'InjectedError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** `operation` is undefined where no route matched. */
export function refusalOf(envelope: EnvelopeVersion, error: unknown, operation?: Operation): Reply {
  if (error instanceof InjectedError) return refuse(envelope, error.status, error.message);
  if (error instanceof ApiError) return refuse(envelope, statusOf(error, operation), error.message);
  return refuse(envelope, 500, new ApiError('INTERNAL', String(error)).message);
}

/** Where 404 is not documented for a call, an unknown server or snapshot is a bad parameter. @fidelity assumed */
function statusOf(error: ApiError, operation: Operation | undefined): number {
  return error.code === 'NOT_FOUND' && operation?.hasNotFound === false ? 400 : error.status;
}

const refuse = (envelope: EnvelopeVersion, status: number, message: string): Reply => ({
  status,
  body: errorEnvelope(envelope, status, message),
});

/** The documented status, except that a 204 cannot carry the task id that it is documented with. */
export function acceptanceOf(
  envelope: EnvelopeVersion,
  operation: Operation,
  data: Json,
  isStrict204: boolean,
): Reply {
  if (operation.success !== 204) return { status: operation.success, body: successEnvelope(envelope, data) };
  return isStrict204
    ? { status: 204, body: undefined }
    : { status: 200, body: successEnvelope(envelope, data) };
}
