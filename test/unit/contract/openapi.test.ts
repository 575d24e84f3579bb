import { describe, expect, it } from 'vitest';
import { ASSUMED_PATHS } from '../../../src/contract/assumed.ts';
import { createOpenApi } from '../../../src/contract/openapi.ts';
import { OPERATION_NAMES, operationOf } from '../../../src/contract/operations.ts';

interface Described {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: { readonly 'application/json': { readonly schema: unknown } };
  };
  readonly 'x-fidelity': string;
  readonly 'x-min-version': string;
  readonly responses: Readonly<Record<string, { content: { 'application/json': { schema: unknown } } }>>;
}

const document = createOpenApi();
const described = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, node]) => ({ path, method, node: node as unknown as Described })),
);

describe('the OpenAPI document', () => {
  it('describes every path of every operation', () => {
    const wanted = OPERATION_NAMES.flatMap((name) => operationOf(name).paths);
    expect(described).toHaveLength(wanted.length);
    for (const path of wanted) expect(document.paths).toHaveProperty([path]);
  });

  it('gives every operation an id of its own', () => {
    expect(new Set(described.map(({ node }) => node.operationId)).size).toBe(described.length);
  });

  it('declares every parameter of the path', () => {
    for (const { path, node } of described) {
      const declared = node.parameters.filter((one) => one.in === 'path').map(({ name }) => name);
      expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
  });

  it('wraps answers in the envelope of the path', () => {
    const schemaOf = (path: string): unknown => {
      const listed = described.find((one) => one.path === path && one.method === 'get');
      return listed?.node.responses['200']?.content['application/json'].schema;
    };
    expect(schemaOf('/janus/20240725/hosts')).toMatchObject({ required: ['errcode', 'message', 'data'] });
    expect(schemaOf('/janus/20190725/hosts')).toMatchObject({ required: ['code', 'message', 'data'] });
  });

  it('marks as assumed what no document names, and says since when it is there', () => {
    const assumed = described.filter(({ node }) => node['x-fidelity'] === 'assumed');
    expect(assumed.map(({ path }) => path).toSorted()).toEqual(Object.values(ASSUMED_PATHS).toSorted());
    const hotAdd = described.find(({ path }) => path === ASSUMED_PATHS.hotAdd);
    expect(hotAdd?.node['x-min-version']).toBe('6.11.3');
  });

  it('says what the body of a HotAdd call is', () => {
    const { node } = described.find(({ path }) => path === ASSUMED_PATHS.hotAdd) ?? {};
    const { schema } = node?.requestBody?.content['application/json'] ?? {};
    expect(node?.requestBody?.required).toBe(true);
    expect(schema).toMatchObject({
      required: ['disks'],
      properties: {
        disks: {
          minItems: 1,
          items: {
            required: ['disk_id'],
            properties: { application_type: { enum: ['backup', 'restore', 'normal'] } },
          },
        },
      },
    });
  });

  it('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });
});
