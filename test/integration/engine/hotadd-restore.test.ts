import { describe, expect, it } from 'vitest';
import { tapDevices } from './changed-env.ts';
import { expectSameAsLive, expectSameBytes } from './expect-image.ts';
import { expectProxiesClean, HOTADD_JOB, passTimeUntil, statusOf, TWO_PROXIES } from './proxies.ts';
import { createRig, KIB, MIB, ONE_PROXY, type Rig } from './rig.ts';

async function shutDown(rig: Rig): Promise<void> {
  rig.hosted.world.servers.stop(rig.server.id, { force: true }, 'test');
  await rig.clock.advanceBy(60_000);
}

async function images(rig: Rig): Promise<readonly Buffer[]> {
  return Promise.all(rig.server.disks.map((disk) => rig.disk(rig.server.id, disk.deviceId)));
}

async function expectImages(rig: Rig, expected: readonly Buffer[]): Promise<void> {
  for (const [at, { deviceId }] of rig.server.disks.entries())
    expectSameBytes(await rig.disk(rig.server.id, deviceId), expected[at] ?? Buffer.alloc(0), deviceId);
}

describe('a restore over hotadd', () => {
  it('creates a new server with the same bytes, through a proxy that is started for it', async () => {
    await using rig = await createRig({ proxies: [{ name: 'proxy-1', isOff: true }] });
    const engine = rig.engine();
    const { pointId } = await rig.run(engine.backup(HOTADD_JOB));
    const result = await rig.run(engine.restore({ pointId, to: 'new', transport: 'hotadd', powerOn: true }));
    expect(result).toMatchObject({ transport: 'hotadd', proxy: 'proxy-1' });
    const restored = rig.hosted.world.servers.get(result.server.id);
    expect(restored.status).toBe('running');
    expect(restored.disks.map(({ sizeBytes }) => sizeBytes)).toEqual([3 * MIB, 2 * MIB + 7 * 512]);
    for (const { deviceId } of rig.server.disks)
      expectSameBytes(
        await rig.disk(restored.id, deviceId),
        await rig.disk(rig.server.id, deviceId),
        deviceId,
      );
    expect(statusOf(rig, 'proxy-1')).toBe('stopped');
    await expectProxiesClean(rig);
  });

  it('overwrites an existing server that is off, holes included, all disks in one task', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const engine = rig.engine();
    const before = await images(rig);
    const { pointId } = await rig.run(engine.backup(HOTADD_JOB));
    const { guest, tasks } = rig.hosted.world;
    await guest.write(rig.server.id, 'ide0', 0, Buffer.alloc(3 * MIB, 0xee));
    await guest.write(rig.server.id, 'virtio0', 2 * MIB, Buffer.alloc(7 * 512, 0xee));
    await shutDown(rig);
    const tasksBefore = tasks.list().length;
    await rig.run(engine.restore({ pointId, to: 'erp-01', transport: 'hotadd' }));
    await expectImages(rig, before);
    expect(rig.server.status).toBe('stopped');
    const actions = tasks
      .list()
      .slice(tasksBefore)
      .map(({ action }) => action);
    expect(actions.filter((action) => action.startsWith('hotadd.'))).toEqual(['hotadd.add', 'hotadd.remove']);
    await expectProxiesClean(rig);
  });

  it('writes in batches where the proxy has no room for all disks', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const engine = rig.engine({ maxDisksPerProxy: 1 });
    const before = await images(rig);
    const { pointId } = await rig.run(engine.backup(HOTADD_JOB));
    await rig.hosted.world.guest.write(rig.server.id, 'virtio0', 0, Buffer.alloc(MIB, 0xee));
    await shutDown(rig);
    await rig.run(engine.restore({ pointId, to: 'erp-01', transport: 'hotadd' }));
    await expectImages(rig, before);
    await expectProxiesClean(rig);
  });

  it('through a proxy that goes in mid-write leaves the target off and named; the next one repairs it', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    const { hotAdd, servers, journal } = rig.hosted.world;
    const engine = rig.engine();
    const before = await images(rig);
    const { pointId } = await rig.run(engine.backup(HOTADD_JOB));
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 0, Buffer.alloc(3 * MIB, 0xee));
    await shutDown(rig);
    const stop = journal.watch((entry) => {
      if (entry.type !== 'guest.io' || entry.command !== 'WRITE') return;
      stop();
      servers.stop(hotAdd.list()[0]?.proxyId ?? '', { force: true }, 'operator');
    });
    const work = engine.restore({ pointId, to: 'erp-01', transport: 'hotadd', powerOn: true });
    await expect(rig.run(work)).rejects.toMatchObject({
      name: 'JobFailed',
      unusableTarget: { id: rig.server.id, name: 'erp-01' },
      message: expect.stringContaining('proxy-1'),
    });
    expect(rig.server.status).toBe('stopped');
    await expectProxiesClean(rig);
    const result = await rig.run(engine.restore({ pointId, to: 'erp-01', transport: 'hotadd' }));
    expect(result.proxy).toBe('proxy-2');
    await expectImages(rig, before);
  });

  it('to devices that are read-only in the guest writes nothing', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const engine = rig.engine({ deviceWaitMs: 5000 }, (env) =>
      tapDevices(env, (devices) => devices.map((device) => ({ ...device, isReadOnly: true }))),
    );
    const { pointId } = await rig.run(engine.backup(HOTADD_JOB));
    const before = await images(rig);
    await shutDown(rig);
    await expect(
      rig.run(engine.restore({ pointId, to: 'erp-01', transport: 'hotadd' })),
    ).rejects.toMatchObject({
      step: 'proxy',
      message: expect.stringContaining('read-only'),
      unusableTarget: undefined,
    });
    await expectImages(rig, before);
    await expectProxiesClean(rig);
  });

  it('that is aborted detaches the disks of the target before it unlocks it', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const { hotAdd, journal } = rig.hosted.world;
    const engine = rig.engine();
    const { pointId } = await rig.run(engine.backup(HOTADD_JOB));
    await shutDown(rig);
    const abort = new AbortController();
    const position = journal.entries.length;
    const work = engine.restore({ pointId, to: 'erp-01', transport: 'hotadd', signal: abort.signal });
    const failed = expect(work).rejects.toMatchObject({ cause: { name: 'JobAborted' } });
    await passTimeUntil(rig, () => hotAdd.list().length > 0);
    abort.abort(new Error('enough'));
    await rig.run(failed);
    await expectProxiesClean(rig);
    const releases = journal.entries
      .slice(position)
      .flatMap((entry) => (entry.type === 'rest.request' ? [entry.operation] : []))
      .filter((operation) => operation === 'hot-add.remove' || operation === 'backup-resources.delete');
    expect(releases).toEqual(['hot-add.remove', 'backup-resources.delete']);
  });
});

describe('a chain of restore points', () => {
  it('may mix data paths, and every point is whole', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const engine = rig.engine();
    const { guest } = rig.hosted.world;
    const made: { pointId: string; images: readonly Buffer[] }[] = [];
    for (const [at, transport] of (['nbd', 'hotadd', 'nbdssl', 'hotadd', 'nbd'] as const).entries()) {
      await guest.write(rig.server.id, 'ide0', at * 300 * KIB, Buffer.alloc(100 * KIB, at + 1));
      const result = await rig.run(engine.backup({ server: 'erp-01', transport }));
      expect(result).toMatchObject({ transport, kind: at === 0 ? 'full' : 'incremental', warnings: [] });
      await expectSameAsLive(rig, result.pointId);
      made.push({ pointId: result.pointId, images: await images(rig) });
    }
    for (const { pointId, images: expected } of made)
      for (const [at, { deviceId }] of rig.server.disks.entries())
        expectSameBytes(await rig.stored(pointId, deviceId), expected[at] ?? Buffer.alloc(0), deviceId);
    await shutDown(rig);
    const [, second] = made;
    await rig.run(engine.restore({ pointId: second?.pointId ?? '', to: 'erp-01', transport: 'hotadd' }));
    await expectImages(rig, second?.images ?? []);
  });
});
