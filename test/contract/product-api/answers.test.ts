import { Compile } from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { envelopeOfPath } from '../../../src/contract/envelope.ts';
import { envelopeSchema } from '../../../src/contract/openapi.ts';
import { OPERATION_NAMES, type OperationName, operationOf } from '../../../src/contract/operations.ts';
import type { Schema } from '../../../src/contract/schema.ts';
import { pageOf } from '../../../src/contract/schemas/page.ts';
import { serverItem, serverItem20220725 } from '../../../src/contract/schemas/servers.ts';
import { type Answer, createTestbed, first, type Testbed } from '../../integration/http/api-testbed.ts';
import { loginAnswer } from '../../integration/http/login-answer.ts';

/** Paths of fields that an answer has and its schema does not know. */
function strangers(schema: Schema, value: unknown, at = ''): string[] {
  if (Array.isArray(value))
    return [...new Set(value.flatMap((one) => strangers((schema.items ?? {}) as Schema, one, `${at}[]`)))];
  const properties = schema.properties as Readonly<Record<string, Schema>> | undefined;
  // An object without declared fields is open on purpose.
  if (value === null || typeof value !== 'object' || !properties || Object.keys(properties).length === 0)
    return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const property = properties[name];
    return property === undefined ? [`${at}.${name}`] : strangers(property, inner, `${at}.${name}`);
  });
}

function violations(schema: Schema, value: unknown): string[] {
  const validator = Compile(schema as object);
  if (validator.Check(value)) return [];
  const [, errors] = validator.Errors(value);
  return errors.map(({ instancePath, message }) => `${instancePath} ${message}`);
}

interface Sample {
  readonly params?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly body?: unknown;
}

/** A world in which every call can succeed. */
async function prepare() {
  const testbed = createTestbed();
  const { call, finish, server, world } = testbed;
  const server_id = server.id;
  const done = async (answer: Answer): Promise<Record<string, unknown>> => {
    await finish(answer.body.data.task_id);
    return answer.body.data;
  };
  await done(await call('cbt.set', { server_id }, { body: { type: 'enable' } }));
  const taken = await done(await call('snapshots.create', { server_id }, { body: { name: 'one' } }));
  const snapshot_id = String(taken.resource_id);
  const vmconf = (await call('snapshots.get', { server_id, snapshot_id })).body.data.vmconf;
  const created = await done(
    await call('backup-resources.create', {}, { body: { server_id, type: 'backup', lock_time: 7200 } }),
  );
  const others = world.servers.list().filter(({ id, osName }) => id !== server_id && osName === '');
  const other = first(others.filter(({ status }) => status === 'stopped').concat(others));
  if (other.status === 'running')
    await done(await call('servers.stop', { server_id: other.id }, { body: { force: 1 } }));
  const atProxy = { server_id: first(world.servers.list().filter(({ osName }) => osName !== '')).id };
  const diskId = (at: number): string => server.disks[at]?.uuid ?? '';
  const clone = (at: number) => ({ disk_id: diskId(at), application_type: 'backup', snapshot_id });
  await done(await call('hot-add.add', atProxy, { body: { disks: [clone(0)] } }));
  const ran = await done(await call('guest.exec', atProxy, { body: { command: 'true' } }));
  const samples: Partial<Record<OperationName, Sample>> = {
    'servers.start': { params: { server_id: other.id } },
    'servers.stop': { params: { server_id }, body: { force: 1 } },
    'servers.edit': { params: { server_id: other.id }, body: { description: 'new' } },
    'servers.delete': { params: { server_id: other.id }, body: { force: 1 } },
    'servers.create-from-config': {
      body: { ...(vmconf as object), az_id: server.poolId, name: 'restored' },
    },
    'snapshots.create': { params: { server_id: other.id }, body: { name: 'two', snap_type: 'vs' } },
    'snapshots.edit': { params: { server_id, snapshot_id }, body: { name: 'renamed', is_protected: 0 } },
    'cbt.set': {
      params: { server_id: other.id },
      body: { type: 'enable', disk_ids: [other.disks[0]?.deviceId] },
    },
    'cbt.changed-areas': {
      query: {
        disk_id: server.disks[0]?.deviceId ?? '',
        snapshot_id,
        checkpoint_id: '0',
        start_offset: '0',
      },
    },
    'backup-resources.create': { body: { server_id: other.id, type: 'restore', lock_time: 60 } },
    'backup-resources.renew': { body: { lock_time: 60 } },
    'backup-resources.supports': { query: { server_id } },
    'snapshots.batch-delete': { body: { action: 'delete', snapshot_ids: [snapshot_id] } },
    'snapshots.recovery': { body: { backup: 0, power_on: 0 } },
    'hot-add.add': { params: atProxy, body: { disks: [clone(1)] } },
    'hot-add.remove': { params: atProxy, body: { action: 'delete', disk_ids: [diskId(0)] } },
    'hci.hot-add.add': {
      params: atProxy,
      body: { disks: [{ diskId: diskId(1), applicationType: 'backup', snapshotId: snapshot_id }] },
    },
    'hci.hot-add.remove': { params: atProxy, body: { diskIds: [diskId(0)] } },
    'guest.exec': { params: atProxy, body: { command: 'uname -a', timeout: 5 } },
    'guest.exec-result': { params: { ...atProxy, task_id: String(ran.task_id) } },
  };
  const params = {
    server_id,
    snapshot_id,
    backup_resources_id: String(created.resource_id),
    task_id: String(created.task_id),
    az_id: server.poolId,
    cluster_id: server.clusterId,
  };
  return { testbed, samples, params, otherId: other.id };
}

const dataSchemaOf = (name: OperationName, path: string): Schema => {
  if (name !== 'servers.list') return operationOf(name).data;
  if (path.startsWith('/janus/20240725')) return pageOf(serverItem);
  return path.startsWith('/janus/20220725') ? pageOf(serverItem20220725) : operationOf(name).data;
};

const fill = (path: string, params: Record<string, string>): string =>
  path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));

/** A snapshot cannot go while its clone is attached. */
async function detach({ call, finish, world }: Testbed): Promise<void> {
  const [disk] = world.hotAdd.list();
  if (disk === undefined) return;
  const body = { action: 'delete', disk_ids: [disk.id] };
  await finish((await call('hot-add.remove', { server_id: disk.proxyId }, { body })).body.data.task_id);
}

/** What has to be so before a call can succeed. */
async function makeReady(
  name: OperationName,
  testbed: Testbed,
  params: Record<string, string>,
): Promise<void> {
  const { call, finish } = testbed;
  if (name.startsWith('snapshots.')) await detach(testbed);
  const isBlocked = name.startsWith('snapshots.') && !['snapshots.list', 'snapshots.get'].includes(name);
  if (isBlocked)
    await finish(
      (await call('backup-resources.delete', { backup_resources_id: params.backup_resources_id ?? '' })).body
        .data.task_id,
    );
  if (name === 'snapshots.recovery')
    await finish(
      (await call('servers.stop', { server_id: params.server_id ?? '' }, { body: { force: 1 } })).body.data
        .task_id,
    );
}

const LOGIN = new Set<OperationName>(['authenticate', 'authenticate.v2']);

describe('every answer of success', () => {
  const served = OPERATION_NAMES.flatMap((name) =>
    operationOf(name).paths.map((path) => ({ name, path, method: operationOf(name).method })),
  );

  it.each(served)(
    '$method $path keeps to its schema and has nothing beside it',
    async ({ name, path, method }) => {
      const { testbed, samples, params: common } = await prepare();
      const { params = {}, query, body } = samples[name] ?? {};
      await makeReady(name, testbed, { ...common, ...params });
      const url = `${fill(path, { ...common, ...params })}${query ? `?${new URLSearchParams(query).toString()}` : ''}`;
      const answer = LOGIN.has(name)
        ? await loginAnswer(testbed, name === 'authenticate' ? 'v1' : 'v2')
        : await testbed.send(method, url, { body });
      expect([200, 201], JSON.stringify(answer.body)).toContain(answer.status);
      const schema = envelopeSchema(envelopeOfPath(path), dataSchemaOf(name, path));
      expect(violations(schema, answer.body)).toEqual([]);
      expect(strangers(schema, answer.body)).toEqual([]);
    },
  );
});

describe('every refusal', () => {
  const afterLogin = OPERATION_NAMES.filter((name) => operationOf(name).access !== 'none');

  it.each(afterLogin.map((name) => ({ name })))('of $name keeps to the envelope', async ({ name }) => {
    const { call, faults } = createTestbed();
    faults.add({ kind: 'error', status: 500, message: 'broken', on: name });
    const params = {
      server_id: 's',
      snapshot_id: 's',
      backup_resources_id: 'r',
      task_id: 't',
      az_id: 'a',
      cluster_id: 'c',
    };
    const { status, body } = await call(name, params);
    expect(status).toBe(500);
    const isV2 = envelopeOfPath(operationOf(name).paths[0]) === 'V2';
    expect(body).toEqual(
      isV2 ? { errcode: '500', message: 'broken', data: {} } : { code: 500, message: 'broken', data: {} },
    );
  });
});

describe('the checks of this file', () => {
  it('see a field too many, a missing one and one of a wrong type', () => {
    const schema = operationOf('cbt.changed-areas').data;
    const good = { start_offset: 0, length: 1, changed_area: [{ start: 0, length: 1 }] };
    expect(violations(schema, good)).toEqual([]);
    expect(strangers(schema, { ...good, changed_area: [{ start: 0, length: 1, end: 1 }] })).toEqual([
      '.changed_area[].end',
    ]);
    expect(violations(schema, { ...good, length: '1' })).not.toEqual([]);
    expect(violations(schema, { start_offset: 0, length: 1 })).not.toEqual([]);
  });
});
