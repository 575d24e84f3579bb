/** Jobs of one engine that run side by side share what a host can bear. */
import { expect, it } from 'vitest';
import type { EngineOptions } from '../../../src/engine/engine-api.ts';
import { slowWriter, tapWriter } from './changed-env.ts';
import { expectNothingLeft, expectSameBytes } from './expect-image.ts';
import { createRig, type Rig } from './rig.ts';

const NAMES = ['erp-01', 'erp-02', 'erp-03', 'erp-04', 'erp-05', 'erp-06'] as const;
const ONE_HOST = { servers: NAMES, hosts: 1 };

async function backUpAll(rig: Rig, options: EngineOptions, writeMs: number) {
  const engine = rig.engine({ connections: 3, ...options }, (env) =>
    tapWriter(env, slowWriter(rig.clock, writeMs)),
  );
  const jobs = NAMES.map((server) => engine.backup({ server, transport: 'nbd' }));
  return rig.run(Promise.all(jobs));
}

/** The most data connections that were open at once. */
function mostOpen(rig: Rig): number {
  let open = 0;
  let most = 0;
  for (const { type } of rig.hosted.world.journal.entries) {
    if (type === 'nbd.open') most = Math.max(most, ++open);
    if (type === 'nbd.close') open--;
  }
  expect(open).toBe(0);
  return most;
}

async function expectStored(rig: Rig, server: string, pointId: string): Promise<void> {
  const { id, disks } = rig.hosted.world.servers.find(server);
  for (const { deviceId } of disks)
    expectSameBytes(await rig.stored(pointId, deviceId), await rig.disk(id, deviceId), deviceId);
}

it('never holds more connections to a host than allowed, and all jobs finish', async () => {
  await using rig = await createRig(ONE_HOST);
  const results = await backUpAll(rig, { maxConnectionsPerHost: 4 }, 100);
  expect(mostOpen(rig)).toBeLessThanOrEqual(4);
  expect(mostOpen(rig)).toBeGreaterThan(2);
  for (const { server, pointId } of results) await expectStored(rig, server.name, pointId);
  expect(results.flatMap(({ warnings }) => warnings)).toEqual([]);
  await expectNothingLeft(rig);
});

it('holds no more than a host bears when nothing is said', async () => {
  await using rig = await createRig(ONE_HOST);
  await backUpAll(rig, {}, 100);
  expect(mostOpen(rig)).toBeLessThanOrEqual(16);
  expect(mostOpen(rig)).toBeGreaterThan(12);
});

it('goes on with fewer connections than a disk asks for', async () => {
  await using rig = await createRig({ hosts: 1 });
  const result = await rig.run(
    rig.engine({ connections: 8, maxConnectionsPerHost: 1 }).backup({ server: 'erp-01', transport: 'nbd' }),
  );
  expect(mostOpen(rig)).toBe(1);
  await expectStored(rig, 'erp-01', result.pointId);
});

it('keeps the locks of jobs that wait in line', async () => {
  await using rig = await createRig(ONE_HOST);
  const lock = { lockTimeSeconds: 60, renewEverySeconds: 20 };
  const results = await backUpAll(rig, { maxConnectionsPerHost: 1, ...lock }, 20_000);
  // Far longer than a lock that nobody renews.
  expect(Math.max(...results.map(({ durationMs }) => durationMs))).toBeGreaterThan(180_000);
  expect(results.flatMap(({ warnings }) => warnings)).toEqual([]);
  expect(Math.max(...results.map(({ renewals }) => renewals))).toBeGreaterThan(8);
});

it('lets a job that is aborted in line go at once', async () => {
  await using rig = await createRig(ONE_HOST);
  const controller = new AbortController();
  const transferring = Promise.withResolvers<void>();
  const engine = rig.engine({ maxConnectionsPerHost: 1 }, (env) => ({
    ...tapWriter(env, slowWriter(rig.clock, 60_000)),
    onProgress({ step, message }) {
      if (step === 'transfer') transferring.resolve();
      if (message?.includes('no connections to spare')) controller.abort(new Error('enough'));
    },
  }));
  const first = engine.backup({ server: 'erp-01', transport: 'nbd' });
  await rig.run(transferring.promise);
  const startedAtMs = rig.clock.now();
  const second = engine.backup({ server: 'erp-02', transport: 'nbd', signal: controller.signal });
  await expect(rig.run(second)).rejects.toMatchObject({ name: 'JobFailed', cause: { name: 'JobAborted' } });
  expect(rig.clock.now() - startedAtMs).toBeLessThan(60_000);
  expect((await rig.run(first)).warnings).toEqual([]);
});
