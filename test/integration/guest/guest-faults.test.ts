/** Each fault of guests, as an engine in the proxy meets it. */
import { describe, expect, it } from 'vitest';
import { DeviceGone } from '../../../src/engine/proxy-agent.ts';
import { NbdError } from '../../../src/nbd/client/errors.ts';
import { createGuestRig, GRAIN, PROXY, SERVER } from './guest-rig.ts';

const HEAD = Buffer.alloc(16, 'disk 0 ');

describe('coming', () => {
  it('device-late: it appears so much later than its task ends', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-late', ms: 30_000 });
    expect((await rig.add('ide0')).status).toBe('finish');
    await rig.clock.advanceBy(29_000);
    expect(await rig.devices()).toEqual([]);
    await rig.clock.advanceBy(1_000);
    expect(await rig.devices()).toHaveLength(1);
    expect(rig.fired()).toBe(1);
  });

  it('device-late: it does not appear at all when it is removed before', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-late', ms: 30_000 });
    await rig.add('ide0');
    expect((await rig.taskEnd(rig.remove('ide0'))).status).toBe('finish');
    await rig.clock.advanceBy(60_000);
    expect(rig.guestEntries()).toEqual([]);
  });

  it('device-late: nothing waits any more for a device whose disk is gone', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-late', ms: 3_600_000 });
    await rig.add('ide0');
    await rig.taskEnd(rig.remove('ide0'));
    // The next that happens is the end of the backup resource, two hours after its creation.
    expect((rig.clock.nextTimerMs() ?? 0) - rig.clock.now()).toBeGreaterThan(3_600_000);
  });

  it('device-never: the task ends well, nothing appears, and it can be removed', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-never' });
    expect((await rig.add('ide0')).status).toBe('finish');
    await rig.clock.advanceBy(86_400_000 / 24);
    expect(await rig.devices()).toEqual([]);
    expect(rig.fired()).toBe(1);
    expect((await rig.taskEnd(rig.remove('ide0'))).status).toBe('finish');
    expect(rig.guestEntries()).toEqual([]);
  });

  it('device-order: the disks of one call appear the other way round', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-order' });
    await rig.add('ide0', 'ide1');
    expect(rig.shown().map(({ name, diskId }) => [name, diskId])).toEqual([
      ['vdb', rig.uuid('ide1')],
      ['vdc', rig.uuid('ide0')],
    ]);
    expect(rig.fired()).toBe(1);
  });

  it('device-order: does not count where there is nothing to reverse', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-order' });
    await rig.add('ide0');
    expect(rig.fired()).toBe(0);
  });

  it('device-name: it has a name of another family', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-name', device: 'ide1' });
    await rig.add('ide0', 'ide1');
    expect((await rig.devices()).map(({ name }) => name)).toEqual(['vdb', 'sdb']);
    const disk = await rig.open('sdb');
    expect(await rig.run(disk.read(GRAIN, 7))).toEqual(Buffer.from('disk 1 '));
  });

  it.each([0, 8, 36])('device-serial: %i characters of the id', async (characters) => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-serial', characters });
    await rig.add('ide0', 'ide1');
    expect((await rig.devices()).map(({ serial }) => serial)).toEqual([
      rig.uuid('ide0').slice(0, characters),
      rig.uuid('ide1').slice(0, 20),
    ]);
  });

  it('guest-signature: the clone’s first sector is another one, the snapshot’s is not', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'guest-signature' });
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    const sector = await rig.run(disk.read(0, 512));
    expect(sector.subarray(510)).toEqual(Buffer.from([0x55, 0xaa]));
    expect(sector.subarray(0, 440)).toEqual(Buffer.alloc(440));
    expect(sector.subarray(440, 444)).not.toEqual(Buffer.alloc(4));
    const [snapshot] = rig.hosted.world.snapshots.list(SERVER);
    const kept = await rig.hosted.world.guest.readSnapshot(SERVER, snapshot?.id ?? '', 'ide0', 0, 512);
    expect(Buffer.from(kept)).toEqual(Buffer.alloc(512));
    expect(rig.guestEntries()[0]).toMatchObject({
      type: 'guest.io',
      command: 'WRITE',
      offset: 0,
      length: 512,
    });
  });
});

describe('reading', () => {
  it('device-vanishes: it is gone after so many bytes, and the platform still calls it attached', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-vanishes', bytes: 2 * GRAIN });
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    await rig.run(disk.read(0, GRAIN));
    expect(rig.fired()).toBe(0);
    await expect(rig.run(disk.read(GRAIN, 4 * GRAIN))).rejects.toBeInstanceOf(DeviceGone);
    expect(await rig.devices()).toEqual([]);
    expect(rig.fired()).toBe(1);
    expect(rig.hosted.world.hotAdd.list(PROXY)).toHaveLength(1);
    expect((await rig.taskEnd(rig.remove('ide0'))).status).toBe('finish');
  });

  it('device-vanishes: a device that was spared once is spared for good', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-vanishes', bytes: GRAIN, after: 1 });
    await rig.add('ide0', 'ide1');
    const [first, second] = [await rig.open('vdb'), await rig.open('vdc')];
    for (let block = 0; block < 4; block++) await rig.run(first.read(block * GRAIN, GRAIN));
    expect(rig.fired()).toBe(0);
    await rig.run(second.read(0, 2 * GRAIN)).catch(() => undefined);
    expect((await rig.devices()).map(({ name }) => name)).toEqual(['vdb']);
  });

  it('device-vanishes: the disk comes back when it is removed and added again', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-vanishes', bytes: 1 });
    await rig.add('ide0');
    await rig.run((await rig.open('vdb')).read(0, 512).catch(() => undefined));
    await rig.taskEnd(rig.remove('ide0'));
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    expect(await rig.run(disk.read(GRAIN, 16))).toEqual(HEAD);
  });

  it('error: one request fails, the next does not', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'error', status: 500, message: 'bad sector', after: 1 });
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    await rig.run(disk.read(0, 16));
    await expect(rig.run(disk.read(GRAIN, 16))).rejects.toBeInstanceOf(NbdError);
    expect(await rig.run(disk.read(GRAIN, 16))).toEqual(HEAD);
    expect(rig.guestEntries().map((entry) => ('error' in entry ? entry.error : '-'))).toEqual(['-', 0, 5, 0]);
  });

  it('delay: a request takes its time', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'delay', ms: 7_000, when: 'before' });
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    const beforeMs = rig.clock.now();
    await rig.run(disk.read(0, 16));
    expect(rig.clock.now() - beforeMs).toBe(7_000);
  });

  it('lose-reply: the write is done, and the program loses its device file', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'lose-reply' });
    await rig.addLive('ide0');
    const disk = await rig.open('vdb');
    await expect(rig.run(disk.write(GRAIN, Buffer.alloc(16, 'w')))).rejects.toBeInstanceOf(DeviceGone);
    expect(await rig.hosted.world.guest.read(SERVER, 'ide0', GRAIN, 16)).toEqual(Buffer.alloc(16, 'w'));
    expect(await rig.devices()).toHaveLength(1);
  });

  it('expire-resource: between attach and read', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'expire-resource' });
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    await expect(rig.run(disk.read(0, 16))).rejects.toBeInstanceOf(DeviceGone);
    expect(await rig.devices()).toEqual([]);
    expect(rig.hosted.world.backupResources.list()[0]?.status).toBe('expired');
  });
});

describe('going', () => {
  it('detach-hangs: the removal waits for the guest, which works on meanwhile', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'detach-hangs', ms: 20_000 });
    await rig.add('ide0');
    const { taskId } = rig.remove('ide0');
    await rig.clock.advanceBy(15_000);
    expect(rig.hosted.world.tasks.get(taskId).endMs).toBeUndefined();
    expect(await rig.run((await rig.open('vdb')).read(GRAIN, 16))).toEqual(HEAD);
    await rig.clock.advanceBy(10_000);
    expect(rig.hosted.world.tasks.get(taskId).status).toBe('finish');
    expect(await rig.devices()).toEqual([]);
  });

  it('detach-hangs for ever: the removal fails, the next one does not', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'detach-hangs', ms: 0 });
    await rig.add('ide0');
    expect((await rig.taskEnd(rig.remove('ide0'))).status).toBe('failure');
    expect(await rig.devices()).toHaveLength(1);
    expect((await rig.taskEnd(rig.remove('ide0'))).status).toBe('finish');
    expect(await rig.devices()).toEqual([]);
  });

  it('detach-hangs: power-off takes the device away all the same', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'detach-hangs', ms: 0 });
    await rig.add('ide0');
    rig.remove('ide0');
    await rig.clock.advanceBy(5_000);
    await rig.taskEnd(rig.hosted.world.servers.stop(PROXY, { force: true }, 'test'));
    expect(rig.shown()).toEqual([]);
  });

  it('detach-early: the platform is done while the guest still shows a device without bytes', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'detach-early', ms: 20_000 });
    await rig.add('ide0');
    expect((await rig.taskEnd(rig.remove('ide0'))).status).toBe('finish');
    expect(rig.hosted.world.hotAdd.list(PROXY)).toEqual([]);
    const stale = await rig.open('vdb');
    await expect(rig.run(stale.read(GRAIN, 16))).rejects.toBeInstanceOf(NbdError);
    await rig.clock.advanceBy(20_000);
    expect(await rig.devices()).toEqual([]);
  });

  it('detach-early: added again at once, the disk is there twice under one serial', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'detach-early', ms: 60_000 });
    await rig.add('ide0');
    await rig.taskEnd(rig.remove('ide0'));
    await rig.add('ide0');
    const serial = rig.uuid('ide0').slice(0, 20);
    expect((await rig.devices()).map((device) => [device.name, device.serial])).toEqual([
      ['vdb', serial],
      ['vdc', serial],
    ]);
    expect(await rig.run((await rig.open('vdc')).read(GRAIN, 16))).toEqual(HEAD);
    await rig.clock.advanceBy(60_000);
    expect((await rig.devices()).map(({ name }) => name)).toEqual(['vdc']);
  });

  it('detach-early: of two devices of one disk the attached one is removed', async () => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'detach-early', ms: 600_000 });
    await rig.add('ide0');
    await rig.taskEnd(rig.remove('ide0'));
    await rig.add('ide0');
    await rig.taskEnd(rig.remove('ide0'));
    expect((await rig.devices()).map(({ name }) => name)).toEqual(['vdb']);
  });
});

describe('the filters of a fault', () => {
  it.each([
    [{ server: SERVER }, 1],
    [{ server: 'erp-01' }, 1],
    [{ server: PROXY }, 0],
    [{ device: 'ide1' }, 1],
    [{ device: 'virtio0' }, 0],
  ])('%o name the source of the disk', async (filter, fired) => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-never', ...filter });
    await rig.add('ide0', 'ide1');
    expect(rig.fired()).toBe(fired);
    expect(await rig.devices()).toHaveLength(2 - fired);
  });
});
