import { describe, expect, it } from 'vitest';
import type { EngineEnvironment } from '../../../src/engine/engine-api.ts';
import { sleep } from '../../../src/kernel/clock.ts';
import { slowWriter, tapWriter } from './changed-env.ts';
import { expectSameAsLive, expectSameBytes, runNotes } from './expect-image.ts';
import {
  expectProxiesClean,
  HOTADD_JOB,
  passTimeUntil,
  prepareStranger,
  statusOf,
  TWO_PROXIES,
  usedProxies,
} from './proxies.ts';
import { createRig, KIB, MIB, ONE_PROXY, type Rig, type RigOptions } from './rig.ts';

const disk = (deviceId: string, datastoreId: string) =>
  ({
    deviceId,
    sizeBytes: MIB,
    datastoreId,
    preallocate: 'off',
    content: { kind: 'synthetic', allocatedRatio: 0.5, runBytes: 64 * KIB },
  }) as const;

/** Disks on two datastores, of which the second is on the second host only. */
const FAR_DISKS: RigOptions = {
  disks: [disk('ide0', 'ds-1'), disk('ide1', 'ds-2')],
  datastores: { 'ds-2': [1] },
};

describe('the proxy of a backup over hotadd', () => {
  it('is on a host that reaches every datastore of the disks', async () => {
    await using rig = await createRig({ ...FAR_DISKS, proxies: TWO_PROXIES });
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(result).toMatchObject({ proxy: 'proxy-2', warnings: [] });
    await expectSameAsLive(rig, result.pointId);
  });

  it('is started when it is off, and powered off afterwards', async () => {
    await using rig = await createRig({ proxies: [{ name: 'proxy-1', isOff: true }] });
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(result).toMatchObject({ proxy: 'proxy-1', warnings: [] });
    await expectSameAsLive(rig, result.pointId);
    expect(statusOf(rig, 'proxy-1')).toBe('stopped');
    await expectProxiesClean(rig);
  });

  it('is left running when it ran before, and is taken before one that would have to be started', async () => {
    const proxies = [{ name: 'proxy-1', isOff: true }, { name: 'proxy-2' }];
    await using rig = await createRig({ proxies });
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(result.proxy).toBe('proxy-2');
    expect([statusOf(rig, 'proxy-1'), statusOf(rig, 'proxy-2')]).toEqual(['stopped', 'running']);
  });

  it('that somebody else is starting is waited for, and stays on', async () => {
    await using rig = await createRig({ proxies: [{ name: 'proxy-1', isOff: true }] });
    rig.hosted.world.servers.start(rig.hosted.world.servers.find('proxy-1').id, 'stranger');
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(result).toMatchObject({ proxy: 'proxy-1', warnings: [] });
    expect(statusOf(rig, 'proxy-1')).toBe('running');
  });

  it('is one of those that are named', async () => {
    await using rig = await createRig({ proxies: TWO_PROXIES });
    const result = await rig.run(rig.engine({ proxies: ['proxy-2'] }).backup(HOTADD_JOB));
    expect(result.proxy).toBe('proxy-2');
  });

  it('is left running with a warning while it serves others, and powered off by a later clean-up', async () => {
    await using rig = await createRig({
      servers: ['erp-01', 'erp-02'],
      proxies: [{ name: 'proxy-1', isOff: true }],
    });
    const { hotAdd, servers } = rig.hosted.world;
    const stranger = await prepareStranger(rig, 'erp-02');
    const slow = (env: EngineEnvironment) => tapWriter(env, slowWriter(rig.clock, 2000));
    const work = rig.engine({}, slow).backup(HOTADD_JOB);
    work.catch(() => undefined);
    await passTimeUntil(rig, () => hotAdd.list().length > 0);
    stranger.add('proxy-1');
    const result = await rig.run(work);
    expect(result.warnings).toEqual([expect.stringContaining('still serves others')]);
    expect(hotAdd.list().map(({ id }) => id)).toEqual([stranger.diskId]);
    expect(statusOf(rig, 'proxy-1')).toBe('running');
    const early = await rig.run(rig.engine().cleanup());
    expect(early.removed).toEqual([]);
    expect(early.warnings).toEqual([expect.stringContaining('it serves others')]);
    stranger.remove('proxy-1');
    await rig.clock.advanceBy(60_000);
    const { removed, warnings } = await rig.run(rig.engine().cleanup());
    expect([removed, warnings]).toEqual([[{ kind: 'proxy', id: servers.find('proxy-1').id }], []]);
    expect(statusOf(rig, 'proxy-1')).toBe('stopped');
    expect(await runNotes(rig)).toEqual([]);
  });
});

describe('without a proxy that serves', () => {
  it.each<[string, RigOptions, RegExp]>([
    ['there is none', {}, /no backup proxy runs on a host/],
    ['none has vmtools', { proxies: [{ name: 'proxy-1', hasNoVmtools: true }] }, /proxy-1 has no vmtools/],
    ['none reaches the disks', { ...FAR_DISKS, proxies: ONE_PROXY }, /no backup proxy runs on a host/],
  ])('a backup is refused with the reason: %s', async (_title, options, reason) => {
    await using rig = await createRig(options);
    const work = rig.run(rig.engine().backup(HOTADD_JOB));
    await expect(work).rejects.toMatchObject({ step: 'proxy', message: expect.stringMatching(reason) });
    await expectProxiesClean(rig);
  });

  it('on the right host among those named, a backup is refused', async () => {
    await using rig = await createRig({ ...FAR_DISKS, proxies: TWO_PROXIES });
    await expect(rig.run(rig.engine({ proxies: ['proxy-1'] }).backup(HOTADD_JOB))).rejects.toMatchObject({
      step: 'proxy',
      message: expect.stringContaining('only proxy-1 may be used'),
    });
    const { id } = rig.hosted.world.servers.find('proxy-2');
    const result = await rig.run(rig.engine({ proxies: ['proxy-1', id, 'proxy-2'] }).backup(HOTADD_JOB));
    expect(result).toMatchObject({ proxy: 'proxy-2', warnings: [] });
  });

  it('says that only those named may be used', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    await expect(rig.run(rig.engine({ proxies: ['proxy-9'] }).backup(HOTADD_JOB))).rejects.toMatchObject({
      step: 'proxy',
      message: expect.stringContaining('only proxy-9 may be used'),
      hint: expect.stringContaining('backup proxy with vmtools'),
    });
  });

  it('an engine that has no way into guests says so', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const engine = rig.engine({}, ({ connectProxy: _none, ...env }) => env);
    await expect(rig.run(engine.backup(HOTADD_JOB))).rejects.toMatchObject({
      message: expect.stringContaining('no way into the guests'),
      hint: expect.stringContaining('--guest-dir'),
    });
    await expectProxiesClean(rig);
  });

  it.each(['nbd', 'nbdssl'] as const)(
    'falls back to %s where that is allowed, and says so',
    async (fallback) => {
      await using rig = await createRig();
      const result = await rig.run(rig.engine({ fallback }).backup(HOTADD_JOB));
      expect(result.transport).toBe(fallback);
      expect(result.proxy).toBeUndefined();
      expect(result.warnings).toEqual([
        expect.stringMatching(new RegExp(`^${fallback} was used instead of hotadd: no backup proxy runs`)),
      ]);
      await expectSameAsLive(rig, result.pointId);
      const [point] = await rig.repository.points();
      expect(point?.engine).toMatchObject({ transport: fallback });
    },
  );

  it('a restore falls back too', async () => {
    await using rig = await createRig();
    const engine = rig.engine({ fallback: 'nbdssl' });
    const { pointId } = await rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));
    const result = await rig.run(engine.restore({ pointId, to: 'new', transport: 'hotadd' }));
    expect(result.transport).toBe('nbdssl');
    for (const { deviceId } of rig.server.disks)
      expectSameBytes(
        await rig.disk(result.server.id, deviceId),
        await rig.disk(rig.server.id, deviceId),
        deviceId,
      );
  });
});

describe('several backups at once', () => {
  const NAMES = ['erp-01', 'erp-02', 'erp-03', 'erp-04'];
  const jobs = (rig: Rig) => {
    const engine = rig.engine();
    return Promise.all(NAMES.map((server) => engine.backup({ server, transport: 'hotadd' })));
  };
  const hotAddTasks = (rig: Rig) =>
    rig.hosted.world.tasks.list().filter(({ action }) => action.startsWith('hotadd.'));

  it('spread over the proxies, and no disk task of one proxy meets another', async () => {
    await using rig = await createRig({ servers: NAMES, proxies: TWO_PROXIES });
    const results = await rig.run(jobs(rig));
    expect(results.map(({ proxy = '' }) => proxy).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'proxy-1',
      'proxy-1',
      'proxy-2',
      'proxy-2',
    ]);
    expect(usedProxies(rig).toSorted()).toEqual(['proxy-1', 'proxy-2']);
    const tasks = hotAddTasks(rig);
    expect(tasks.map(({ action }) => action).filter((action) => action === 'hotadd.add')).toHaveLength(4);
    expect(tasks.filter(({ status }) => status !== 'finish')).toEqual([]);
    await expectProxiesClean(rig);
  });

  it('start a proxy once, and the last one powers it off', async () => {
    await using rig = await createRig({ servers: NAMES, proxies: [{ name: 'proxy-1', isOff: true }] });
    const results = await rig.run(jobs(rig));
    expect(results.map(({ proxy, warnings }) => [proxy, warnings])).toEqual(NAMES.map(() => ['proxy-1', []]));
    const power = rig.hosted.world.tasks.list().map(({ action }) => action);
    expect(power.filter((action) => /^(?:start|stop)$/.test(action))).toEqual(['start', 'stop']);
    expect(statusOf(rig, 'proxy-1')).toBe('stopped');
    await expectProxiesClean(rig);
  });

  it('leave a proxy on for a job that is about to attach its disks', async () => {
    const servers = ['erp-01', 'erp-02'];
    await using rig = await createRig({ servers, proxies: [{ name: 'proxy-1', isOff: true }] });
    let connections = 0;
    const engine = rig.engine({ requestTimeoutMs: 600_000 }, ({ connectProxy = never, ...env }) => ({
      ...env,
      async connectProxy(proxy, signal) {
        if (++connections === 2) await sleep(rig.clock, 300_000);
        return connectProxy(proxy, signal);
      },
    }));
    const work = servers.map((server) => engine.backup({ server, transport: 'hotadd' }));
    const results = await rig.run(Promise.all(work));
    expect(results.map(({ warnings }) => warnings)).toEqual([[], []]);
    expect(Math.max(...results.map(({ durationMs }) => durationMs))).toBeGreaterThan(300_000);
    const power = rig.hosted.world.tasks.list().map(({ action }) => action);
    expect(power.filter((action) => /^(?:start|stop)$/.test(action))).toEqual(['start', 'stop']);
    await expectProxiesClean(rig);
  });
});

const never = (): never => {
  throw new Error('there is no way into guests');
};
