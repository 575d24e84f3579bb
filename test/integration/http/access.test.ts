import { describe, expect, it } from 'vitest';
import { OPERATION_NAMES } from '../../../src/contract/operations.ts';
import { createTestbed } from './api-testbed.ts';
import { SIGNING_STYLES, signed } from './sign.ts';

describe('a signed call', () => {
  it.each(Object.entries(SIGNING_STYLES))('passes in the style "%s", with a query', async (_name, style) => {
    const { send, credential } = createTestbed();
    const path = '/janus/20240725/servers';
    const headers = signed({ method: 'GET', path, body: '', ...credential }, style);
    expect(await send('GET', `${path}?page_size=5&status=running`, { headers })).toMatchObject({
      status: 200,
    });
  });

  it('with a body passes, and not with another body', async () => {
    const { send, credential, server } = createTestbed();
    const path = `/janus/20180725/servers/${server.id}/cbt/status`;
    const body = '{ "type": "enable" }';
    const headers = signed({ method: 'PUT', path, body, ...credential });
    expect(await send('PUT', path, { headers, body })).toMatchObject({ status: 200 });
    expect(await send('PUT', path, { headers, body: '{"type":"enable"}' })).toMatchObject({ status: 401 });
  });

  it('that signs its query is refused', async () => {
    const { send, credential } = createTestbed();
    const path = '/janus/20240725/servers?page_size=5';
    const headers = signed({ method: 'GET', path, body: '', ...credential });
    expect(await send('GET', path, { headers })).toMatchObject({ status: 401, body: { errcode: '401' } });
  });

  it.each([
    ['access key', { accessKey: 'nobody' }],
    ['secret key', { secretKey: 'wrong' }],
  ])('with a wrong %s is refused and changes nothing', async (_what, wrong) => {
    const { send, credential, server, world } = createTestbed();
    const path = `/janus/20180725/servers/${server.id}/stop`;
    const headers = signed({ method: 'POST', path, body: '', ...credential, ...wrong });
    expect(await send('POST', path, { headers })).toMatchObject({
      status: 401,
      body: { code: 401, data: {} },
    });
    expect(world.tasks.list()).toEqual([]);
  });

  it('may spell its header names in any case', async () => {
    const { send, credential } = createTestbed();
    const path = '/janus/20180725/azs';
    const entries = Object.entries(signed({ method: 'GET', path, body: '', ...credential }));
    const lower = Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
    const headers = { Authorization: lower.authorization ?? '', 'x-amz-date': lower['x-amz-date'] ?? '' };
    expect(await send('GET', path, { headers })).toMatchObject({ status: 200 });
  });
});

describe('roles', () => {
  const params = {
    server_id: 's',
    snapshot_id: 's',
    backup_resources_id: 'r',
    az_id: 'a',
    cluster_id: 'c',
    task_id: 't',
  };

  it('keep a tenant from CBT, configuration, backup resources and HotAdd', async () => {
    const { call } = createTestbed({ role: 'tenant' });
    const forbidden: string[] = [];
    for (const name of OPERATION_NAMES) if ((await call(name, params)).status === 403) forbidden.push(name);
    expect(forbidden).toEqual([
      'system.version',
      'platform.get',
      'storages.list',
      'servers.create-from-config',
      'snapshots.get',
      'cbt.status',
      'cbt.set',
      'cbt.changed-areas',
      'backup-resources.create',
      'backup-resources.get',
      'backup-resources.renew',
      'backup-resources.delete',
      'backup-resources.supports',
      'backup-resources.overview',
      'hot-add.add',
      'hot-add.remove',
      'hci.hot-add.add',
      'hci.hot-add.remove',
      'guest.exec',
      'guest.exec-result',
    ]);
  });

  it('keep a co-administrator from CBT, configuration and HotAdd only', async () => {
    const { call } = createTestbed({ role: 'custom_admin' });
    const forbidden: string[] = [];
    for (const name of OPERATION_NAMES) if ((await call(name, params)).status === 403) forbidden.push(name);
    expect(forbidden).toEqual([
      'servers.create-from-config',
      'snapshots.get',
      'cbt.status',
      'cbt.set',
      'cbt.changed-areas',
      'hot-add.add',
      'hot-add.remove',
      'hci.hot-add.add',
      'hci.hot-add.remove',
      'guest.exec',
      'guest.exec-result',
    ]);
  });
});
