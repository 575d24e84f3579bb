/** The body of a request as JSON. */
import { ApiError } from '../../src/contract/errors.ts';
import type { Json } from '../../src/kernel/journal.ts';
import { headerOf, type RawCall } from './call.ts';

/**
 * `undefined` when there is none; the body of a GET does not count.
 * @throws INVALID_PARAMETER for another content type, MALFORMED_BODY
 */
export function parseBody(call: RawCall): Json | undefined {
  if (call.method === 'GET' || call.body.length === 0) return undefined;
  const type = headerOf(call, 'content-type') ?? '';
  if (!/^application\/json\b/i.test(type))
    throw new ApiError('INVALID_PARAMETER', 'Content-Type: must be application/json');
  try {
    return JSON.parse(Buffer.from(call.body).toString('utf8')) as Json;
  } catch {
    throw new ApiError('MALFORMED_BODY');
  }
}

/** The same where a refusal comes later or does not matter. */
export function parseBodyOrNothing(call: RawCall): Json | undefined {
  try {
    return parseBody(call);
  } catch {
    return undefined;
  }
}
