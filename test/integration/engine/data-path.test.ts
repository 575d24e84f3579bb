import { describe, expect, it } from 'vitest';
import { expectNothingLeft, expectSameAsLive } from './expect-image.ts';
import { createRig, KIB, type Rig, TRANSPORTS } from './rig.ts';

const fired = (rig: Rig): number => rig.hosted.faults.list()[0]?.fired ?? 0;

const opened = (rig: Rig): number =>
  rig.hosted.world.journal.entries.filter(({ type }) => type === 'nbd.open').length;

describe.each(TRANSPORTS)('the data path over %s', (transport) => {
  it('is opened again after a drop in mid-reply, and the range repeated', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'drop-after-bytes', bytes: 500_000, on: 'nbd', after: 2, times: 2 });
    const result = await rig.run(rig.engine().backup({ server: 'erp-01', transport }));
    expect(fired(rig)).toBe(2);
    expect(result.reconnects).toBeGreaterThan(0);
    expect(result.warnings).toEqual([]);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('that falls silent is given up after the time of one request', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'silence-after-bytes', bytes: 500_000, on: 'nbd', after: 2 });
    const engine = rig.engine({ requestTimeoutMs: 20_000 });
    const result = await rig.run(engine.backup({ server: 'erp-01', transport }));
    expect(fired(rig)).toBe(1);
    expect(result.durationMs).toBeGreaterThan(20_000);
    expect(result.durationMs).toBeLessThan(60_000);
    await expectSameAsLive(rig, result.pointId);
  });

  it('may dribble byte by byte', async () => {
    await using rig = await createRig({ disks: [smallDisk] });
    rig.hosted.faults.add({ kind: 'one-byte-at-a-time', on: 'nbd', times: 0 });
    const result = await rig.run(rig.engine().backup({ server: 'erp-01', transport }));
    expect(fired(rig)).toBeGreaterThan(0);
    await expectSameAsLive(rig, result.pointId);
  });

  it('is planned and read over the same connections, and what was lost on the way counts once', async () => {
    await using rig = await createRig({ disks: [smallDisk] });
    const engine = rig.engine({ connections: 1 });
    const quiet = await rig.run(engine.backup({ server: 'erp-01', transport }));
    expect([opened(rig), quiet.reconnects]).toEqual([1, 0]);
    // Verified too, over the same ones again.
    rig.hosted.faults.add({ kind: 'drop-after-bytes', bytes: 100_000, on: 'nbd' });
    const job = { server: 'erp-01', transport, full: true };
    const dropped = await rig.run(rig.engine({ connections: 1, verify: true }).backup(job));
    expect([opened(rig), dropped.reconnects]).toEqual([3, 1]);
    await expectSameAsLive(rig, dropped.pointId);
    await expectNothingLeft(rig);
  });

  it('closes one disk before it opens the next', async () => {
    await using rig = await createRig();
    const backup = rig.engine({ connections: 2 }).backup({ server: 'erp-01', transport });
    const { disks } = await rig.run(backup);
    expect(disks.length).toBeGreaterThan(1);
    const open = new Set<string>();
    for (const entry of rig.hosted.world.journal.entries) {
      if (entry.type === 'nbd.open') open.add(`${entry.connection}`);
      if (entry.type === 'nbd.close') open.delete(`${entry.connection}`);
      expect(open.size).toBeLessThanOrEqual(2);
    }
    expect(open.size).toBe(0);
  });

  it('that breaks for good fails the job after bounded attempts, with nothing left', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'drop-after-bytes', bytes: 3000, on: 'nbd', times: 0 });
    const job = rig.run(rig.engine().backup({ server: 'erp-01', transport }));
    await expect(job).rejects.toMatchObject({ name: 'JobFailed' });
    expect(await rig.repository.points()).toEqual([]);
    await expectNothingLeft(rig);
  });
});

const smallDisk = {
  deviceId: 'ide0',
  sizeBytes: 130 * KIB,
  datastoreId: 'ds-1',
  preallocate: 'off',
  content: { kind: 'synthetic', allocatedRatio: 1, runBytes: 64 * KIB },
} as const;

describe('a certificate of the data path', () => {
  it.each(['foreign-ca', 'expired', 'wrong-host'] as const)(
    'that does not fit (%s) ends the job',
    async (flaw) => {
      await using rig = await createRig();
      rig.hosted.faults.add({ kind: 'bad-certificate', flaw, on: 'nbd', times: 0 });
      const job = rig.run(rig.engine().backup({ server: 'erp-01', transport: 'nbdssl' }));
      await expect(job).rejects.toMatchObject({ name: 'JobFailed', cause: { name: 'NbdTlsError' } });
      expect(fired(rig)).toBeGreaterThan(0);
      expect(await rig.repository.points()).toEqual([]);
      await expectNothingLeft(rig);
    },
  );
});

describe('a data service that does not listen', () => {
  it('is waited for', async () => {
    await using rig = await createRig();
    let refusals = 0;
    const engine = rig.engine({}, (env) => ({
      ...env,
      dialNbd: async (host, port, signal) => {
        if (++refusals <= 3) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
        return env.dialNbd(host, port, signal);
      },
    }));
    const result = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbdssl' }));
    expect(refusals).toBeGreaterThan(3);
    await expectSameAsLive(rig, result.pointId);
  });

  it('for good fails the job with nothing left', async () => {
    await using rig = await createRig();
    const engine = rig.engine({}, (env) => ({
      ...env,
      dialNbd: () =>
        Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })),
    }));
    const job = rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    await expect(job).rejects.toMatchObject({ name: 'JobFailed', step: 'data-path-lost' });
    await expectNothingLeft(rig);
  });
});

describe('a data service that is dialled and never answers', () => {
  const neverDials = (dialled: () => void) => () => {
    dialled();
    return new Promise<never>(() => undefined);
  };

  it('does not hold up an abort', async () => {
    await using rig = await createRig();
    const controller = new AbortController();
    const engine = rig.engine({ requestTimeoutMs: 600_000 }, (env) => ({
      ...env,
      dialNbd: neverDials(() => controller.abort(new Error('enough'))),
    }));
    const startedAtMs = rig.clock.now();
    const job = engine.backup({ server: 'erp-01', transport: 'nbd', signal: controller.signal });
    await expect(rig.run(job)).rejects.toMatchObject({ name: 'JobFailed', cause: { name: 'JobAborted' } });
    expect(rig.clock.now() - startedAtMs).toBeLessThan(60_000);
    await expectNothingLeft(rig);
  });

  it('does not hide the loss of the lock; the next attempt has a lock of its own', async () => {
    await using rig = await createRig();
    let dials = 0;
    const engine = rig.engine({ requestTimeoutMs: 3_600_000 }, (env) => ({
      ...env,
      dialNbd(host, port, signal) {
        if (++dials > 1) return env.dialNbd(host, port, signal);
        const { backupResources } = rig.hosted.world;
        for (const { id, status } of backupResources.list())
          if (status === 'running') backupResources.expireNow(id);
        return new Promise<never>(() => undefined);
      },
    }));
    const result = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    expect(result.durationMs).toBeLessThan(600_000);
    expect(result.warnings).toEqual([expect.stringContaining('lock on the server is lost')]);
    await expectSameAsLive(rig, result.pointId);
  });
});
