/** A proxy between a product and a platform: TLS on both sides, bytes unchanged, every call told to a recorder. */
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, request as undiciRequest } from 'undici';
import type { CallRecorder, OpenCall } from '../../harness/live/call-recorder.ts';
import { createPlatformIdentity } from '../../simulator/app/pki.ts';

export interface LiveProxyOptions {
  /** `https://HOST:PORT` of the platform. */
  readonly origin: string;
  readonly ca?: string;
  readonly isInsecure: boolean;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly recorder: CallRecorder;
  /** The platform could not be reached, or a request was too large. */
  readonly onTrouble: (what: string) => void;
}

export interface LiveProxy extends AsyncDisposable {
  readonly port: number;
  /** PEM of the CA that signed the proxy's certificate. */
  readonly caPem: string;
}

/** Bytes of a request's body; a complete configuration with 64 disks is below 100 KiB. */
const BODY_LIMIT = 16 * 2 ** 20;

export async function openLiveProxy(options: LiveProxyOptions): Promise<LiveProxy> {
  const { caPem, server: identity } = createPlatformIdentity([
    ...new Set(['127.0.0.1', 'localhost', options.host]),
  ]);
  const { ca, isInsecure } = options;
  const agent = new Agent({
    connect: { rejectUnauthorized: !isInsecure, ...(ca === undefined ? {} : { ca }) },
  });
  const server = createServer(
    { cert: identity.pem, key: identity.keyPem, minVersion: 'TLSv1.2' },
    (request, response) => void pass({ ...options, agent }, request, response),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    caPem,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await agent.close();
    },
  };
}

interface Passing extends LiveProxyOptions {
  readonly agent: Agent;
}

async function pass(passing: Passing, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let call: OpenCall | undefined;
  try {
    const body = await readBody(request);
    const method = request.method ?? 'GET';
    const path = request.url ?? '/';
    const headers = flatten(request.headers);
    call = passing.recorder.begin({ method, path, headers, body: body.toString('utf8') });
    const answer = await undiciRequest(`${passing.origin}${path}`, {
      dispatcher: passing.agent,
      method: method as 'GET',
      headers: forwarded(headers),
      body: body.length === 0 ? null : body,
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    // Who has hung up meanwhile never sees the answer.
    if (response.destroyed) call.lost();
    else call.answered({ status: answer.statusCode, body: bytes.toString('utf8') });
    call = undefined;
    response.writeHead(answer.statusCode, withoutHops(flatten(answer.headers), bytes.length));
    response.end(bytes);
  } catch (error) {
    call?.lost();
    passing.onTrouble(error instanceof Error ? error.message || error.name : String(error));
    // As if the platform itself had gone: an answer of the proxy's own would be none of the platform's.
    response.destroy();
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_LIMIT) throw new RangeError(`a request body is larger than ${BODY_LIMIT} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'expect',
  'content-length',
]);

/** The platform's own name goes in `Host`, unless the client has signed another. Compressed, nothing could be read. */
function forwarded(headers: Readonly<Record<string, string>>): Record<string, string> {
  const hasSignedHost = /SignedHeaders=[^,]*\bhost\b/.test(headers['authorization'] ?? '');
  const kept = Object.entries(headers).filter(
    ([name]) => !HOP_BY_HOP.has(name) && (name !== 'host' || hasSignedHost) && name !== 'accept-encoding',
  );
  return { ...Object.fromEntries(kept), 'accept-encoding': 'identity' };
}

function withoutHops(headers: Readonly<Record<string, string>>, bytes: number): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
  return { ...Object.fromEntries(kept), 'content-length': String(bytes) };
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
