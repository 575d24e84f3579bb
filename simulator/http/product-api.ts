/**
 * The product's REST API as a fastify instance: routes, bytes in, bytes out. What a call does is `serve-call.ts`.
 *
 * One instance per listener; instances over the same directory share everything that belongs to a world.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Differences } from '../../src/contract/differences.ts';
import { envelopeOfPath } from '../../src/contract/envelope.ts';
import { ApiError } from '../../src/contract/errors.ts';
import { OPERATION_NAMES, type OperationName, operationOf } from '../../src/contract/operations.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { Json } from '../../src/kernel/journal.ts';
import type { Outcome, RawCall } from './call.ts';
import { createDiffering } from './differ.ts';
import { PasswordKey } from './password-key.ts';
import { PUBLIC_KEY_LIMITS, PublicKeyLimiter, type PublicKeyLimits } from './rate-limits.ts';
import { refusalOf } from './refusal.ts';
import { type ApiContext, serveCall } from './serve-call.ts';
import type { WorldDirectory } from './world-directory.ts';

export interface ProductApiOptions {
  readonly worlds: WorldDirectory;
  /** Time of the calls before login, which belong to no world. */
  readonly clock: Clock;
  /** `scp` serves `/janus`, `hci` the HCI twins under `/hci`, `both` all. Default `both`. */
  readonly surface?: 'scp' | 'hci' | 'both';
  /** PEM; plain HTTP without it. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Limits of the public-key calls per minute. The documented ones when absent. */
  readonly publicKeyLimits?: PublicKeyLimits;
  /** Shared between the listeners of one process; made when absent. */
  readonly passwordKey?: PasswordKey;
  /** How a real platform was seen to differ from the simulator. */
  readonly differences?: Differences;
}

/** Bytes of a request's body; a complete vmconf with 64 disks is below 100 KiB. */
const BODY_LIMIT = 4 * 2 ** 20;
/** A body over the limit is read away up to here, so that its sender comes to read the refusal. */
const READ_AWAY_LIMIT = 64 * 2 ** 20;

/** What the calls of one listener share beyond their worlds. */
export function createApiContext(options: ProductApiOptions): ApiContext {
  return {
    worlds: options.worlds,
    clock: options.clock,
    key: options.passwordKey ?? new PasswordKey(),
    publicKeyLimiter: new PublicKeyLimiter(options.publicKeyLimits ?? PUBLIC_KEY_LIMITS),
    hasJanus: options.surface !== 'hci',
    ...(options.differences === undefined ? {} : { differing: createDiffering(options.differences) }),
  };
}

export function createProductApi(
  options: ProductApiOptions,
  api: ApiContext = createApiContext(options),
): FastifyInstance {
  const app = createApp(options.tls);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  for (const { name, path } of routesOf(options.surface ?? 'both'))
    app.route({
      method: operationOf(name).method,
      url: path.replace(/\{(\w+)\}/g, ':$1'),
      handler: (request, reply) => answer(api, name, request, reply),
    });
  app.setNotFoundHandler((request, reply) => answer(api, undefined, request, reply));
  app.setErrorHandler(async (error, request, reply) => {
    await readAway(request.raw);
    sendTrouble(error, request, reply);
    return reply;
  });
  return app;
}

/**
 * No route has a schema, since calls are checked behind the routing; without these, fastify loads its compilers,
 * which costs 40 ms at the start.
 */
const NO_COMPILERS = { buildValidator: refuseToCompile, buildSerializer: refuseToCompile };

function refuseToCompile(): never {
  throw new RangeError('routes of the product API have no schema of their own');
}

function createApp(tls: ProductApiOptions['tls']): FastifyInstance {
  const settings = {
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: sendTrouble,
    clientErrorHandler: refuseGarbage,
    schemaController: { compilersFactory: NO_COMPILERS },
  } as const;
  if (tls === undefined) return fastify(settings);
  return fastify({ ...settings, https: { ...tls, minVersion: 'TLSv1.2' } });
}

/** What is no HTTP at all (a bad request line, headers that are too long) has no path, so V1 it is. */
function refuseGarbage(error: Error, socket: Duplex): void {
  const { body } = refusalOf('V1', new ApiError('INVALID_PARAMETER', error.message));
  const text = renderJson(body ?? {});
  if (!socket.writable) return;
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}

function routesOf(surface: 'scp' | 'hci' | 'both'): { name: OperationName; path: string }[] {
  const isServed = (path: string): boolean =>
    surface === 'both' || path.startsWith('/hci/') === (surface === 'hci');
  return OPERATION_NAMES.flatMap((name) =>
    operationOf(name)
      .paths.filter(isServed)
      .map((path) => ({ name, path })),
  );
}

async function answer(
  api: ApiContext,
  operation: OperationName | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  return send(reply, await serveCall(api, rawCallOf(operation, request)));
}

function rawCallOf(operation: OperationName | undefined, request: FastifyRequest): RawCall {
  const [path = ''] = request.url.split('?', 1);
  return {
    operation,
    method: request.method,
    path,
    params: operation === undefined ? {} : (request.params as Record<string, string>),
    query: { ...(request.query as Record<string, string | string[]>) },
    headers: request.headers,
    body: request.body instanceof Buffer ? request.body : Buffer.alloc(0),
    address: request.ip,
  };
}

function send(reply: FastifyReply, outcome: Outcome): FastifyReply {
  if (outcome === 'lost') {
    reply.hijack();
    reply.raw.destroy();
    return reply;
  }
  reply.code(outcome.status);
  if (outcome.body === undefined) return reply.send();
  return reply.type('application/json').send(outcome.text ?? renderJson(outcome.body));
}

const renderJson = (body: Json): string => JSON.stringify(body);

/** A connection that is closed on bytes nobody has read is reset, and the answer is lost with it. */
async function readAway(request: IncomingMessage): Promise<void> {
  let bytes = 0;
  if (request.readableEnded || request.destroyed) return;
  await new Promise<void>((resolve) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > READ_AWAY_LIMIT) resolve();
    });
    request.once('end', resolve).once('close', resolve).resume();
  });
}

/** What fastify itself refuses (a URL that cannot be decoded, a body over the limit) is a bad parameter too. */
function sendTrouble(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const [path = ''] = request.url.split('?', 1);
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  const why = error instanceof Error ? error.message : String(error);
  const refusal = new ApiError(status < 500 ? 'INVALID_PARAMETER' : 'INTERNAL', why);
  send(reply, refusalOf(envelopeOfPath(path), refusal));
}
