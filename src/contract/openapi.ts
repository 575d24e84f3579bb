/** The OpenAPI 3.1 document of the product's API as the simulator serves it, made from the table of operations. */
import { ASSUMED_PATHS } from './assumed.ts';
import { type EnvelopeVersion, envelopeOfPath } from './envelope.ts';
import type { Operation } from './operation.ts';
import { OPERATION_NAMES, type OperationName, operationOf } from './operations.ts';
import { integer, object, type Schema, text } from './schema.ts';

type Node = { readonly [key: string]: unknown };

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: Node;
  readonly security: readonly Node[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Node>>>>;
  readonly components: Node;
}

export function createOpenApi(): OpenApiDocument {
  const paths: Record<string, Record<string, Node>> = {};
  for (const name of OPERATION_NAMES) {
    const operation = operationOf(name);
    operation.paths.forEach((path, at) => {
      const methods = (paths[path] ??= {});
      methods[operation.method.toLowerCase()] = describe(name, operation, path, at);
    });
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sangfor SCP and HCI, as simulated',
      version: '6.11.3',
      description:
        'Paths before 20240725 answer in the V1 envelope (code, a number), later ones in V2 (errcode, a string).',
    },
    security: [{ token: [] }, { ec2: [] }],
    paths,
    components: { securitySchemes: SECURITY_SCHEMES, schemas: { V1Error: V1_ERROR, V2Error: V2_ERROR } },
  };
}

const SECURITY_SCHEMES: Node = {
  token: { type: 'apiKey', in: 'header', name: 'Authorization', description: '`Token <id>`' },
  ec2: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description:
      '`AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`; the query is not signed.',
  },
};

const V1_ERROR = object({ code: integer, message: text, data: object({}) });
const V2_ERROR = object({ errcode: text, message: text, data: object({}) });

function describe(name: OperationName, operation: Operation, path: string, at: number): Node {
  return {
    // Ids have to be unique: the first path carries the plain name.
    operationId: at === 0 ? name : `${name}@${at + 1}`,
    summary: operation.summary,
    tags: [name.split('.')[0]],
    ...(operation.access === 'none' ? { security: [] } : {}),
    parameters: [...pathParameters(path), ...queryParameters(operation), ...headerParameters(operation)],
    ...(operation.body === undefined
      ? {}
      : { requestBody: { required: isBodyNeeded(operation.body), content: json(operation.body) } }),
    responses: responsesOf(operation, envelopeOfPath(path)),
    'x-min-version': operation.minVersion,
    'x-fidelity': ASSUMED.has(path) ? 'assumed' : operation.fidelity,
    'x-source': operation.source,
  };
}

/** A documented call may have a twin whose path is assumed. */
const ASSUMED: ReadonlySet<string> = new Set(Object.values(ASSUMED_PATHS));

const json = (schema: Node): Node => ({ 'application/json': { schema } });

const isBodyNeeded = (schema: Schema): boolean =>
  ((schema.required as string[] | undefined) ?? []).length > 0;

const pathParameters = (path: string): Node[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: text }));

function queryParameters({ query }: Operation): Node[] {
  if (query === undefined) return [];
  const required = query.required as readonly string[];
  return Object.entries(query.properties as Readonly<Record<string, Schema>>).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

const headerParameters = ({ method }: Operation): Node[] =>
  method === 'POST' || method === 'PUT'
    ? [{ name: 'X-Client-Token', in: 'header', required: false, schema: { type: 'string', format: 'uuid' } }]
    : [];

function responsesOf(operation: Operation, envelope: EnvelopeVersion): Node {
  const failures = [400, 401, 403, ...(operation.hasNotFound ? [404] : []), 429, 500];
  const error = json({ $ref: `#/components/schemas/${envelope}Error` });
  return {
    // What is documented as 204 with a body is answered 200 with it, since HTTP has no such thing.
    [operation.success === 204 ? 200 : operation.success]: {
      description: 'Done, or the task has begun',
      content: json(envelopeSchema(envelope, operation.data)),
    },
    ...Object.fromEntries(failures.map((status) => [status, { description: 'Refused', content: error }])),
  };
}

/** The schema of a successful answer. */
export function envelopeSchema(version: EnvelopeVersion, data: Schema): Schema {
  return version === 'V1'
    ? object({ code: { const: 0 }, message: text, data })
    : object({ errcode: { const: '' }, message: text, data });
}
