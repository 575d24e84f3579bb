import { describe, expect, it } from 'vitest';
import { expectNothingLeft, expectSameAsLive, expectSameBytes } from './expect-image.ts';
import { createRig, KIB, TRANSPORTS } from './rig.ts';

describe.each(TRANSPORTS)('a backup over %s', (transport) => {
  it('stores every byte of every disk in a full one', async () => {
    await using rig = await createRig();
    const result = await rig.run(rig.engine().backup({ server: 'erp-01', transport }));
    expect(result).toMatchObject({ kind: 'full', fullBecause: '', warnings: [] });
    expect(result.disks.map((disk) => disk.method)).toEqual(['valid-areas', 'valid-areas']);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('reads only what changed in an incremental one', async () => {
    await using rig = await createRig();
    const { server } = rig;
    const { guest } = rig.hosted.world;
    const engine = rig.engine();
    const first = await rig.run(engine.backup({ server: server.id, transport }));
    const before = await rig.stored(first.pointId, 'ide0');
    await guest.write(server.id, 'ide0', 70 * KIB, Buffer.alloc(100, 0xab));
    await guest.zero(server.id, 'virtio0', 0, 128 * KIB);
    await guest.write(server.id, 'virtio0', 2048 * KIB + 6 * 512, Buffer.alloc(512, 0xcd));
    const second = await rig.run(engine.backup({ server: server.id, transport }));
    expect(second).toMatchObject({ kind: 'incremental', fullBecause: '', warnings: [] });
    expect(second.disks.map(({ method, readBytes }) => ({ method, readBytes }))).toEqual([
      { method: 'changed-areas', readBytes: 64 * KIB },
      { method: 'changed-areas', readBytes: 128 * KIB + 7 * 512 },
    ]);
    await expectSameAsLive(rig, second.pointId);
    expectSameBytes(await rig.stored(first.pointId, 'ide0'), before, 'the first point');
  });
});
