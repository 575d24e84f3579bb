import { describe, expect, it } from 'vitest';
import { expectSameBytes, runNotes } from './expect-image.ts';
import { createRig, KIB, MIB, TRANSPORTS } from './rig.ts';

describe.each(TRANSPORTS)('a restore over %s', (transport) => {
  it('creates a new server with the same bytes', async () => {
    await using rig = await createRig();
    const { server } = rig;
    const engine = rig.engine();
    const { pointId } = await rig.run(engine.backup({ server: server.id, transport }));
    const result = await rig.run(engine.restore({ pointId, to: 'new', transport, powerOn: true }));
    expect(result.server.name).toBe('erp-01-restored');
    expect(result.warnings).toEqual([expect.stringContaining('network adapters')]);
    const restored = rig.hosted.world.servers.get(result.server.id);
    expect(restored.status).toBe('running');
    expect(restored.disks.map(({ sizeBytes }) => sizeBytes)).toEqual([3 * MIB, 2 * MIB + 7 * 512]);
    for (const { deviceId } of server.disks)
      expectSameBytes(await rig.disk(restored.id, deviceId), await rig.disk(server.id, deviceId), deviceId);
    expect(await runNotes(rig)).toEqual([]);
  });

  it('overwrites an existing server that is off, holes included', async () => {
    await using rig = await createRig();
    const { server } = rig;
    const { guest, servers } = rig.hosted.world;
    const engine = rig.engine();
    const images = await Promise.all(server.disks.map((disk) => rig.disk(server.id, disk.deviceId)));
    const { pointId } = await rig.run(engine.backup({ server: server.id, transport }));
    await guest.write(server.id, 'ide0', 0, Buffer.alloc(3 * MIB, 0xee));
    guest.trim(server.id, 'virtio0', 0, MIB);
    await guest.write(server.id, 'virtio0', 2 * MIB, Buffer.alloc(7 * 512, 0xee));
    servers.stop(server.id, { force: true }, 'test');
    await rig.clock.advanceBy(60_000);
    await rig.run(engine.restore({ pointId, to: 'erp-01', transport }));
    for (const [at, { deviceId }] of server.disks.entries())
      expectSameBytes(await rig.disk(server.id, deviceId), images[at] ?? Buffer.alloc(0), deviceId);
    expect(rig.server.status).toBe('stopped');
  });

  it('refuses a running target and writes nothing', async () => {
    await using rig = await createRig();
    const engine = rig.engine();
    const { pointId } = await rig.run(engine.backup({ server: 'erp-01', transport }));
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 64 * KIB, Buffer.alloc(10, 1));
    const before = await rig.disk(rig.server.id, 'ide0');
    await expect(rig.run(engine.restore({ pointId, to: 'erp-01', transport }))).rejects.toMatchObject({
      name: 'JobFailed',
      step: 'target',
      message: expect.stringContaining('not off'),
      unusableTarget: undefined,
    });
    expectSameBytes(await rig.disk(rig.server.id, 'ide0'), before, 'ide0');
  });
});
