/**
 * Calls of a client in the same process, without the HTTP server: what a request comes to behind the routing, in a
 * third of the time. Anything that is not as our clients send it is for the server to judge.
 */
import { parse as parseQuery } from 'node:querystring';
import type { HttpRequest, HttpResponse } from '../../src/sdk/http-transport.ts';
import type { Outcome, RawCall } from './call.ts';
import { type Route, routeOf } from '../../src/contract/route-table.ts';
import { type ApiContext, serveCall } from './serve-call.ts';

/** The answer, `lost`, or `undefined` when the request must go through the server. */
export type DirectDoor = (request: HttpRequest) => Promise<HttpResponse | 'lost'> | undefined;

/** Of paths and queries that mean the same to every parser. */
const PLAIN = /^\/[\w\-./~%?&=:,+@]*$/;
/** Longer segments and bodies meet limits of the server. */
const MAX_PLAIN_PATH = 512;
const MAX_PLAIN_BODY = 1 << 20;
const NO_BYTES = Buffer.alloc(0);

export function createDirectDoor(api: ApiContext): DirectDoor {
  return (request) => {
    const raw = rawCallOf(request);
    return raw === undefined ? undefined : serveCall(api, raw).then(responseOf);
  };
}

function rawCallOf({ method, path: url, headers, body = '' }: HttpRequest): RawCall | undefined {
  if (url.length > MAX_PLAIN_PATH || body.length > MAX_PLAIN_BODY || !PLAIN.test(url)) return undefined;
  const [path, query] = splitAt(url, '?');
  const route = routeOrNothing(method, path);
  if (route === undefined) return undefined;
  return {
    ...route,
    method,
    path,
    query: query === '' ? {} : { ...(parseQuery(query) as Record<string, string | string[]>) },
    headers: lowerCased(headers),
    body: body === '' ? NO_BYTES : Buffer.from(body),
    address: '127.0.0.1',
  };
}

function routeOrNothing(method: string, path: string): Route | undefined {
  try {
    return routeOf(method, path);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function lowerCased(headers: HttpRequest['headers']): Record<string, string> {
  const lower: Record<string, string> = { host: 'localhost:80' };
  for (const name in headers) lower[name.toLowerCase()] = headers[name] ?? '';
  return lower;
}

function responseOf(outcome: Outcome): HttpResponse | 'lost' {
  if (outcome === 'lost') return 'lost';
  if (outcome.body === undefined) return { status: outcome.status, headers: {}, body: '' };
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return { status: outcome.status, headers, body: outcome.text ?? JSON.stringify(outcome.body) };
}
