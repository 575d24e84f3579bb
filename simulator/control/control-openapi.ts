/** The control interface's own OpenAPI document, made from its routes. */
import type { ControlRoute } from './control-api.ts';

export function describeControl(routes: readonly ControlRoute[], prefix: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = `${prefix}${route.path}`.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describeRoute(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'backlot control interface',
      version: '1',
      description:
        'Worlds, clocks, guests, faults and the journal of a running simulator. Not part of the product.',
    },
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'Needed only when the interface is not bound to loopback.',
        },
      },
    },
    security: [{}, { token: [] }],
  };
}

function describeRoute(route: ControlRoute) {
  const requestBody = describeBody(route);
  return {
    summary: route.summary,
    operationId: operationId(route),
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: {
      '2XX': { description: 'Done', content: { [mediaType(route)]: {} } },
      '4XX': { description: 'Refused', content: { 'application/json': { schema: ERROR } } },
    },
  };
}

const ERROR = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: { code: { type: 'string' }, message: { type: 'string' } },
    },
  },
} as const;

const mediaType = ({ produces }: ControlRoute): string => (produces ?? 'application/json').replace(/;.*/, '');

function operationId(route: ControlRoute): string {
  const words = route.path.replaceAll(':', '').split(/[/-]/).filter(Boolean);
  return [route.method.toLowerCase(), ...words].join('-');
}

function describeBody(route: ControlRoute) {
  if (route.isBinaryBody === true) return { required: true, content: { 'application/octet-stream': {} } };
  return route.body === undefined
    ? undefined
    : { content: { 'application/json': { schema: route.describedBody ?? route.body } } };
}

function pathParameters({ path }: ControlRoute) {
  return Array.from(path.matchAll(/:(\w+)/g), ([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ query = {} }: ControlRoute) {
  return Object.entries(query).map(([name, field]) => ({
    name,
    in: 'query',
    required: field.isRequired ?? false,
    description: field.description,
    schema: { type: field.type },
  }));
}
