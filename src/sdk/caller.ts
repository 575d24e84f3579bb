/** One call of the platform: authenticated, repeated where that is safe, its envelope opened. */
import { type OperationName, operationOf, operationPath } from '../contract/operations.ts';
import { type Clock, sleep } from '../kernel/clock.ts';
import type { IdSource } from '../kernel/ids.ts';
import type { Json } from '../kernel/journal.ts';
import type { Authenticator } from './authenticator.ts';
import {
  type HttpRequest,
  type HttpResponse,
  type HttpTransport,
  TransportError,
  UntrustedPeer,
} from './http-transport.ts';
import { parseEnvelope } from './parse-envelope.ts';
import { DamagedAnswer } from './protocol-error.ts';
import { ScpError } from './scp-error.ts';

export interface CallSpec {
  /** What fills the `{...}` of the path. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: Json;
}

/** How stubbornly a call is repeated. */
export interface RetryPolicy {
  /** Repeats after an answer that never came, or came damaged. */
  readonly afterSilence: number;
  /** Repeats after 429, 500, 502, 503 and 504. */
  readonly afterDelay: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  afterSilence: 4,
  afterDelay: 6,
  firstDelayMs: 500,
  maxDelayMs: 15_000,
};

/** For calls whose caller decides itself what a failure means. */
export const NO_RETRY: RetryPolicy = { afterSilence: 0, afterDelay: 0, firstDelayMs: 500, maxDelayMs: 500 };

export interface CallerOptions {
  readonly transport: HttpTransport;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly ids: IdSource;
}

export interface CallContext {
  readonly signal?: AbortSignal | undefined;
  readonly retry: RetryPolicy;
}

/** Makes a call of the contract and returns the answer's `data`. */
export type Call = (operation: OperationName, spec: CallSpec, context: CallContext) => Promise<unknown>;

/** A request that is ready but for its login. */
interface Draft {
  readonly request: HttpRequest;
  readonly isAnonymous: boolean;
}

/**
 * Returns the function that makes calls. The client token is drawn once per call, so a repeat after a lost reply
 * gets the first attempt's result instead of a second effect.
 * @source SCP OpenAPI 6.11.1, X-Client-Token
 */
export function createCaller(options: CallerOptions): Call {
  return async (operation, spec, context) => {
    const draft = draftOf(operation, spec, options.ids);
    const failures: Failures = { silent: 0, delayed: 0 };
    for (;;) {
      try {
        const response = await sendWithLogin(options, draft, context.signal);
        return parseEnvelope(operation, response, options.transport.parseJson);
      } catch (error) {
        const delayMs = nextDelayMs(error, failures, context.retry);
        if (delayMs === undefined || context.signal?.aborted) throw error;
        await sleep(options.clock, delayMs, context.signal);
      }
    }
  };
}

function draftOf(operation: OperationName, spec: CallSpec, ids: IdSource): Draft {
  const { method, access } = operationOf(operation);
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (method === 'POST' || method === 'PUT') headers['X-Client-Token'] = ids.uuid();
  const request = {
    method,
    path: `${operationPath(operation, spec.params)}${queryText(spec.query)}`,
    headers,
    ...(spec.body === undefined ? {} : { body: JSON.stringify(spec.body) }),
  };
  return { request, isAnonymous: access === 'none' };
}

interface Failures {
  silent: number;
  delayed: number;
}

/** Milliseconds to wait before the next attempt, or `undefined` when there is none. Counts the failure. */
function nextDelayMs(error: unknown, failures: Failures, policy: RetryPolicy): number | undefined {
  if (error instanceof UntrustedPeer) return undefined;
  if (error instanceof TransportError || error instanceof DamagedAnswer) {
    const attempt = failures.silent++;
    return attempt < policy.afterSilence ? backOffMs(attempt, policy) : undefined;
  }
  if (error instanceof ScpError && isTransient(error)) {
    const attempt = failures.delayed++;
    if (attempt >= policy.afterDelay) return undefined;
    return Math.max(backOffMs(attempt, policy), Math.min((error.retryAfterSeconds ?? 0) * 1000, 60_000));
  }
  return undefined;
}

/** A 400 that asks for patience (a busy server) is left to the caller, who knows how long the wait may be. */
function isTransient(error: ScpError): boolean {
  return error.retry === 'after-delay' && error.status !== 400;
}

function backOffMs(attempt: number, policy: RetryPolicy): number {
  return Math.min(policy.firstDelayMs * 2 ** attempt, policy.maxDelayMs);
}

/** After a 401 the login is renewed and the request repeated, once. */
async function sendWithLogin(
  { transport, authenticator }: CallerOptions,
  { request, isAnonymous }: Draft,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  if (isAnonymous) return transport.send(request, signal);
  const first = await authenticator.headers(request);
  const response = await transport.send(withHeaders(request, first), signal);
  if (response.status !== 401) return response;
  authenticator.rejected(first);
  const second = await authenticator.headers(request);
  const repeated = await transport.send(withHeaders(request, second), signal);
  // Refused again: whoever calls next begins with a login of its own, not with what is known to be void.
  if (repeated.status === 401) authenticator.rejected(second);
  return repeated;
}

function withHeaders(request: HttpRequest, headers: Readonly<Record<string, string>>): HttpRequest {
  return { ...request, headers: { ...request.headers, ...headers } };
}

function queryText(query: CallSpec['query']): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`],
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
