import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../simulator/domain/default-settings.ts';
import type { EngineEnvironment } from '../../../src/engine/engine-api.ts';
import { TransportError } from '../../../src/sdk/http-transport.ts';
import { slowWriter, tapScp, tapWriter } from './changed-env.ts';
import { expectSameAsLive, runNotes } from './expect-image.ts';
import {
  expectProxiesClean,
  HOTADD_JOB,
  passTimeUntil,
  prepareStranger,
  TWO_PROXIES,
  usedProxies,
} from './proxies.ts';
import { createRig, KIB, MIB, ONE_PROXY, type Rig } from './rig.ts';

const disks = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    deviceId: `virtio${at}`,
    sizeBytes: MIB,
    datastoreId: 'ds-1',
    preallocate: 'off' as const,
    content: { kind: 'synthetic', allocatedRatio: 0.2, runBytes: 64 * KIB } as const,
  }));

const addTasks = (rig: Rig) => rig.hosted.world.tasks.list().filter(({ action }) => action === 'hotadd.add');

/** Most disks that were attached at once. */
function watchMost(rig: Rig): () => number {
  let most = 0;
  rig.hosted.world.journal.watch((entry) => {
    if (entry.type === 'guest.device') most = Math.max(most, rig.hosted.world.hotAdd.list().length);
  });
  return () => most;
}

describe('a disk task of somebody else on the proxy', () => {
  const busy = async (rig: Rig) => {
    const stranger = await prepareStranger(rig, 'erp-02');
    // The stranger's task begins in the same millisecond as the engine's, whose task loses.
    return (env: EngineEnvironment) =>
      tapScp(env, async (request, send) => {
        if (
          request.path.endsWith('/disks') &&
          request.method === 'POST' &&
          rig.hosted.world.hotAdd.list().length === 0
        )
          stranger.add('proxy-1');
        return send();
      });
  };

  it('is waited for, and the disks are attached after it', async () => {
    await using rig = await createRig({ servers: ['erp-01', 'erp-02'], proxies: ONE_PROXY });
    const result = await rig.run(rig.engine({}, await busy(rig)).backup(HOTADD_JOB));
    expect(result).toMatchObject({ transport: 'hotadd', proxy: 'proxy-1', warnings: [] });
    const ends = addTasks(rig).map(({ status }) => status);
    expect(ends.toSorted()).toEqual(['failure', 'finish', 'finish']);
    await expectSameAsLive(rig, result.pointId);
  });

  it('that takes too long makes the job take another proxy', async () => {
    await using rig = await createRig({
      servers: ['erp-01', 'erp-02'],
      proxies: TWO_PROXIES,
      settings: { taskMs: { ...DEFAULT_SETTINGS.taskMs, 'hotadd.add': 120_000 } },
    });
    const engine = rig.engine({ busyWaitMs: 60_000 }, await busy(rig));
    const result = await rig.run(engine.backup(HOTADD_JOB));
    expect(result.proxy).toBe('proxy-2');
    expect(result.warnings).toEqual([
      expect.stringMatching(/^proxy proxy-1 does not serve: .*Only one can run/),
    ]);
    await expectSameAsLive(rig, result.pointId);
  });
});

describe('more disks than a proxy takes', () => {
  it('are attached in batches of what the engine may use', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY, disks: disks(5) });
    const most = watchMost(rig);
    const result = await rig.run(rig.engine({ maxDisksPerProxy: 2 }).backup(HOTADD_JOB));
    expect(result.warnings).toEqual([]);
    expect(most()).toBe(2);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it('are attached in batches of what the platform allows', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY, disks: disks(5), settings: { diskLimit: 4 } });
    const most = watchMost(rig);
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(result.warnings).toEqual([]);
    expect(most()).toBe(3);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it('of several jobs wait for each other, under their locks', async () => {
    const servers = ['erp-01', 'erp-02', 'erp-03'];
    await using rig = await createRig({
      servers,
      proxies: ONE_PROXY,
      disks: disks(2),
      settings: { diskLimit: 2 },
    });
    const engine = rig.engine({ busyWaitMs: 5000, lockTimeSeconds: 60 }, (env) =>
      tapWriter(env, slowWriter(rig.clock, 5000)),
    );
    const results = await rig.run(
      Promise.all(servers.map((server) => engine.backup({ server, transport: 'hotadd' }))),
    );
    expect(results.map(({ transport, warnings }) => [transport, warnings])).toEqual(
      servers.map(() => ['hotadd', []]),
    );
    expect(Math.max(...results.map(({ renewals }) => renewals))).toBeGreaterThan(1);
    expect(rig.hosted.world.hotAdd.list()).toEqual([]);
    expect(await runNotes(rig)).toEqual([]);
  });

  it('where there is no room at all are read through another proxy', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES, disks: disks(2), settings: { diskLimit: 1 } });
    const result = await rig.run(rig.engine({ fallback: 'nbd' }).backup(HOTADD_JOB));
    expect(result.transport).toBe('nbd');
    expect(result.warnings.filter((text) => text.includes('does not serve'))).toHaveLength(2);
  });
});

describe('an answer that is lost', () => {
  /** All answers to a call are lost, from the first one on, for so many times. */
  const losing = (rig: Rig, suffix: string, times: number, effect: 'before' | 'after') => {
    let left = times;
    return (env: EngineEnvironment) =>
      tapScp(env, async (request, send) => {
        if (!request.path.endsWith(suffix) || request.method !== 'POST' || left <= 0) return send();
        left--;
        if (effect === 'after') await send();
        throw new TransportError(`lost at ${rig.clock.now()}`);
      });
  };

  it.each([
    ['/disks', 1],
    ['/disks', 5],
    ['/disks', 10],
    ['/disks/action', 1],
    ['/disks/action', 5],
  ])('to %s, %i times, leaves nothing attached and the bytes right', async (suffix, times) => {
    for (const effect of ['before', 'after'] as const) {
      await using rig = await createRig({ proxies: TWO_PROXIES });
      const result = await rig.run(rig.engine({}, losing(rig, suffix, times, effect)).backup(HOTADD_JOB));
      expect(result.transport).toBe('hotadd');
      // What came of a call that was not heard of is found out, not tried again.
      if (effect === 'after') expect(result.warnings).toEqual([]);
      await expectSameAsLive(rig, result.pointId);
      await expectProxiesClean(rig);
    }
  });
});

describe('the end of a job', () => {
  const slowly = (rig: Rig) => (env: EngineEnvironment) => tapWriter(env, slowWriter(rig.clock, 5000));

  it('by abort in mid-read detaches before the lock and the snapshot go', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const { hotAdd } = rig.hosted.world;
    const abort = new AbortController();
    const work = rig.engine({}, slowly(rig)).backup({ ...HOTADD_JOB, signal: abort.signal });
    const failed = expect(work).rejects.toMatchObject({ cause: { name: 'JobAborted' }, warnings: [] });
    await passTimeUntil(rig, () => hotAdd.list().length > 0);
    await rig.clock.advanceBy(2000);
    abort.abort(new Error('enough'));
    await rig.run(failed);
    await expectProxiesClean(rig);
    expect(releaseOrder(rig)).toEqual(['hot-add.remove', 'backup-resources.delete', 'snapshots.delete']);
  });

  it('by abort while the disks are being attached does so too', async () => {
    await using rig = await createRig({ proxies: [{ name: 'proxy-1', isOff: true }] });
    const abort = new AbortController();
    const work = rig.engine().backup({ ...HOTADD_JOB, signal: abort.signal });
    const failed = expect(work).rejects.toMatchObject({ step: 'attach', cause: { name: 'JobAborted' } });
    await passTimeUntil(rig, () => addTasks(rig).length > 0);
    abort.abort(new Error('enough'));
    await rig.run(failed);
    expect(addTasks(rig).map(({ status }) => status)).toEqual(['finish']);
    await expectProxiesClean(rig);
    expect(rig.hosted.world.servers.find('proxy-1').status).toBe('stopped');
  });

  it('by abort while the proxy is being started powers it off again', async () => {
    await using rig = await createRig({ proxies: [{ name: 'proxy-1', isOff: true }] });
    const proxy = () => rig.hosted.world.servers.find('proxy-1').status;
    const abort = new AbortController();
    const work = rig.engine().backup({ ...HOTADD_JOB, signal: abort.signal });
    const failed = expect(work).rejects.toMatchObject({ cause: { name: 'JobAborted' }, warnings: [] });
    await passTimeUntil(rig, () => proxy() === 'starting');
    abort.abort(new Error('enough'));
    await rig.run(failed);
    expect(proxy()).toBe('stopped');
    await expectProxiesClean(rig);
  });

  it('keeps its order after success too', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(releaseOrder(rig)).toEqual(['hot-add.remove', 'backup-resources.delete', 'snapshots.delete']);
  });

  it('takes the answer that shows the disks gone for an answer, and asks no more', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(callsOfDetaching(rig)).toEqual(['servers.get', 'hot-add.remove', 'servers.get']);
  });

  it('with a guest that never lets go warns, and the disks go with the lock', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    rig.hosted.faults.add({ kind: 'detach-hangs', ms: 0, on: 'guest', times: 0 });
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(result.warnings).toEqual([
      expect.stringMatching(/could not be detached .*did not release the disk/),
    ]);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });

  it('with a guest that lets go late waits for it', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    rig.hosted.faults.add({ kind: 'detach-hangs', ms: 40_000, on: 'guest', times: 0 });
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(result.warnings).toEqual([]);
    await expectProxiesClean(rig);
  });

  it('with a removal that hangs gives up at its timeout, without another one behind it', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    rig.hosted.faults.add({ kind: 'task-hangs', on: 'task:hotadd.remove' });
    const { pointId, warnings, durationMs } = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(warnings).toEqual([expect.stringMatching(/could not be detached .*1800 s/)]);
    expect(releaseOrder(rig)).toEqual(['hot-add.remove', 'backup-resources.delete', 'snapshots.delete']);
    expect(durationMs).toBeLessThan(1_900_000);
    await expectSameAsLive(rig, pointId);
    await expectProxiesClean(rig);
  });

  it('with a removal that is reported done too early still ends in the right order', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    rig.hosted.faults.add({ kind: 'detach-early', ms: 20_000, on: 'guest', times: 0 });
    const engine = rig.engine();
    for (let run = 0; run < 2; run++) {
      const result = await rig.run(engine.backup({ ...HOTADD_JOB, full: true }));
      await expectSameAsLive(rig, result.pointId);
      await expectProxiesClean(rig);
    }
  });

  it('by a lock that ends between attaching and reading is an attempt given up', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const { hotAdd, backupResources, journal } = rig.hosted.world;
    // Without the network nothing but the device tells at first.
    const dark = (env: EngineEnvironment) => ({
      ...slowly(rig)(env),
      dialNbd: () => Promise.reject(new Error('no route to host')),
    });
    const work = rig.engine({}, dark).backup(HOTADD_JOB);
    work.catch(() => undefined);
    await passTimeUntil(rig, () => journal.entries.some(({ type }) => type === 'guest.io'));
    backupResources.delete(hotAdd.list()[0]?.resourceId ?? '', 'platform');
    const result = await rig.run(work);
    expect(result.warnings).toContainEqual(
      expect.stringMatching(/^attempt 1 was given up: the lock on the server is lost/),
    );
    expect(usedProxies(rig)).toEqual(['proxy-1']);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
  });
});

const RELEASING = new Set(['hot-add.remove', 'backup-resources.delete', 'snapshots.delete']);

function releaseOrder(rig: Rig): readonly string[] {
  return rig.hosted.world.journal.entries.flatMap((entry) =>
    entry.type === 'rest.request' && RELEASING.has(entry.operation) ? [entry.operation] : [],
  );
}

/** Calls to the proxy, those for tasks left out, from the last one before the disks are to go until the lock is given back. */
function callsOfDetaching(rig: Rig): readonly string[] {
  const proxy = rig.hosted.world.servers.find('proxy-1').id;
  const calls = rig.hosted.world.journal.entries.filter((entry) => entry.type === 'rest.request');
  const removal = calls.findIndex(({ operation }) => operation === 'hot-add.remove');
  const release = calls.findIndex(({ operation }) => operation === 'backup-resources.delete');
  const before = calls.slice(0, removal).findLastIndex(({ path }) => path.includes(proxy));
  return calls
    .slice(before, release)
    .flatMap(({ operation, path }) => (path.includes(proxy) ? [operation] : []));
}
