/**
 * The control interface as a fastify instance, under `/_backlot/v1`.
 *
 * It can do anything to the worlds, so it listens on a port of its own, on loopback unless told otherwise. A browser
 * on the same machine must not be talked into calling it: a foreign Host (DNS rebinding) or Origin is refused.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ApiError } from '../../src/contract/errors.ts';
import { checkShape } from '../inventory/check-shape.ts';
import { type AccessRule, checkAccess } from './access.ts';
import type { ControlHost, ControlRoute } from './control-api.ts';
import { describeControl } from './control-openapi.ts';
import { CONTROL_ROUTES } from './control-routes.ts';
import { parseQuery } from './parse-query.ts';

export const CONTROL_PREFIX = '/_backlot/v1';

/** Bytes of a body: a guest write of so many bytes at once. */
const BODY_LIMIT = 64 * 2 ** 20;

export interface ControlOptions {
  readonly host: ControlHost;
  readonly access: AccessRule;
}

export function createControlApp(options: ControlOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: sendError,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', (request, _reply, done) => {
    checkAccess(request.headers, options.access);
    done();
  });
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request) => {
    throw new ApiError(
      'UNKNOWN_PATH',
      `${request.method} ${request.url}; see ${CONTROL_PREFIX}/openapi.json`,
    );
  });
  for (const route of CONTROL_ROUTES) serve(app, route, options.host);
  app.get(`${CONTROL_PREFIX}/openapi.json`, () => describeControl(CONTROL_ROUTES, CONTROL_PREFIX));
  app.get(`${CONTROL_PREFIX}/product-openapi.json`, () => options.host.productOpenApi());
  return app;
}

function serve(app: FastifyInstance, route: ControlRoute, host: ControlHost): void {
  app.route({
    method: route.method,
    url: `${CONTROL_PREFIX}${route.path}`,
    handler: async (request, reply) => {
      const query = parseQuery(request.query as Record<string, unknown>, route.query ?? {});
      const body = parseBody(request, route);
      const params = request.params as Record<string, string>;
      const result = await route.run({ host, params, query, body, request, reply });
      if (reply.sent || result === reply) return reply;
      return reply.type(route.produces ?? 'application/json').send(result);
    },
  });
}

/** @throws ApiError MALFORMED_BODY, INVALID_PARAMETER */
function parseBody(request: FastifyRequest, route: ControlRoute): unknown {
  const bytes = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
  if (route.isBinaryBody === true) return bytes;
  if (route.body === undefined) return undefined;
  const value = bytes.length === 0 ? {} : parseJson(bytes);
  const problems = checkShape(value, route.body);
  if (problems.length === 0) return value;
  const lines = problems.map(({ path, what }) => [path.join('.'), what].filter(Boolean).join(': '));
  throw new ApiError('INVALID_PARAMETER', lines.join('; '));
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new ApiError('MALFORMED_BODY', error instanceof Error ? error.message : undefined);
  }
}

function sendError(error: unknown, _request: FastifyRequest, reply: FastifyReply): void {
  const { status, code } = classify(error);
  const message = error instanceof Error ? error.message : String(error);
  void reply.code(status).type('application/json').send({ error: { code, message } });
}

function classify(error: unknown): { status: number; code: string } {
  if (error instanceof ApiError) return { status: error.status, code: error.code };
  // What the domain itself refuses: settings and inventories that contradict themselves.
  if (error instanceof RangeError) return { status: 400, code: 'INVALID_PARAMETER' };
  const status = (error as { statusCode?: unknown }).statusCode;
  if (typeof status === 'number' && status < 500) return { status, code: 'INVALID_PARAMETER' };
  return { status: 500, code: 'INTERNAL' };
}
