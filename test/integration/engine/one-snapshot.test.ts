import { expect, it } from 'vitest';
import { connectGuests } from '../../../harness/runner/connect-guests.ts';
import type { ServerDisk } from '../../../simulator/domain/world-api.ts';
import { DEFAULT_NBD_PORT, guestDiskSerial, nbdExportName } from '../../../src/contract/assumed.ts';
import { connectNbd } from '../../../src/nbd/client/connect-nbd.ts';
import { createRig, KIB, ONE_PROXY, type Rig } from './rig.ts';

/** Over the network, by the backup resource. */
async function readOverNbd(rig: Rig, { deviceId, sizeBytes }: ServerDisk): Promise<Buffer> {
  const [resource] = rig.hosted.world.backupResources.list();
  const host = rig.hosted.world.hosts.find(({ id }) => id === resource?.hostId);
  if (resource === undefined || host === undefined) throw new Error('no backup resource is held');
  const dial = (signal: AbortSignal) => rig.simulator.dialNbd(host.ip, DEFAULT_NBD_PORT, signal);
  const nbd = await connectNbd({ dial, exportName: nbdExportName(resource.id, deviceId) }, rig.clock);
  return nbd.read(0, sizeBytes).finally(() => nbd.close());
}

/** In the proxy's guest, by the serial of the hot-added clone. */
async function readInGuest(rig: Rig, { uuid, sizeBytes }: ServerDisk): Promise<Buffer> {
  const { signal } = new AbortController();
  const { id, name } = rig.hosted.world.servers.find('proxy-1');
  const agent = await connectGuests(rig.hosted)({ id, name }, signal);
  const device = (await agent.devices(signal)).find(({ serial }) => serial === guestDiskSerial(uuid));
  if (device === undefined) throw new Error(`no device shows ${uuid}`);
  const disk = await agent.open(device.name, { write: false, signal });
  return disk.read(0, sizeBytes, signal).finally(() => agent.close());
}

it('one snapshot reads the same as hot-added clones and over NBD, while the guest writes on', async () => {
  await using rig = await createRig({ proxies: ONE_PROXY });
  const { snapshots, backupResources, hotAdd, servers, guest } = rig.hosted.world;
  const { id, disks } = rig.server;
  const { snapshotId } = snapshots.create(id, { name: 's', description: '' }, 'test');
  await rig.clock.advanceBy(30_000);
  backupResources.create({ serverId: id, type: 'backup', lockTimeSeconds: 7200 }, 'test');
  await rig.clock.advanceBy(30_000);
  const requests = disks.map(({ uuid }) => ({ diskId: uuid, purpose: 'backup', snapshotId }) as const);
  hotAdd.add(servers.find('proxy-1').id, requests, 'test');
  await rig.clock.advanceBy(30_000);
  expect(disks.length).toBeGreaterThan(1);
  for (const disk of disks) {
    await guest.write(id, disk.deviceId, 0, Buffer.alloc(64 * KIB, 'after the snapshot '));
    const overNbd = await rig.run(readOverNbd(rig, disk));
    const inGuest = await rig.run(readInGuest(rig, disk));
    expect(overNbd).toHaveLength(disk.sizeBytes);
    expect(Buffer.compare(inGuest, overNbd), disk.deviceId).toBe(0);
    expect(Buffer.compare(await rig.disk(id, disk.deviceId), overNbd), 'the live disk').not.toBe(0);
  }
});
