import { describe, expect, it } from 'vitest';
import { OPERATION_NAMES, operationOf } from '../../../src/contract/operations.ts';
import { routeOf } from '../../../src/contract/route-table.ts';

const everyPath = OPERATION_NAMES.flatMap((name) => operationOf(name).paths.map((path) => ({ name, path })));

describe('the table of routes', () => {
  it.each(everyPath)('finds $name at $path with its parameters', ({ name, path }) => {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, param = '']) => param);
    const sent = path.replace(/\{(\w+)\}/g, (_, param: string) => `x%3A${param}`);
    const params = Object.fromEntries(names.map((param) => [param, `x:${param}`]));
    expect(routeOf(operationOf(name).method, sent)).toEqual({ operation: name, params });
  });

  it('prefers a word to a parameter', () => {
    expect(routeOf('GET', '/janus/20180725/backup-resources/supports')?.operation).toBe(
      'backup-resources.supports',
    );
  });

  it.each([
    ['another method', 'PUT', '/janus/20180725/azs'],
    ['a slash too many', 'GET', '/janus/20180725/azs/'],
    ['an empty parameter', 'GET', '/janus/20180725/tasks/'],
    ['other capitals', 'GET', '/janus/20180725/AZS'],
  ])('has nothing for %s', (_, method, path) => {
    expect(routeOf(method, path)).toBeUndefined();
  });
});
