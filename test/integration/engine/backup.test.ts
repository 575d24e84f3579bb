import { describe, expect, it } from 'vitest';
import { tapNbd, tapScp, tapWriter } from './changed-env.ts';
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

it('warns of a backup policy of the platform that the server is in too', async () => {
  await using rig = await createRig();
  const engine = rig.engine({}, (env) =>
    tapScp(env, async (_request, send) => {
      const response = await send();
      return { ...response, body: response.body.replaceAll('"in_protection":0', '"in_protection":1') };
    }),
  );
  const result = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
  expect(result.warnings).toEqual([expect.stringContaining('backup policy')]);
});

describe('a backup of disks that are not what they seemed', () => {
  it('fails when a disk has another size at the transfer than a moment ago', async () => {
    await using rig = await createRig();
    // Both disks are opened once to plan, then once to be read.
    const engine = rig.engine({}, (env) =>
      tapNbd(env, ({ info }, opened) => ({
        info: { ...info, sizeBytes: info.sizeBytes + (opened > 2 ? 512 : 0) },
      })),
    );
    await expect(rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }))).rejects.toMatchObject({
      step: 'transfer',
      message: expect.stringContaining('a moment ago'),
    });
    expect(await rig.repository.points()).toEqual([]);
    await expectNothingLeft(rig);
  });

  it('is refused when there are none', async () => {
    await using rig = await createRig({ disks: [] });
    await expect(rig.run(rig.engine().backup({ server: 'erp-01', transport: 'nbd' }))).rejects.toMatchObject({
      cause: { name: 'Refusal', message: 'erp-01 has no disks' },
    });
    await expectNothingLeft(rig);
  });

  it('takes an allocation that may still change for none and reads everything', async () => {
    await using rig = await createRig();
    const engine = rig.engine({ leaveCbtAlone: true }, (env) =>
      tapNbd(env, ({ info }) => ({ info: { ...info, isReadOnly: false } })),
    );
    const result = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    expect(result.disks.map(({ method }) => method)).toEqual(['everything', 'everything']);
    await expectSameAsLive(rig, result.pointId);
  });

  it('reads holes that are not said to be zeros', async () => {
    await using rig = await createRig();
    const hole = 1;
    const engine = rig.engine({ leaveCbtAlone: true }, (env) =>
      tapNbd(env, (client) => ({
        blockStatus: async (...args) =>
          (await client.blockStatus(...args)).map((extent) => ({ ...extent, flags: hole })),
      })),
    );
    const result = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    for (const { method, readBytes, sizeBytes } of result.disks)
      expect({ method, readBytes }).toEqual({ method: 'allocation', readBytes: sizeBytes });
    await expectSameAsLive(rig, result.pointId);
  });

  it('gives up what it has begun to store when it fails', async () => {
    await using rig = await createRig();
    let aborts = 0;
    const engine = rig.engine({}, (env) =>
      tapWriter(env, (writer) => ({
        write: () => Promise.reject(new Error('disk full')),
        writeZeros: (...args) => writer.writeZeros(...args),
        commit: (notes) => writer.commit(notes),
        abort: () => {
          aborts++;
          return writer.abort();
        },
      })),
    );
    const job = rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    await expect(job).rejects.toMatchObject({ step: 'transfer', cause: { message: 'disk full' } });
    expect(aborts).toBe(1);
    await expectNothingLeft(rig);
  });
});
