import { describe, expect, it } from 'vitest';
import { slowWriter, tapNbd, tapWriter } from './changed-env.ts';
import { expectNothingLeft, expectSameAsLive } from './expect-image.ts';
import { createRig, type Rig } from './rig.ts';

const HOUR_MS = 3_600_000;

function snapshotsTaken(rig: Rig): number {
  return rig.hosted.world.journal.entries.filter(
    (entry) => entry.type === 'rest.request' && entry.operation === 'snapshots.create',
  ).length;
}

describe('the lock of a long backup', () => {
  it('is renewed for 24 hours while single writes take hours', async () => {
    await using rig = await createRig();
    const engine = rig.engine({ connections: 1 }, (env) =>
      tapWriter(env, slowWriter(rig.clock, 12 * HOUR_MS)),
    );
    const result = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbdssl' }));
    expect(result.durationMs).toBeGreaterThan(24 * HOUR_MS);
    expect(result.renewals).toBeGreaterThan(24 * 38);
    expect(result.warnings).toEqual([]);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('holds although the answers to all renewals are lost', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'lose-reply', on: 'backup-resources.renew', times: 0 });
    const engine = rig.engine({ lockTimeSeconds: 60, connections: 1 }, (env) =>
      tapWriter(env, slowWriter(rig.clock, 300_000)),
    );
    const result = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    expect(rig.hosted.faults.list()[0]?.fired).toBeGreaterThan(5);
    expect(result.renewals).toBeGreaterThan(5);
    expect(result.warnings).toEqual([]);
    await expectSameAsLive(rig, result.pointId);
  });

  it('is given up for good after four attempts when no renewal ever arrives', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'lose-request', on: 'backup-resources.renew', times: 0 });
    const engine = rig.engine({ lockTimeSeconds: 60, connections: 1 }, (env) =>
      tapWriter(env, slowWriter(rig.clock, 300_000)),
    );
    const job = rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    await expect(job).rejects.toMatchObject({ name: 'JobFailed', step: 'lease-lost' });
    expect(snapshotsTaken(rig)).toBe(4);
    expect(await rig.repository.points()).toEqual([]);
    await expectNothingLeft(rig);
  });

  it('lost to an expiry is followed by a whole new attempt', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'expire-resource', on: 'backup-resources.renew' });
    const engine = rig.engine({ lockTimeSeconds: 60, connections: 1 }, (env) =>
      tapWriter(env, slowWriter(rig.clock, 30_000)),
    );
    const result = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbdssl' }));
    expect(rig.hosted.faults.list()[0]?.fired).toBe(1);
    expect(result.warnings).toEqual([expect.stringContaining('attempt 1 was given up')]);
    expect(snapshotsTaken(rig)).toBe(2);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('lost without a word is recognised behind a refused export', async () => {
    await using rig = await createRig();
    const { backupResources } = rig.hosted.world;
    let isDone = false;
    const engine = rig.engine({ lockTimeSeconds: 7200, renewEverySeconds: 2400 }, (env) =>
      tapNbd(env, (client) => ({
        read(...args) {
          for (const { id, status } of isDone ? [] : backupResources.list())
            if (status === 'running') backupResources.expireNow(id);
          isDone = true;
          return client.read(...args);
        },
      })),
    );
    const result = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    expect(result.warnings).toEqual([expect.stringContaining('lock on the server is lost')]);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('is waited for while somebody else holds the server', async () => {
    await using rig = await createRig();
    rig.hosted.world.backupResources.occupy(rig.server.id, 300);
    const result = await rig.run(rig.engine().backup({ server: 'erp-01', transport: 'nbd' }));
    expect(result.durationMs).toBeGreaterThan(290_000);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('is not waited for beyond the bound', async () => {
    await using rig = await createRig();
    rig.hosted.world.backupResources.occupy(rig.server.id, 3000);
    const startedAtMs = rig.clock.now();
    const job = rig.run(rig.engine({ busyWaitMs: 120_000 }).backup({ server: 'erp-01', transport: 'nbd' }));
    await expect(job).rejects.toMatchObject({ name: 'JobFailed', step: 'lock' });
    expect(rig.clock.now() - startedAtMs).toBeLessThan(200_000);
    await expectNothingLeft(rig);
  });

  it('released by a job of higher priority is taken again', async () => {
    await using rig = await createRig();
    let isDone = false;
    const engine = rig.engine({ connections: 1 }, (env) =>
      tapWriter(env, (writer) => ({
        ...slowWriter(rig.clock, 200_000)(writer),
        write: async (...args) => {
          if (!isDone) rig.hosted.world.backupResources.preempt(rig.server.id);
          isDone = true;
          await slowWriter(rig.clock, 200_000)(writer).write(...args);
        },
      })),
    );
    const result = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    expect(result.warnings).toEqual([expect.stringContaining('cancelled')]);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });
});
