/** A real QEMU as the proxy: what its own kernel shows, and what passes through the agent in it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenDisk, ProxyAgent } from '../../../src/engine/proxy-agent.ts';
import { guestDiskSerial } from '../../../src/contract/assumed.ts';
import { requirePeers } from '../peers.ts';
import { DISKS, type DiskName, openQemuRig, type QemuRig } from './qemu-rig.ts';

const peers = requirePeers(['qemu-system-x86_64', 'busybox', 'cc']);
const signal = new AbortController().signal;
const MIB = 2 ** 20;

describe.skipIf(!peers.available)('a proxy that is a real virtual machine', () => {
  let rig: QemuRig;
  let agent: ProxyAgent;

  beforeAll(async () => {
    rig = await openQemuRig();
    agent = await rig.agent();
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    expect(await rig.machines()).toEqual([]);
  });

  const open = async (disk: DiskName): Promise<OpenDisk> => {
    const serial = guestDiskSerial(rig.uuid(disk));
    const device = (await agent.devices(signal)).find((one) => one.serial === serial);
    if (device === undefined) throw new Error(`the guest does not show ${disk}`);
    return agent.open(device.name, { write: true, signal });
  };
  const clones = async (...disks: DiskName[]): Promise<void> => {
    const snapshotId = await rig.lease();
    await rig.add(
      ...disks.map((disk) => ({ diskId: rig.uuid(disk), purpose: 'backup', snapshotId }) as const),
    );
  };
  const endLeases = async (): Promise<void> => {
    for (const { id, status } of rig.hosted.world.backupResources.list())
      if (status === 'running') await rig.task(rig.hosted.world.backupResources.delete(id, 'me'));
  };

  it('shows two disks of one call by their serials, with their sizes and bytes, and lets them go', async () => {
    expect(await agent.devices(signal)).toEqual([]);
    await clones('ide0', 'virtio0');
    const shown = (await agent.devices(signal)).map(({ serial, sizeBytes }) => ({ serial, sizeBytes }));
    const expected = (['ide0', 'virtio0'] as const).map((disk) => ({
      serial: guestDiskSerial(rig.uuid(disk)),
      sizeBytes: DISKS[disk],
    }));
    expect(new Set(shown)).toEqual(new Set(expected));
    for (const disk of ['ide0', 'virtio0'] as const) {
      const opened = await open(disk);
      expect((await opened.read(0, DISKS[disk])).equals(rig.bytes[disk])).toBe(true);
      // Odd borders, and a piece that is too small for the way over the bulk disk.
      expect(
        (await opened.read(MIB - 700, 1500)).equals(rig.bytes[disk].subarray(MIB - 700, MIB + 800)),
      ).toBe(true);
    }
    await rig.remove('ide0', 'virtio0');
    expect(await agent.devices(signal)).toEqual([]);
    await endLeases();
  });
});
