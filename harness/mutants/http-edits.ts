/** Ways to lie in REST calls, for mutants that break an engine at its transport. */
import { signRequest } from '../../src/sdk/ec2-signature.ts';
import type { HttpRequest, HttpResponse, HttpTransport } from '../../src/sdk/http-transport.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';

/** A transport through which `handle` may do anything with a call, or pass it on. */
export function intercept(
  inner: HttpTransport,
  handle: (
    request: HttpRequest,
    pass: (request: HttpRequest) => Promise<HttpResponse>,
  ) => Promise<HttpResponse>,
): HttpTransport {
  return {
    send: (request, signal) => handle(request, (changed) => inner.send(changed, signal)),
    close: () => inner.close(),
  };
}

/** The parts of a call that mutants look at. `query` is not signed by the product's clients, so it can be changed. */
export interface CallParts {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly serverId: string;
}

/** The call, when its method is this and its path matches. */
export function matchCall(
  request: HttpRequest,
  method: HttpRequest['method'],
  path: RegExp,
): CallParts | undefined {
  const [bare = '', query = ''] = request.path.split('?');
  if (request.method !== method || !path.test(bare)) return undefined;
  return {
    path: bare,
    query: new URLSearchParams(query),
    serverId: /servers\/([^/]+)/.exec(bare)?.[1] ?? '',
  };
}

export function withQuery(request: HttpRequest, call: CallParts): HttpRequest {
  return { ...request, path: `${call.path}?${call.query}` };
}

/**
 * The same call with another body: with a client token of its own, and signed again where it was signed. `variant`
 * tells several that are made of one call apart.
 */
export function withRequestBody(
  { world }: HostedWorld,
  request: HttpRequest,
  body: unknown,
  variant = '',
): HttpRequest {
  const token = request.headers['X-Client-Token'];
  const headers = {
    ...request.headers,
    ...(token === undefined ? {} : { 'X-Client-Token': `${token}${variant}` }),
  };
  return signedAgain(world, { ...request, body: JSON.stringify(body), headers });
}

/** The same call of another object, signed again where it was signed. */
export function withPath({ world }: HostedWorld, request: HttpRequest, path: string): HttpRequest {
  return signedAgain(world, { ...request, path });
}

function signedAgain(world: HostedWorld['world'], changed: HttpRequest): HttpRequest {
  const keys = world.credentials.find(({ accessKey }) =>
    changed.headers['Authorization']?.includes(`Credential=${accessKey}/`),
  );
  if (keys === undefined) return changed;
  return { ...changed, headers: { ...changed.headers, ...signRequest(changed, keys, world.clock.now()) } };
}

/** The same answer with other `data`; an answer without JSON stays as it is. */
export function editData(response: HttpResponse, edit: (data: DataNode) => unknown): HttpResponse {
  if (response.status >= 300) return response;
  const body = JSON.parse(response.body) as { data: DataNode };
  return withBody(response, { ...body, data: edit(body.data) });
}

export type DataNode = { readonly [key: string]: unknown };

/** A success in the older envelope. */
export function success(data: unknown): HttpResponse {
  return withBody(
    { status: 200, headers: { 'content-type': 'application/json' }, body: '' },
    { code: 0, message: '', data },
  );
}

function withBody(response: HttpResponse, body: unknown): HttpResponse {
  const text = JSON.stringify(body);
  return {
    ...response,
    body: text,
    headers: { ...response.headers, 'content-length': String(Buffer.byteLength(text)) },
  };
}
