import { describe, expect, it } from 'vitest';
import { API_ERRORS } from '../../../src/contract/errors.ts';
import { createInProcessTransport } from '../../../simulator/http/in-process-transport.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { createScpClient } from '../../../src/sdk/scp-client.ts';
import { createHotAddTestbed, DOORS } from './hot-add-testbed.ts';

describe.each(DOORS)('a planned fault at HotAdd over $door', ({ door: name }) => {
  const on = name === 'SCP' ? 'hot-add.add' : 'hci.hot-add.add';

  it('ends the backup resource of the disks\u2019 server, so that nothing is added', async () => {
    const testbed = createHotAddTestbed();
    const { world, faults } = testbed;
    const { snapshotId, resourceId } = await testbed.lease();
    faults.add({ kind: 'expire-resource', on });
    const { status, body } = await testbed.doors[name].add(testbed.clones(snapshotId));
    expect(status).toBe(400);
    expect(body.message).toContain(API_ERRORS.NO_BACKUP_RESOURCE.message);
    expect(world.backupResources.get(resourceId).status).toBe('expired');
  });

  it('leaves the backup resources of other servers alone', async () => {
    const testbed = createHotAddTestbed();
    const { world, faults, proxy } = testbed;
    const { resourceId } = await testbed.lease();
    faults.add({ kind: 'expire-resource', on });
    const foreign = [{ disk_id: proxy.disks[0]?.uuid, application_type: 'normal' }];
    expect((await testbed.doors[name].add(foreign)).status).toBe(400);
    expect(faults.list()).toMatchObject([{ fired: 0 }]);
    expect(world.backupResources.get(resourceId).status).toBe('running');
  });

  it('finds its proxy by name', async () => {
    const testbed = createHotAddTestbed();
    const { faults, proxy, server } = testbed;
    const { snapshotId } = await testbed.lease();
    faults.add({ kind: 'error', status: 503, message: 'not now', on, server: server.name });
    faults.add({ kind: 'error', status: 500, message: 'broken', on, server: proxy.name });
    expect(await testbed.doors[name].add(testbed.clones(snapshotId))).toMatchObject({ status: 500 });
    expect(faults.list().map(({ fired }) => fired)).toEqual([0, 1]);
  });
});

describe('a lost answer to a HotAdd call', () => {
  it('is asked for again, and the disks are added by one task', async () => {
    const testbed = createHotAddTestbed();
    const { app, clock, credential, faults, proxy, server, world } = testbed;
    const { snapshotId } = await testbed.lease();
    const client = createScpClient({
      transport: createInProcessTransport(() => app),
      credentials: { kind: 'ec2', ...credential },
      clock,
      ids: createIdSource(createRng('engine')),
    });
    faults.add({ kind: 'lose-reply', on: 'hot-add.add' });
    const diskId = testbed.diskId('ide0');
    const disk = { diskId, purpose: 'backup', snapshotId, sourceServerId: server.id } as const;
    const { taskId } = await clock.run(client.hotAddDisks(proxy.id, [disk]));
    await clock.run(client.waitForTask(taskId, { timeoutMs: 60_000 }));
    const tasks = world.tasks.list().filter(({ action }) => action === 'hotadd.add');
    expect(tasks.map(({ id, status }) => [id, status])).toEqual([[taskId, 'finish']]);
  });
});
