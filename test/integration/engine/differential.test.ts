import { describe, expect, it } from 'vitest';
import { expectNothingLeft, expectSameAsLive, expectSameBytes } from './expect-image.ts';
import { createRig, KIB, MIB, ONE_PROXY, type Rig } from './rig.ts';

async function images(rig: Rig): Promise<Map<string, Buffer>> {
  const { id, disks } = rig.server;
  return new Map(
    await Promise.all(disks.map(async (disk) => [disk.deviceId, await rig.disk(id, disk.deviceId)] as const)),
  );
}

async function expectImages(rig: Rig, expected: ReadonlyMap<string, Buffer>): Promise<void> {
  expect(expected.size).toBeGreaterThan(0);
  for (const [deviceId, bytes] of expected)
    expectSameBytes(await rig.disk(rig.server.id, deviceId), bytes, deviceId);
}

async function shutDown(rig: Rig): Promise<void> {
  rig.hosted.world.servers.stop(rig.server.id, { force: true }, 'test');
  await rig.clock.advanceBy(60_000);
}

describe.each(['nbd', 'nbdssl', 'hotadd'] as const)('a differential restore over %s', (transport) => {
  it('writes only where the server differs from the point', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const engine = rig.engine();
    const { guest } = rig.hosted.world;
    const { pointId } = await rig.run(engine.backup({ server: 'erp-01', transport }));
    const before = await images(rig);
    await guest.write(rig.server.id, 'ide0', 70 * KIB, Buffer.alloc(10, 7));
    await rig.run(engine.backup({ server: 'erp-01', transport }));
    await guest.write(rig.server.id, 'ide0', MIB, Buffer.alloc(200 * KIB, 9));
    guest.trim(rig.server.id, 'virtio0', 0, 64 * KIB);
    await shutDown(rig);
    const result = await rig.run(engine.restore({ pointId, to: 'erp-01', transport, differential: true }));
    expect(result).toMatchObject({ transport, differential: true, wholeBecause: '', warnings: [] });
    const touched = result.disks.map((disk) => disk.writtenBytes + disk.zeroBytes);
    expect(touched).toEqual([5 * 64 * KIB, 64 * KIB]);
    expect(Math.min(...result.disks.map((disk) => disk.zeroBytes))).toBeGreaterThanOrEqual(0);
    await expectImages(rig, before);
    await expectNothingLeft(rig);
    await guest.write(rig.server.id, 'ide0', 2 * MIB, Buffer.alloc(KIB, 3));
    const next = await rig.run(engine.backup({ server: 'erp-01', transport }));
    await expectSameAsLive(rig, next.pointId);
  });

  it('becomes a whole one when the history of changes is void, and says why', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const engine = rig.engine();
    const { guest, cbt, journal } = rig.hosted.world;
    const { pointId } = await rig.run(engine.backup({ server: 'erp-01', transport }));
    const before = await images(rig);
    await guest.write(rig.server.id, 'ide0', MIB, Buffer.alloc(200 * KIB, 9));
    cbt.set(rig.server.id, 'reset', undefined, 'test');
    await rig.clock.advanceBy(60_000);
    await shutDown(rig);
    const position = journal.entries.length;
    const result = await rig.run(engine.restore({ pointId, to: 'erp-01', transport, differential: true }));
    expect(result).toMatchObject({ differential: false, wholeBecause: expect.stringContaining('reset') });
    const asked = journal.entries.slice(position).map((entry) => 'operation' in entry && entry.operation);
    expect(asked, 'a map of another history may look like one').not.toContain('cbt.changed-areas');
    await expectImages(rig, before);
    await expectNothingLeft(rig);
  });
});

describe('a differential restore', () => {
  it('to a new server is refused before anything is made', async () => {
    await using rig = await createRig();
    const engine = rig.engine();
    const { pointId } = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    const work = engine.restore({ pointId, to: 'new', transport: 'nbd', differential: true });
    await expect(rig.run(work)).rejects.toMatchObject({
      step: 'target',
      hint: expect.stringContaining('leave'),
    });
  });

  it('to another server is a whole one', async () => {
    await using rig = await createRig({ servers: ['erp-01', 'erp-02'] });
    const engine = rig.engine();
    const { pointId } = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    const other = rig.hosted.world.servers.find('erp-02');
    rig.hosted.world.servers.stop(other.id, { force: true }, 'test');
    await rig.clock.advanceBy(60_000);
    const result = await rig.run(
      engine.restore({ pointId, to: 'erp-02', transport: 'nbd', differential: true }),
    );
    expect(result).toMatchObject({
      differential: false,
      wholeBecause: expect.stringContaining('another server'),
    });
    for (const { deviceId } of rig.server.disks)
      expectSameBytes(await rig.disk(other.id, deviceId), await rig.disk(rig.server.id, deviceId), deviceId);
  });

  it('writes a disk whole whose changes were not tracked, and only the areas of the others', async () => {
    await using rig = await createRig();
    const { guest, cbt } = rig.hosted.world;
    cbt.set(rig.server.id, 'enable', ['ide0'], 'test');
    await rig.clock.advanceBy(60_000);
    const engine = rig.engine({ leaveCbtAlone: true });
    const { pointId } = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    const before = await images(rig);
    await guest.write(rig.server.id, 'ide0', MIB, Buffer.alloc(KIB, 9));
    await guest.write(rig.server.id, 'virtio0', 2 * MIB, Buffer.alloc(KIB, 9));
    await shutDown(rig);
    const result = await rig.run(
      engine.restore({ pointId, to: 'erp-01', transport: 'nbd', differential: true }),
    );
    expect(result.differential).toBe(true);
    expect(result.warnings).toEqual([expect.stringContaining('virtio0')]);
    const [ide0, virtio0] = result.disks;
    expect((ide0?.writtenBytes ?? 0) + (ide0?.zeroBytes ?? 0)).toBe(64 * KIB);
    expect((virtio0?.writtenBytes ?? 0) + (virtio0?.zeroBytes ?? 0)).toBe(2 * MIB + 7 * 512);
    await expectImages(rig, before);
  });
});
