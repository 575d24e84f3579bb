import { describe, expect, it } from 'vitest';
import type { EngineEnvironment } from '../../../src/engine/engine-api.ts';
import { sleep } from '../../../src/kernel/clock.ts';
import { tapNbd } from './changed-env.ts';
import { expectSameBytes, runNotes } from './expect-image.ts';
import { createRig, KIB, MIB, type Rig } from './rig.ts';

const DAY_MS = 86_400_000;

async function backUpAndStop(rig: Rig): Promise<string> {
  const { pointId } = await rig.run(rig.engine().backup({ server: 'erp-01', transport: 'nbd' }));
  rig.hosted.world.servers.stop(rig.server.id, { force: true }, 'test');
  await rig.clock.advanceBy(60_000);
  return pointId;
}

/** Something happens at the n-th read of the point. */
function atRead(env: EngineEnvironment, n: number, act: () => void): EngineEnvironment {
  let reads = 0;
  return {
    ...env,
    repository: {
      ...env.repository,
      open: async (id) => {
        const reader = await env.repository.open(id);
        return {
          info: reader.info,
          dataRanges: (deviceId) => reader.dataRanges(deviceId),
          read: (...args) => {
            if (++reads === n) act();
            return reader.read(...args);
          },
        };
      },
    },
  };
}

function expireLocks(rig: Rig): void {
  const { backupResources } = rig.hosted.world;
  for (const { id, status } of backupResources.list())
    if (status === 'running') backupResources.expireNow(id);
}

describe('a restore whose lock runs out in mid-write', () => {
  it('leaves the target off, says that it is unusable, and the next restore repairs it', async () => {
    await using rig = await createRig();
    const pointId = await backUpAndStop(rig);
    const image = await rig.stored(pointId, 'ide0');
    const engine = rig.engine({ readBytes: 64 * KIB, connections: 1 }, (env) =>
      atRead(env, 12, () => {
        expireLocks(rig);
      }),
    );
    const job = rig.run(engine.restore({ pointId, to: 'erp-01', transport: 'nbdssl', powerOn: true }));
    await expect(job).rejects.toMatchObject({
      name: 'JobFailed',
      unusableTarget: { name: 'erp-01' },
      message: expect.stringContaining('lock'),
    });
    expect(rig.server.status).toBe('stopped');
    await rig.run(rig.engine().restore({ pointId, to: 'erp-01', transport: 'nbdssl', powerOn: true }));
    expectSameBytes(await rig.disk(rig.server.id, 'ide0'), image, 'ide0');
    expect(rig.server.status).toBe('running');
  });
});

describe('a restore whose lock runs out while a write hangs', () => {
  it('lets go of the write as soon as it knows', async () => {
    await using rig = await createRig();
    const pointId = await backUpAndStop(rig);
    let lostAtMs: number | undefined;
    const engine = rig.engine({ lockTimeSeconds: 60 }, (env) =>
      tapNbd(env, () => ({
        write: async (_offset, _data, _options, signal) => {
          lostAtMs ??= rig.clock.now();
          expireLocks(rig);
          await sleep(rig.clock, DAY_MS, signal);
        },
      })),
    );
    const job = rig.run(engine.restore({ pointId, to: 'erp-01', transport: 'nbd' }));
    await expect(job).rejects.toMatchObject({
      cause: { kind: 'lease-lost' },
      unusableTarget: { name: 'erp-01' },
    });
    expect(rig.clock.now() - (lostAtMs ?? 0)).toBeLessThan(60_000);
  });
});

describe('a restore whose lock runs out after the last write', () => {
  it('is no success: nobody can say whose bytes are there now', async () => {
    await using rig = await createRig();
    const pointId = await backUpAndStop(rig);
    let flushes = 0;
    const engine = rig.engine({}, (env) =>
      tapNbd(env, (client) => ({
        async flush(signal) {
          await client.flush(signal);
          if (++flushes === rig.server.disks.length) expireLocks(rig);
        },
      })),
    );
    const job = rig.run(engine.restore({ pointId, to: 'erp-01', transport: 'nbd', powerOn: true }));
    await expect(job).rejects.toMatchObject({
      cause: { kind: 'lease-lost' },
      unusableTarget: { name: 'erp-01' },
    });
    expect(rig.server.status).toBe('stopped');
  });
});

describe('a restore that is aborted', () => {
  it('releases the target and names it', async () => {
    await using rig = await createRig();
    const pointId = await backUpAndStop(rig);
    const abort = new AbortController();
    const engine = rig.engine({ readBytes: 64 * KIB, connections: 1 }, (env) =>
      atRead(env, 9, () => abort.abort()),
    );
    const job = engine.restore({ pointId, to: 'erp-01', transport: 'nbd', signal: abort.signal });
    await expect(rig.run(job)).rejects.toMatchObject({
      cause: { name: 'JobAborted' },
      unusableTarget: { name: 'erp-01' },
    });
    expect(rig.hosted.world.backupResources.list().filter((one) => one.status === 'running')).toEqual([]);
  });

  it('leaves its new server to a clean-up', async () => {
    await using rig = await createRig();
    const pointId = await backUpAndStop(rig);
    const abort = new AbortController();
    const engine = rig.engine({ readBytes: 64 * KIB, connections: 1 }, (env) =>
      atRead(env, 9, () => abort.abort()),
    );
    const job = engine.restore({ pointId, to: 'new', transport: 'nbd', signal: abort.signal });
    await expect(rig.run(job)).rejects.toMatchObject({ unusableTarget: { name: 'erp-01-restored' } });
    expect(rig.hosted.world.servers.list()).toHaveLength(2);
    const { removed } = await rig.run(rig.engine().cleanup());
    expect(removed.map((item) => item.kind)).toEqual(['server']);
    expect(rig.hosted.world.servers.list().map((server) => server.name)).toEqual(['erp-01']);
    expect(await runNotes(rig)).toEqual([]);
  });
});

describe('a restore that cannot work', () => {
  it('is refused before the first byte when a disk has another size', async () => {
    await using rig = await createRig();
    const { pointId } = await rig.run(rig.engine().backup({ server: 'erp-01', transport: 'nbd' }));
    const reader = await rig.repository.open(pointId);
    const engine = rig.engine({}, (env) => ({
      ...env,
      repository: {
        ...env.repository,
        open: async () => ({
          info: {
            ...reader.info,
            disks: reader.info.disks.map((disk) => ({ ...disk, sizeBytes: disk.sizeBytes - 512 })),
          },
          read: (...args) => reader.read(...args),
          dataRanges: (deviceId) => reader.dataRanges(deviceId),
        }),
      },
    }));
    rig.hosted.world.servers.stop(rig.server.id, { force: true }, 'test');
    await rig.clock.advanceBy(60_000);
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 0, Buffer.alloc(MIB, 5));
    const before = await rig.disk(rig.server.id, 'ide0');
    await expect(rig.run(engine.restore({ pointId, to: 'erp-01', transport: 'nbd' }))).rejects.toMatchObject({
      step: 'check',
      unusableTarget: undefined,
    });
    expectSameBytes(await rig.disk(rig.server.id, 'ide0'), before, 'ide0');
  });

  it('is refused before the first byte when a disk is read-only', async () => {
    await using rig = await createRig();
    const pointId = await backUpAndStop(rig);
    const engine = rig.engine({}, (env) =>
      tapNbd(env, (client) => ({ info: { ...client.info, isReadOnly: true } })),
    );
    await expect(rig.run(engine.restore({ pointId, to: 'erp-01', transport: 'nbd' }))).rejects.toMatchObject({
      step: 'check',
      cause: { name: 'Refusal', message: expect.stringContaining('read-only') },
      unusableTarget: undefined,
    });
  });

  it('of an unknown point is refused', async () => {
    await using rig = await createRig();
    const job = rig.run(rig.engine().restore({ pointId: 'nope', to: 'new', transport: 'nbd' }));
    await expect(job).rejects.toMatchObject({ step: 'open', cause: { name: 'PointNotFound' } });
  });
});
