import { describe, expect, it } from 'vitest';
import type { OperationName } from '../../../src/contract/operations.ts';
import { type Answer, createTestbed, first } from './api-testbed.ts';

type Row = Record<string, unknown>;
const rows = ({ body }: Answer) => body.data.data as Row[];
const ids = (answer: Answer) => rows(answer).map(({ id }) => id);

describe('the list of servers', () => {
  const testbed = createTestbed({ preset: 'lab' });
  const { call, world } = testbed;
  const list = (query: Record<string, string>, date?: string) =>
    call('servers.list', {}, { query, ...(date === undefined ? {} : { date }) });
  const all = world.servers.list();
  const one = first(all);

  it('is paged with a string for the next page', async () => {
    const page = await list({ page_size: '5', page_num: '1' });
    expect(page.body.data).toMatchObject({
      total_size: all.length,
      page_num: 1,
      page_size: 5,
      next_page_num: '2',
    });
    expect(ids(page)).toEqual(all.slice(5, 10).map(({ id }) => id));
  });

  it.each([
    ['ids', `${one.id},none`],
    ['vm_ids', one.vmId],
    ['query_name', one.name.toUpperCase()],
    ['query_ip', one.networks[0]?.ipAddress ?? ''],
  ])('is filtered by %s=%s', async (name, value) => {
    expect(ids(await list({ [name]: value }))).toEqual([one.id]);
  });

  it.each([
    ['status', 'running', (id: string) => world.servers.get(id).status === 'running'],
    ['power_state', 'off', (id: string) => world.servers.get(id).status === 'stopped'],
    ['host_id', one.hostId, (id: string) => world.servers.get(id).hostId === one.hostId],
    ['az_id', one.poolId, (id: string) => world.servers.get(id).poolId === one.poolId],
    ['type', 'vmware', () => false],
    ['query_fip', '192.0.2.1', () => false],
  ] as const)('is filtered by %s=%s', async (name, value, isWanted) => {
    const wanted = all.map(({ id }) => id).filter(isWanted);
    expect(ids(await list({ [name]: value }))).toEqual(wanted);
  });

  it('is ordered and cut to fields', async () => {
    const answer = await list({ sort: 'name', order_by: 'DESC', fields: 'id,name' });
    const names = rows(answer).map(({ name }) => String(name));
    expect(names).toEqual(names.toSorted().toReversed());
    expect(Object.keys(first(rows(answer)))).toEqual(['id', 'name']);
  });

  it('has fewer fields at older dates', async () => {
    const fields = async (date: string) => Object.keys(first(rows(await list({ page_size: '1' }, date))));
    const newest = await fields('20240725');
    const middle = await fields('20220725');
    const oldest = await fields('20180725');
    expect(newest.filter((name) => !middle.includes(name)).toSorted()).toEqual([
      'detail_vmtype',
      'memory_gb',
      'os_abbr',
      'os_distribution',
      'support_vm_compatibility_upg',
      'vm_compatibility_mode',
      'vm_compatibility_version',
    ]);
    expect(middle.filter((name) => !oldest.includes(name))).toEqual([
      'cpu_reserve',
      'resource_reserve_policies',
      'serials',
    ]);
  });

  it('takes a page of 1000, as one client asks for', async () => {
    expect(rows(await list({ page_size: '1000' }))).toHaveLength(all.length);
  });
});

describe('the other lists', () => {
  const testbed = createTestbed({ preset: 'lab' });
  const { call, world } = testbed;
  const pool = first(world.pools);
  const cluster = first(world.clusters);

  it.each([
    ['azs.list', { tag: 'nowhere' }, 0],
    ['azs.list', { type: 'hci' }, 1],
    ['clusters.list', { az_id: pool.id }, world.clusters.length],
    ['clusters.list', { name: cluster.name }, 1],
    ['hosts.list', { cluster_id: cluster.id }, world.hosts.filter((h) => h.clusterId === cluster.id).length],
    ['hosts.list', { az_id: pool.id, status: 'running' }, world.hosts.length],
    ['hosts.list', { type: 'vmware' }, 0],
    ['storages.list', { az_id: pool.id }, world.datastores.length],
    ['storages.list', { storage_ids: first(world.datastores).id }, 1],
    ['storages.list', { status: 'offline' }, 0],
  ] as const satisfies [OperationName, Record<string, string>, number][])(
    '%s with %j has %i',
    async (name, query, count) => {
      const answer = await call(name, {}, { query });
      expect(rows(answer)).toHaveLength(count);
      expect(answer.body.data.total_size).toBe(count);
    },
  );

  it('join datastores and hosts by host_ids', async () => {
    const hosts = ids(await call('hosts.list'));
    for (const { host_ids } of rows(await call('storages.list')))
      for (const id of host_ids as string[]) expect(hosts).toContain(id);
  });

  it('show tasks with local times and by their object', async () => {
    const { clock, finish, server } = testbed;
    const created = await call('snapshots.create', { server_id: server.id }, { body: { name: 'x' } });
    await finish(created.body.data.task_id);
    const task = await call('tasks.get', { task_id: String(created.body.data.task_id) });
    const { object_id, begin_time } = task.body.data;
    expect(task.body.data).toMatchObject({
      status: 'finish',
      progress: 100,
      object_name: expect.any(String),
    });
    expect(begin_time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
    const listed = rows(await call('tasks.list', {}, { query: { object_id: String(object_id) } }));
    expect(listed).toMatchObject([{ id: task.body.data.task_id, status: 'finish' }]);
    const later = new Date(clock.now() + 9 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
    expect(rows(await call('tasks.list', {}, { query: { begin_time: later } }))).toEqual([]);
    expect((await call('tasks.list', {}, { query: { begin_time: 'soon' } })).status).toBe(400);
  });
});
