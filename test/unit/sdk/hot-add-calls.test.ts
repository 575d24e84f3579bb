import { describe, expect, it } from 'vitest';
import { ASSUMED_PATHS } from '../../../src/contract/assumed.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { createScpClient } from '../../../src/sdk/scp-client.ts';
import { type Answer, ok, refuse, scriptTransport } from './scripted-transport.ts';

function createTestClient(...answers: Answer[]) {
  const clock = new VirtualClock(0);
  const transport = scriptTransport(...answers);
  const client = createScpClient({
    transport,
    credentials: { kind: 'ec2', accessKey: 'AK', secretKey: 'SK' },
    clock,
    ids: createIdSource(createRng('sdk')),
  });
  const sent = () => transport.requests.map(({ body }): unknown => JSON.parse(body ?? 'null'));
  return { client, clock, transport, sent, run: <T>(work: Promise<T>) => clock.run(work) };
}

const item = (id: string, more: object) => ({ id, name: id, host_id: 'h1', ...more });
const page = (items: object[], next = '') => ok({ next_page_num: next, data: items });

describe('the servers on a host', () => {
  it('are asked for by the host, over all pages', async () => {
    const { client, transport, run } = createTestClient(page([item('a', {})], '1'), page([item('b', {})]));
    expect((await run(client.serversOnHost('h1'))).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(transport.requests.map(({ path }) => path.split('?')[1])).toEqual([
      'host_id=h1&page_num=0&page_size=100',
      'host_id=h1&page_num=1&page_size=100',
    ]);
  });

  it('are those of the host even where the platform ignores the filter', async () => {
    const { client, run } = createTestClient(page([item('a', {}), item('b', { host_id: 'h2' })]));
    expect((await run(client.serversOnHost('h1'))).map(({ id }) => id)).toEqual(['a']);
  });

  it.each([
    [1, true],
    ['1', true],
    [0, false],
    [-1, false],
    [-2, false],
    [undefined, false],
  ])('have vmtools or not: vtool_installed %o is %o', async (vtool_installed, hasVmtools) => {
    const { client, run } = createTestClient(page([item('a', { vtool_installed })]));
    expect(await run(client.serversOnHost('h1'))).toMatchObject([{ hasVmtools }]);
  });
});

describe('the configuration of a server', () => {
  const disk = {
    id: 'virtio1',
    disk_id: 'd-1',
    storage_id: 's1',
    size_mb: 1024.5,
    application_type: 'backup',
  };

  it('has its disks with their identity and purpose', async () => {
    const { client, run } = createTestClient(
      ok({
        id: 'v',
        name: 'proxy',
        host_id: 'h1',
        status: 'running',
        os_name: 'Backup Proxy',
        disks: [disk],
      }),
    );
    expect(await run(client.serverConfiguration('v'))).toEqual({
      id: 'v',
      name: 'proxy',
      hostId: 'h1',
      status: 'running',
      osName: 'Backup Proxy',
      disks: [{ deviceId: 'virtio1', diskId: 'd-1', datastoreId: 's1', sizeMb: 1024.5, purpose: 'backup' }],
    });
  });

  it('of an older platform has disks of no identity and of their own', async () => {
    const { client, run } = createTestClient(ok({ id: 'v', name: 'v', disks: [{ id: 'ide0' }] }));
    expect(await run(client.serverConfiguration('v'))).toMatchObject({
      osName: '',
      disks: [{ deviceId: 'ide0', diskId: '', purpose: 'normal' }],
    });
  });

  it('without disks is a broken contract', async () => {
    const { client, run } = createTestClient(ok({ id: 'v', name: 'v' }));
    await expect(run(client.serverConfiguration('v'))).rejects.toMatchObject({
      name: 'ProtocolError',
      field: 'disks',
    });
  });
});

describe('a HotAdd call', () => {
  it('names all disks at once, and a snapshot only for a clone', async () => {
    const { client, transport, sent, run } = createTestClient(ok({ task_id: 't' }));
    const disks = [
      { diskId: 'd1', purpose: 'backup', snapshotId: 's1', sourceServerId: 'v1' },
      { diskId: 'd2', purpose: 'restore', sourceServerId: 'v1' },
    ] as const;
    expect(await run(client.hotAddDisks('p1', disks))).toEqual({ taskId: 't' });
    expect(sent()).toEqual([
      {
        disks: [
          { disk_id: 'd1', application_type: 'backup', snapshot_id: 's1', source_server_id: 'v1' },
          { disk_id: 'd2', application_type: 'restore', source_server_id: 'v1' },
        ],
      },
    ]);
    expect(transport.requests[0]?.path).toBe(ASSUMED_PATHS.hotAdd.replace('{server_id}', 'p1'));
  });

  it('to remove has the ids of the disks', async () => {
    const { client, transport, sent, run } = createTestClient(ok({ task_id: 't' }));
    expect(await run(client.hotRemoveDisks('p1', ['d1', 'd2']))).toEqual({ taskId: 't' });
    expect(sent()).toEqual([{ action: 'delete', disk_ids: ['d1', 'd2'] }]);
    expect(transport.requests[0]?.path).toBe(ASSUMED_PATHS.hotRemove.replace('{server_id}', 'p1'));
  });

  it('is repeated with the same client token after silence', async () => {
    const { client, transport, run } = createTestClient('silence', ok({ task_id: 't' }));
    await run(client.hotAddDisks('p1', []));
    const tokens = transport.requests.map(({ headers }) => headers['X-Client-Token']);
    expect(tokens).toHaveLength(2);
    expect(new Set(tokens).size).toBe(1);
  });

  it('is not repeated by itself when the proxy has another task: the caller knows its queue', async () => {
    const { client, transport, run } = createTestClient(
      refuse(400, 'Another disk task is running on the backup proxy. Only one can run at a time. (proxy-1)'),
    );
    await expect(run(client.hotAddDisks('p1', []))).rejects.toMatchObject({
      refusal: 'HOTADD_CONFLICT',
      retry: 'after-delay',
    });
    expect(transport.requests).toHaveLength(1);
  });
});

describe('a shutdown', () => {
  it('asks the guest, and does not cut the power', async () => {
    const { client, sent, run } = createTestClient(ok({ task_id: 't' }));
    expect(await run(client.stopServer('p1'))).toEqual({ taskId: 't' });
    expect(sent()).toEqual([{ force: 0 }]);
  });
});

describe('a task that lost the race', () => {
  it('says so when it is waited for', async () => {
    const description =
      'Another disk task is running on the backup proxy. Only one can run at a time. (proxy-1)';
    const { client, run } = createTestClient(
      ok({ task_id: 't', action: 'Hot-add disks', status: 'failure', progress: -1, description }),
    );
    await expect(run(client.waitForTask('t', { timeoutMs: 1000 }))).rejects.toMatchObject({
      name: 'TaskFailed',
      refusal: 'HOTADD_CONFLICT',
      reason: description,
    });
  });
});
