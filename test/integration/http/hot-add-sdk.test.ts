/** The SDK against the simulator, in one process: what an engine sees of HotAdd. */
import { describe, expect, it } from 'vitest';
import { createInProcessTransport } from '../../../simulator/http/in-process-transport.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { isDiskNotAttached, isHotAddConflict, retryClassOfError } from '../../../src/sdk/scp-error.ts';
import { createScpClient } from '../../../src/sdk/scp-client.ts';
import type { HotAddRequest } from '../../../src/sdk/scp-client-api.ts';
import type { TestbedOptions } from './api-testbed.ts';
import { createHotAddTestbed, withPoolVersion } from './hot-add-testbed.ts';

const PATIENCE = { timeoutMs: 60_000 };

function createEngineView(options: TestbedOptions = {}) {
  const testbed = createHotAddTestbed(options);
  const { clock, app, credential, server, diskId } = testbed;
  const client = createScpClient({
    transport: createInProcessTransport(() => app),
    credentials: { kind: 'ec2', ...credential },
    clock,
    ids: createIdSource(createRng('engine')),
  });
  const clone = (deviceId: string, snapshotId: string): HotAddRequest => ({
    diskId: diskId(deviceId),
    purpose: 'backup',
    snapshotId,
    sourceServerId: server.id,
  });
  return { ...testbed, client, clone, run: <T>(work: Promise<T>) => clock.run(work) };
}

describe('an engine', () => {
  it('finds the proxy on a host that reaches the datastores', async () => {
    const { client, proxy, server, run } = createEngineView();
    const { disks } = await run(client.serverConfiguration(server.id));
    const stores = await run(client.datastores());
    const reach = stores.filter(({ id }) => disks.some(({ datastoreId }) => datastoreId === id));
    const hostId = reach[0]?.hostIds.find((id) => reach.every(({ hostIds }) => hostIds.includes(id))) ?? '';
    const found = await run(client.serversOnHost(hostId));
    expect(found.find(({ id }) => id === proxy.id)).toMatchObject({
      name: proxy.name,
      osName: 'Backup Proxy',
      status: 'running',
      hasVmtools: true,
    });
  });

  it('adds the disks that the configuration names, sees them at the proxy, and removes them', async () => {
    const { client, clone, proxy, server, run, lease } = createEngineView();
    const { snapshotId } = await lease();
    const { disks } = await run(client.serverConfiguration(server.id));
    expect(disks.map(({ diskId }) => diskId)).toEqual(server.disks.map(({ uuid }) => uuid));
    const wanted = disks.map(({ deviceId }) => clone(deviceId, snapshotId));
    await run(client.waitForTask((await run(client.hotAddDisks(proxy.id, wanted))).taskId, PATIENCE));
    const hotAdded = async () =>
      (await run(client.serverConfiguration(proxy.id))).disks.filter(({ purpose }) => purpose === 'backup');
    expect((await hotAdded()).map(({ diskId }) => diskId)).toEqual(disks.map(({ diskId }) => diskId));
    const ids = disks.map(({ diskId }) => diskId);
    await run(client.waitForTask((await run(client.hotRemoveDisks(proxy.id, ids))).taskId, PATIENCE));
    expect(await hotAdded()).toEqual([]);
  });

  it('learns that it lost the race, and succeeds when it tries again', async () => {
    const { client, clone, proxy, run, lease, attached, diskId } = createEngineView();
    const { snapshotId } = await lease();
    const add = async (deviceId: string) => {
      const { taskId } = await client.hotAddDisks(proxy.id, [clone(deviceId, snapshotId)]);
      await client.waitForTask(taskId, PATIENCE);
    };
    const outcomes = await run(Promise.allSettled([add('ide0'), add('ide1')]));
    const [error] = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(isHotAddConflict(error)).toBe(true);
    expect(retryClassOfError(error)).toBe('after-delay');
    await run(add('ide1'));
    expect(attached().toSorted()).toEqual([diskId('ide0'), diskId('ide1')].toSorted());
  });

  it('learns that the disks are gone once the proxy was off', async () => {
    const { client, clone, proxy, run, lease, diskId } = createEngineView();
    const { snapshotId } = await lease();
    const { taskId } = await run(client.hotAddDisks(proxy.id, [clone('ide0', snapshotId)]));
    await run(client.waitForTask(taskId, PATIENCE));
    await run(client.waitForTask((await run(client.stopServer(proxy.id))).taskId, PATIENCE));
    expect((await run(client.serverConfiguration(proxy.id))).disks).toHaveLength(1);
    const error = await run(client.hotRemoveDisks(proxy.id, [diskId('ide0')]).catch((why: unknown) => why));
    expect(isDiskNotAttached(error)).toBe(true);
  });

  it('is told for good that an older platform has no HotAdd', async () => {
    const { client, clone, proxy, run, lease } = createEngineView({ change: withPoolVersion('6.11.1') });
    const { snapshotId } = await lease();
    await expect(run(client.hotAddDisks(proxy.id, [clone('ide0', snapshotId)]))).rejects.toMatchObject({
      name: 'ScpError',
      status: 404,
      refusal: 'UNKNOWN_PATH',
      retry: 'never',
    });
  });
});
