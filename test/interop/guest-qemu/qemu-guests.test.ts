/** A real QEMU as the proxy: what its own kernel shows, and what passes through the agent in it. */
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentLost, DeviceGone, type OpenDisk, type ProxyAgent } from '../../../src/engine/proxy-agent.ts';
import { guestDiskSerial } from '../../../src/contract/assumed.ts';
import { agentSocket } from '../../../src/kernel/guest-folder.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { DISKS, type DiskName, needQemu, openQemuRig, PROXY, type QemuRig, SERVER } from './qemu-rig.ts';

const signal = new AbortController().signal;
const MIB = 2 ** 20;
const BOTH = ['ide0', 'virtio0'] as const;

describe.skipIf(!needQemu())('a proxy that is a real virtual machine', () => {
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
  const equal = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

  it('shows two disks of one call by their serials, with their sizes and bytes, and lets them go', async () => {
    expect(await agent.devices(signal)).toEqual([]);
    const lease = await rig.leaseForBackup();
    await rig.add(...lease.clones(...BOTH));
    const shown = (await agent.devices(signal)).map(({ serial, sizeBytes }) => ({ serial, sizeBytes }));
    expect(shown).toEqual(
      BOTH.map((disk) => ({ serial: guestDiskSerial(rig.uuid(disk)), sizeBytes: DISKS[disk] })),
    );
    for (const disk of BOTH) {
      const opened = await open(disk);
      expect(equal(await opened.read(0, DISKS[disk]), rig.bytes[disk])).toBe(true);
      // Odd borders, and a piece too small for the way over the bulk disk.
      const part = await opened.read(MIB - 700, 1500);
      expect(equal(part, rig.bytes[disk].subarray(MIB - 700, MIB + 800))).toBe(true);
    }
    await rig.remove(...BOTH);
    expect(await agent.devices(signal)).toEqual([]);
    await lease.end();
  });

  it('leaves nothing behind after five rounds of plugging in and out', async () => {
    const lease = await rig.leaseForBackup();
    const names = new Set<string>();
    for (let round = 0; round < 5; round++) {
      await rig.add(...lease.clones(...BOTH));
      for (const { name } of await agent.devices(signal)) names.add(name);
      const opened = await open('virtio0');
      expect(equal(await opened.read(0, MIB), rig.bytes.virtio0.subarray(0, MIB))).toBe(true);
      await rig.remove(...BOTH);
      expect(await agent.devices(signal)).toEqual([]);
    }
    expect(names.size).toBe(2);
    await lease.end();
  });

  it('writes what the engine writes, whole sectors or not, and zeros, to the disk itself', async () => {
    await rig.powerOff(SERVER);
    const lease = await rig.leaseForRestore();
    await rig.add({ diskId: rig.uuid('virtio0'), purpose: 'restore' });
    const opened = await open('virtio0');
    const expected = Buffer.from(rig.bytes.virtio0);
    const write = async (offset: number, length: number): Promise<void> => {
      const data = createRng(`${offset}`).bytes(length);
      expected.set(data, offset);
      await opened.write(offset, data);
    };
    await write(0, 3 * MIB);
    await write(5 * MIB + 100, 300);
    await write(6 * MIB - 1, 1026);
    await opened.writeZeroes(MIB + 10, 2 * MIB);
    expected.fill(0, MIB + 10, 3 * MIB + 10);
    await opened.flush();
    expect(equal(await opened.read(0, DISKS.virtio0), expected)).toBe(true);
    await rig.remove('virtio0');
    await lease.end();
    const written = await rig.hosted.world.guest.read(SERVER, 'virtio0', 0, DISKS.virtio0);
    expect(equal(written, expected)).toBe(true);
    await rig.hosted.world.guest.write(SERVER, 'virtio0', 0, rig.bytes.virtio0);
    await rig.powerOn(SERVER);
  });

  it('never reads another disk that took over a name', async () => {
    const lease = await rig.leaseForBackup();
    await rig.add(...lease.clones('ide0'));
    const first = await agent.devices(signal);
    const opened = await open('ide0');
    await rig.remove('ide0');
    await rig.add(...lease.clones('virtio0'));
    const second = await agent.devices(signal);
    expect(second.map(({ name }) => name)).toEqual(first.map(({ name }) => name));
    await expect(opened.read(0, MIB)).rejects.toThrow(DeviceGone);
    await expect(opened.read(0, 512)).rejects.toThrow(DeviceGone);
    await rig.remove('virtio0');
    await lease.end();
  });

  it('loses a disk whose backup resource ends, also in the middle of reading', async () => {
    const lease = await rig.leaseForBackup();
    await rig.add(...lease.clones('ide0'));
    const opened = await open('ide0');
    const read = async (): Promise<never> => {
      for (;;) await opened.read(0, 4 * MIB);
    };
    const reading = expect(read()).rejects.toThrow();
    await lease.end();
    await reading;
    await rig.settled();
    await expect(opened.read(0, MIB)).rejects.toThrow(DeviceGone);
    expect(await agent.devices(signal)).toEqual([]);
  });

  it('serves several programs at once; one that dies in the middle of a request harms none', async () => {
    const lease = await rig.leaseForBackup();
    await rig.add(...lease.clones(...BOTH));
    const [device] = await agent.devices(signal);
    const dying = net.connect(agentSocket(rig.level.folder, PROXY));
    await new Promise((resolve) => dying.write(`1 write ${device?.name} 1 0 1048576\nhalf`, resolve));
    dying.destroy();
    const other = await rig.agent();
    const opened = await open('ide0');
    const reads = Array.from({ length: 16 }, (_, at) =>
      opened
        .read(at * MIB, MIB)
        .then((bytes) => equal(bytes, rig.bytes.ide0.subarray(at * MIB, (at + 1) * MIB))),
    );
    const [lists, same] = await Promise.all([
      Promise.all(Array.from({ length: 16 }, () => other.devices(signal))),
      Promise.all(reads),
    ]);
    expect(lists.every((list) => list.length === 2)).toBe(true);
    expect(same.every(Boolean)).toBe(true);
    await other.close();
    await rig.remove(...BOTH);
    await lease.end();
  });

  it('is ended by power-off, with all its disks, and starts anew', async () => {
    const lease = await rig.leaseForBackup();
    await rig.add(...lease.clones('ide0'));
    const opened = await open('ide0');
    const stranger = await rig.strangersAgent();
    const [device] = await stranger.devices(signal);
    const theirs = await stranger.open(device?.name ?? '', { write: false, signal });
    const read = async (): Promise<never> => {
      for (;;) await theirs.read(0, 4 * MIB);
    };
    const reading = expect(read()).rejects.toThrow();
    await rig.powerOff(PROXY);
    await reading;
    await expect(opened.read(0, MIB)).rejects.toThrow(AgentLost);
    await rig.settled();
    expect(await rig.machines()).toEqual([]);
    await expect(rig.agent()).rejects.toThrow(AgentLost);
    await rig.powerOn(PROXY);
    agent = await rig.agent();
    expect(await agent.devices(signal)).toEqual([]);
    await rig.add(...lease.clones('ide0'));
    const again = await open('ide0');
    expect(equal(await again.read(0, MIB), rig.bytes.ide0.subarray(0, MIB))).toBe(true);
    await rig.remove('ide0');
    await lease.end();
  });
});
