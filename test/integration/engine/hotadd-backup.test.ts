import { describe, expect, it } from 'vitest';
import { expectNothingLeft, expectSameAsLive } from './expect-image.ts';
import { createRig, KIB, ONE_PROXY } from './rig.ts';

const JOB = { server: 'erp-01', transport: 'hotadd' } as const;

describe('a backup over hotadd', () => {
  it('stores every byte of every disk in a full one', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const result = await rig.run(rig.engine().backup(JOB));
    expect(result).toMatchObject({ kind: 'full', transport: 'hotadd', proxy: 'proxy-1', warnings: [] });
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('looks at what it begins with over the network too, and keeps no connection for that', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    await rig.run(rig.engine().backup(JOB));
    const looks = rig.hosted.world.journal.entries.flatMap(({ type }) =>
      type === 'nbd.open' || type === 'nbd.close' || type === 'guest.io' ? [type] : [],
    );
    expect(looks).toContain('nbd.open');
    for (const [at, type] of looks.entries())
      if (type === 'nbd.open') expect(looks[at + 1]).toBe('nbd.close');
  });

  it('reads only what changed in an incremental one', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const engine = rig.engine();
    await rig.run(engine.backup(JOB));
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 70 * KIB, Buffer.alloc(10, 7));
    const result = await rig.run(engine.backup(JOB));
    expect(result.kind).toBe('incremental');
    expect(result.disks.map(({ readBytes }) => readBytes)).toEqual([64 * KIB, 0]);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('restores', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const engine = rig.engine();
    const { pointId } = await rig.run(engine.backup(JOB));
    const result = await rig.run(engine.restore({ pointId, to: 'new', transport: 'hotadd' }));
    expect(result).toMatchObject({ transport: 'hotadd', proxy: 'proxy-1' });
  });
});
