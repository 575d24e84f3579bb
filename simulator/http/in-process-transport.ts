/** The product's API for a client in the same process: no socket, no thread, the same bytes. */
import type { FastifyInstance } from 'fastify';
import {
  type HttpRequest,
  type HttpResponse,
  type HttpTransport,
  type ParseJson,
  TransportError,
} from '../../src/sdk/http-transport.ts';
import type { DirectDoor } from './direct-door.ts';

/**
 * `send` rejects with `TransportError` where the connection ended without an answer, and with the signal's reason.
 * With a `door` the server is asked only for what that does not take. `parseJson`: how clients are to read the answers.
 */
export function createInProcessTransport(
  server: () => FastifyInstance,
  door?: DirectDoor,
  parseJson?: ParseJson,
): HttpTransport {
  const ask = (request: HttpRequest): Promise<HttpResponse> =>
    door?.(request)?.then(unlessLost) ?? inject(server(), request);
  return {
    send: async (request, signal) => {
      signal?.throwIfAborted();
      return unlessAborted(ask(request), signal);
    },
    close: async () => undefined,
    parseJson,
  };
}

function unlessLost(answer: HttpResponse | 'lost'): HttpResponse {
  if (answer === 'lost') throw new TransportError(NO_ANSWER);
  return answer;
}

const NO_ANSWER = 'the connection ended without an answer';

async function inject(app: FastifyInstance, request: HttpRequest): Promise<HttpResponse> {
  try {
    const response = await app.inject({
      method: request.method,
      url: request.path,
      headers: { ...request.headers },
      ...(request.body === undefined ? {} : { payload: request.body }),
    });
    const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
    return { status: response.statusCode, headers: Object.fromEntries(headers), body: response.body };
  } catch (error) {
    throw new TransportError(NO_ANSWER, { cause: error });
  }
}

/** An abort ends the waiting, not the call: the server may well carry it out. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
