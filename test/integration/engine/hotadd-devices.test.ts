import { describe, expect, it } from 'vitest';
import type { FaultKind, FaultSpec } from '../../../simulator/fault/fault-api.ts';
import { expectSameAsLive } from './expect-image.ts';
import { expectProxiesClean, HOTADD_JOB, passTimeUntil, TWO_PROXIES, usedProxies } from './proxies.ts';
import { createRig, KIB, ONE_PROXY, type Rig } from './rig.ts';
import { slowWriter, tapDevices, tapWriter } from './changed-env.ts';

const onGuest = (rig: Rig, fault: FaultKind & Pick<FaultSpec, 'times' | 'device'>): void => {
  rig.hosted.faults.add({ ...fault, on: 'guest' });
};

const fired = (rig: Rig): readonly number[] => rig.hosted.faults.list().map((fault) => fault.fired);

function readBytesOn(rig: Rig, proxy: string): number {
  const { id } = rig.hosted.world.servers.find(proxy);
  return rig.hosted.world.journal.entries.reduce(
    (sum, entry) =>
      entry.type === 'guest.io' && entry.server === id && entry.command === 'READ' ? sum + entry.length : sum,
    0,
  );
}

describe('hot-added devices', () => {
  it.each<[string, FaultSpec]>([
    ['late, but in time', { kind: 'device-late', ms: 60_000, on: 'guest' }],
    ['in the reverse order', { kind: 'device-order', on: 'guest' }],
    ['under names of another family', { kind: 'device-name', on: 'guest', times: 0 }],
    ['with a serial of twelve characters', { kind: 'device-serial', characters: 12, on: 'guest', times: 0 }],
  ])('that appear %s are told apart', async (_title, fault) => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    rig.hosted.faults.add(fault);
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(fired(rig)[0]).toBeGreaterThan(0);
    expect(result).toMatchObject({ transport: 'hotadd', warnings: [] });
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it('that do not appear are attached once more', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    onGuest(rig, { kind: 'device-never' });
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(fired(rig)).toEqual([1]);
    expect(result.warnings).toEqual([
      expect.stringMatching(/^attached once more: after 120 s in proxy proxy-1: disk \S+ has not appeared/),
    ]);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it('that stand still for longer than a request may take are read on, and not given up', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    onGuest(rig, { kind: 'delay', ms: 40_000, when: 'before', times: 5 });
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(fired(rig)).toEqual([5]);
    expect(result).toMatchObject({ transport: 'hotadd', warnings: [] });
    expect(result.reconnects).toBeGreaterThan(0);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it('that never answer again are given up, and those of the next proxy too', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    onGuest(rig, { kind: 'delay', ms: 86_400_000, when: 'before', times: 0, device: 'ide0' });
    const result = await rig.run(rig.engine({ fallback: 'nbdssl' }).backup(HOTADD_JOB));
    expect(result.transport).toBe('nbdssl');
    expect(usedProxies(rig)).toEqual(['proxy-1', 'proxy-2']);
    expect(result.warnings[0]).toContain('attempt 1 was given up: the disks on proxy proxy-1 are lost');
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it('that do not appear on one proxy are read through another', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    onGuest(rig, { kind: 'device-never', device: 'ide0', times: 2 });
    const result = await rig.run(rig.engine({ deviceWaitMs: 5000 }).backup(HOTADD_JOB));
    expect(result.proxy).toBe('proxy-2');
    expect(result.warnings).toHaveLength(2);
    expect(result.warnings[1]).toContain('proxy proxy-1 does not serve: after 5 s');
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it.each<[string, FaultSpec, RegExp]>([
    ['never appear', { kind: 'device-never', on: 'guest', times: 0 }, /has not appeared/],
    [
      'have too short a serial',
      { kind: 'device-serial', characters: 11, on: 'guest', times: 0 },
      /has not appeared \(the guest shows vdb/,
    ],
    ['have no serial', { kind: 'device-serial', characters: 0, on: 'guest', times: 0 }, /without serial/],
  ])('that %s anywhere end the job, with the reason', async (_title, fault, reason) => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    rig.hosted.faults.add(fault);
    await expect(rig.run(rig.engine().backup(HOTADD_JOB))).rejects.toMatchObject({
      step: 'proxy',
      message: expect.stringMatching(reason),
    });
    const adds = rig.hosted.world.tasks.list().filter(({ action }) => action === 'hotadd.add');
    expect(adds, 'two tries per proxy').toHaveLength(4);
    expect(await rig.repository.points()).toEqual([]);
    await expectProxiesClean(rig);
  });

  it('of an earlier clone that the guest still shows are not taken for the new one', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    onGuest(rig, { kind: 'detach-early', ms: 90_000, times: 2 });
    const engine = rig.engine();
    await rig.run(engine.backup(HOTADD_JOB));
    expect(rig.hosted.guests.devices(rig.hosted.world.servers.find('proxy-1').id)).toHaveLength(2);
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 0, Buffer.alloc(200 * KIB, 7));
    onGuest(rig, { kind: 'device-late', ms: 30_000, times: 2 });
    const result = await rig.run(engine.backup(HOTADD_JOB));
    expect(result).toMatchObject({ kind: 'incremental', reconnects: 0, warnings: [] });
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it('of a disk that somebody else has attached to the proxy are left alone', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    const { hotAdd, servers } = rig.hosted.world;
    servers.stop(rig.server.id, { force: true }, 'test');
    await rig.clock.advanceBy(60_000);
    const diskId = rig.server.disks[0]?.uuid ?? '';
    const first = servers.find('proxy-1').id;
    hotAdd.add(first, [{ diskId, purpose: 'normal', sourceServerId: rig.server.id }], 'stranger');
    await rig.clock.advanceBy(30_000);
    const result = await rig.run(rig.engine({ deviceWaitMs: 5000 }).backup(HOTADD_JOB));
    expect(result.proxy).toBe('proxy-2');
    expect(result.warnings[0]).toContain('is attached already');
    expect(hotAdd.list().map(({ id, proxyId }) => [id, proxyId])).toEqual([[diskId, first]]);
    await expectSameAsLive(rig, result.pointId);
  });

  it('that never appear anywhere make the job fall back where it may', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    onGuest(rig, { kind: 'device-never', times: 0 });
    const result = await rig.run(rig.engine({ fallback: 'nbdssl' }).backup(HOTADD_JOB));
    expect(result.transport).toBe('nbdssl');
    expect(result.warnings.at(-1)).toContain('every proxy that reaches the disks has failed');
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });
});

describe('a device that is lost in mid-read', () => {
  it('spoils the attempt, and the next one takes another proxy', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    onGuest(rig, { kind: 'device-vanishes', bytes: 300 * KIB });
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(fired(rig)).toEqual([1]);
    expect(result.proxy).toBe('proxy-2');
    expect(result.warnings).toEqual([
      expect.stringMatching(/^attempt 1 was given up: the disks on proxy proxy-1 are lost/),
    ]);
    expect(usedProxies(rig)).toEqual(['proxy-1', 'proxy-2']);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it('because the proxy is powered off does so too; what the platform has detached is not detached again', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    const { hotAdd, servers, tasks } = rig.hosted.world;
    const engine = rig.engine({}, (env) => tapWriter(env, slowWriter(rig.clock, 2000)));
    const work = engine.backup(HOTADD_JOB);
    work.catch(() => undefined);
    await passTimeUntil(rig, () => hotAdd.list().length > 0);
    await rig.clock.advanceBy(3000);
    servers.stop(servers.find('proxy-1').id, { force: true }, 'operator');
    const result = await rig.run(work);
    expect(result.proxy).toBe('proxy-2');
    const removals = tasks.list().filter(({ action }) => action === 'hotadd.remove');
    expect(removals.map(({ objectName }) => objectName)).toEqual(['proxy-2']);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
    expect(servers.find('proxy-1').status).toBe('stopped');
  });

  it('because its name is another one in the end spoils the attempt', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    let renames = 0;
    const engine = rig.engine({}, (env) =>
      tapDevices(env, (devices, hasOpened) => {
        if (!hasOpened || renames > 0) return devices;
        renames++;
        return devices.map((device) => ({ ...device, name: `${device.name}x` }));
      }),
    );
    const result = await rig.run(engine.backup(HOTADD_JOB));
    expect(result.proxy).toBe('proxy-2');
    expect(result.warnings).toEqual([expect.stringContaining('became vdbx while it was in use')]);
    await expectSameAsLive(rig, result.pointId);
  });

  it('again and again ends the job with a hint', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    onGuest(rig, { kind: 'device-vanishes', bytes: 300 * KIB, times: 0 });
    await expect(rig.run(rig.engine().backup(HOTADD_JOB))).rejects.toMatchObject({
      step: 'proxy',
      message: expect.stringContaining('every proxy that reaches the disks has failed'),
      hint: expect.stringContaining('--fallback'),
    });
    expect(await rig.repository.points()).toEqual([]);
    await expectProxiesClean(rig);
  });

  it('again and again makes the job fall back where it may, however many proxies there are', async () => {
    const proxies = ['1', '2', '3', '4', '5'].map((number) => ({ name: `proxy-${number}` }));
    await using rig = await createRig({ proxies });
    onGuest(rig, { kind: 'device-vanishes', bytes: 300 * KIB, times: 0 });
    const result = await rig.run(rig.engine({ fallback: 'nbd' }).backup(HOTADD_JOB));
    expect(result.transport).toBe('nbd');
    expect(usedProxies(rig)).toEqual(['proxy-1', 'proxy-2', 'proxy-3']);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });
});

describe('a guest that signs the disks that it sees', () => {
  const dark = (rig: Rig) => rig.engine({}, (env) => ({ ...env, dialNbd: refuse }));
  const refuse = () => Promise.reject(new Error('no route to host'));
  /** As behind a firewall. */
  const silent = (rig: Rig) => rig.engine({}, (env) => ({ ...env, dialNbd: () => new Promise(() => {}) }));

  it('is found out by the bytes that the network gives, and another proxy is taken', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    onGuest(rig, { kind: 'guest-signature' });
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(fired(rig)).toEqual([1]);
    expect(result.proxy).toBe('proxy-2');
    expect(result.warnings).toEqual([expect.stringContaining('its guest has written to it')]);
    expect(readBytesOn(rig, 'proxy-1'), 'found out before anything else was read').toBe(64 * KIB);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it('on every proxy leaves no point, and is named', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    onGuest(rig, { kind: 'guest-signature', times: 0 });
    await expect(rig.run(rig.engine().backup(HOTADD_JOB))).rejects.toMatchObject({ step: 'proxy' });
    expect(await rig.repository.points()).toEqual([]);
    await expectProxiesClean(rig);
  });

  it('is found out by the base where the beginning of the disk has not changed, without a network', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    await rig.run(rig.engine().backup(HOTADD_JOB));
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 512 * KIB, Buffer.alloc(10, 7));
    onGuest(rig, { kind: 'guest-signature' });
    const result = await rig.run(dark(rig).backup(HOTADD_JOB));
    expect(result).toMatchObject({ kind: 'incremental', proxy: 'proxy-2' });
    expect(result.warnings).toEqual([expect.stringContaining('its guest has written to it')]);
    await expectSameAsLive(rig, result.pointId);
  });

  it('cannot be told without a network where the beginning is read, which a warning says', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    for (const deviceId of ['ide0', 'virtio0'])
      await rig.hosted.world.guest.write(rig.server.id, deviceId, 0, Buffer.alloc(10, 7));
    const startedAtMs = rig.clock.now();
    const result = await rig.run(silent(rig).backup({ ...HOTADD_JOB, full: true }));
    expect(result.warnings).toEqual([expect.stringContaining('could not be checked')]);
    expect(rig.clock.now() - startedAtMs).toBeLessThan(30_000);
    await expectSameAsLive(rig, result.pointId);
  });

  it('after it has been looked at is found out before the point is committed', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    const { hotAdd } = rig.hosted.world;
    const engine = rig.engine({}, (env) => tapWriter(env, slowWriter(rig.clock, 2000)));
    const work = engine.backup(HOTADD_JOB);
    work.catch(() => undefined);
    await passTimeUntil(rig, () => rig.hosted.world.journal.entries.some(({ type }) => type === 'guest.io'));
    await rig.clock.advanceBy(1000);
    const [attached] = hotAdd.list();
    await hotAdd.device(attached?.proxyId ?? '', attached?.id ?? '')?.write(440, Buffer.alloc(4, 0x5a));
    const result = await rig.run(work);
    expect(result).toMatchObject({ proxy: 'proxy-2' });
    expect(result.warnings).toEqual([expect.stringContaining('its guest has written to it')]);
    await expectSameAsLive(rig, result.pointId);
  });
});
