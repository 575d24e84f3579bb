/** Reads of a live platform: those for which the SDK has a method, and any other GET of the contract. */
import type { OperationName } from '../../src/contract/operations.ts';
import { operationPath } from '../../src/contract/operations.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { IdSource } from '../../src/kernel/ids.ts';
import { createKeyAuthenticator, createTokenAuthenticator } from '../../src/sdk/authenticator.ts';
import { createCaller, DEFAULT_RETRY } from '../../src/sdk/caller.ts';
import type { HttpRequest, HttpResponse, HttpTransport } from '../../src/sdk/http-transport.ts';
import { createPasswordLogin } from '../../src/sdk/password-login.ts';
import { createScpClient } from '../../src/sdk/scp-client.ts';
import type { ScpClient } from '../../src/sdk/scp-client-api.ts';
import { isNotFound } from '../../src/sdk/scp-error.ts';
import type { Credentials } from '../../src/engine/engine-api.ts';
import type { LiveLook } from './guard.ts';

export interface LiveAccess {
  readonly transport: HttpTransport;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly ids: IdSource;
}

/** Logins are the only calls that it makes besides GET. */
export function readOnly(transport: HttpTransport): HttpTransport {
  return {
    send(request, signal) {
      const isLogin = request.method === 'POST' && /^\/janus\/(?:v2\/)?authenticate$/.test(request.path);
      if (request.method !== 'GET' && !isLogin)
        return Promise.reject(new RangeError(`${request.method} ${request.path} is no read`));
      return transport.send(request, signal);
    },
    close: () => transport.close(),
  };
}

export function createReadingClient(access: LiveAccess): ScpClient {
  return createScpClient({ ...access, transport: readOnly(access.transport) });
}

export function createLook(client: ScpClient): LiveLook {
  return {
    snapshotName: (serverId, snapshotId) =>
      unlessGone(async () => (await client.snapshots(serverId)).find(({ id }) => id === snapshotId)?.name),
    serverName: (serverId) => unlessGone(async () => (await client.serverById(serverId))?.name),
  };
}

async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Sends a GET with the login, and hands out whatever comes back. @throws TransportError */
export type RawGet = (
  operation: OperationName,
  options?: {
    readonly params?: Readonly<Record<string, string>>;
    readonly query?: Readonly<Record<string, string | number>>;
    /** One of several dated paths. */
    readonly date?: string;
  },
) => Promise<HttpResponse>;

export function createRawGet(access: LiveAccess): RawGet {
  const transport = readOnly(access.transport);
  const authenticator = authenticatorOf({ ...access, transport });
  return async (operation, { params = {}, query = {}, date } = {}) => {
    const asked = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const tail = asked.size === 0 ? '' : `?${asked.toString()}`;
    const path = `${operationPath(operation, params, date)}${tail}`;
    const request: HttpRequest = { method: 'GET', path, headers: { 'Content-Type': 'application/json' } };
    const send = async (headers: Record<string, string>): Promise<HttpResponse> =>
      transport.send({ ...request, headers: { ...request.headers, ...headers } });
    if (operation.startsWith('public-key')) return send({});
    const headers = await authenticator.headers(request);
    const response = await send(headers);
    if (response.status !== 401 || access.credentials.kind === 'ec2') return response;
    authenticator.rejected(headers);
    return send(await authenticator.headers(request));
  };
}

function authenticatorOf(access: LiveAccess) {
  const { credentials, clock } = access;
  if (credentials.kind === 'ec2') return createKeyAuthenticator(credentials, clock);
  const nobody = createKeyAuthenticator({ accessKey: '', secretKey: '' }, clock);
  const call = createCaller({ ...access, authenticator: nobody });
  return createTokenAuthenticator(createPasswordLogin(call, credentials, { retry: DEFAULT_RETRY }));
}
