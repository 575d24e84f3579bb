import { describe, expect, it } from 'vitest';
import { compareShapes } from '../../../harness/live/compare-shapes.ts';
import { addToShape, type Shape } from '../../../harness/live/shapes.ts';
import { createDiffering } from '../../../simulator/http/differ.ts';
import { type Differences, NO_DIFFERENCES, parseDifferences } from '../../../src/contract/differences.ts';
import type { Json } from '../../../src/kernel/journal.ts';

function shapeOf(...answers: readonly Json[]): Shape {
  const shape: Shape = new Map();
  for (const answer of answers) addToShape(shape, answer);
  return shape;
}

const task = { task_id: 't', cancelable: 0, progress: 1, entities: { sub_tasks: [] } };

describe('shapes of two platforms', () => {
  it('do not differ where the values do', () => {
    expect(
      compareShapes('tasks.get', shapeOf(task), shapeOf({ ...task, task_id: 'u', progress: 99 })),
    ).toEqual([]);
  });

  it('differ by a field that is missing, is new, or is of another kind', () => {
    const { cancelable: _gone, ...rest } = task;
    const found = compareShapes(
      'tasks.get',
      shapeOf({ ...rest, progress: '1', colour: { of: 1 } }),
      shapeOf(task),
    );
    expect(found).toEqual([
      { operation: 'tasks.get', field: 'colour', difference: 'extra', seen: 'object' },
      { operation: 'tasks.get', field: 'progress', difference: 'type', expected: 'integer', seen: 'string' },
      { operation: 'tasks.get', field: 'cancelable', difference: 'missing' },
    ]);
  });

  it('go by the contract where the simulator had nothing to show', () => {
    const found = compareShapes('backup-resources.supports', shapeOf({ versions: [1] }), new Map());
    expect(found.map(({ field, difference }) => `${field} ${difference}`).join(', ')).toBe(
      'versions[] type, transport_modes missing',
    );
  });

  it('say nothing of lists that were empty', () => {
    const page = { total_size: 0, page_num: 0, page_size: 1, next_page_num: '', data: [] };
    expect(compareShapes('servers.list', shapeOf(page), shapeOf({ ...page, data: [{ id: 'x' }] }))).toEqual(
      [],
    );
  });
});

describe('a simulator that differs', () => {
  const differing = (some: Partial<Differences>) => createDiffering({ ...NO_DIFFERENCES, ...some });

  it('leaves fields out and turns others, in every item of every list', () => {
    const { edit } = differing({
      fields: [
        { operation: 'servers.list', field: 'data[].disks[].id', difference: 'missing' },
        { operation: 'servers.list', field: 'data[].cores', difference: 'type', seen: 'string' },
        { operation: 'servers.list', field: 'data[].ips[]', difference: 'type', seen: 'null' },
      ],
    });
    const data = { data: [{ cores: 2, ips: ['a'], disks: [{ id: 'ide0', n: 1 }] }, { cores: 4 }] };
    expect(edit('servers.list', data)).toEqual({
      data: [{ cores: '2', ips: [null], disks: [{ n: 1 }] }, { cores: '4' }],
    });
    expect(edit('hosts.list', data)).toBe(data);
  });

  it('refuses one of several paths, and with them all', () => {
    const one = differing({
      endpoints: [{ operation: 'hosts.list', path: '/janus/20190725/hosts', status: 404 }],
    });
    expect(() => one.refuse('hosts.list', '/janus/20190725/hosts')).toThrow(/path does not exist/);
    expect(() => one.refuse('hosts.list', '/janus/20240725/hosts')).not.toThrow();
    const all = differing({ endpoints: [{ operation: 'azs.get', status: 403 }] });
    expect(() => all.refuse('azs.get', '/janus/20180725/azs/x')).toThrow(/No permission/);
  });

  it('cuts pages, or refuses those that are too large', () => {
    const query = { page_size: 500 };
    differing({ limits: { pageSize: { most: 200, beyond: 'capped' } } }).page(query);
    expect(query).toEqual({ page_size: 200 });
    const refusing = differing({ limits: { pageSize: { most: 100, beyond: 'refused' } } });
    expect(() => refusing.page({ page_size: 101 })).toThrow(/at most 100/);
  });
});

describe('a file of differences', () => {
  it.each([
    [{}, /differences: must be 1/],
    [{ differences: 1, platform: { version: 'new' } }, /platform.version/],
    [{ differences: 1, endpoints: [{ operation: 'azs.all', status: 404 }] }, /there is no azs.all/],
    [{ differences: 1, endpoints: [{ operation: 'azs.get', status: 200 }] }, /endpoints.0.status/],
    [
      { differences: 1, fields: [{ operation: 'azs.get', field: 'x', difference: 'odd' }] },
      /fields.0.difference/,
    ],
    [{ differences: 1, limits: { pageSize: { most: 0, beyond: 'capped' } } }, /limits.pageSize.most/],
  ])('that says %j is refused by name', (file, problem) => {
    expect(() => parseDifferences(file)).toThrow(problem);
  });
});
