import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../simulator/domain/default-settings.ts';
import type { EngineEnvironment, EngineOptions } from '../../../src/engine/engine-api.ts';
import { type HttpResponse, TransportError } from '../../../src/sdk/http-transport.ts';
import { createKill, tapScp } from './changed-env.ts';
import { expectLocksKept, expectSameAsLive, runNotes } from './expect-image.ts';
import { expectProxiesClean, HOTADD_JOB, passTimeUntil, prepareStranger, statusOf } from './proxies.ts';
import { createRig, ONE_PROXY, type Rig } from './rig.ts';

/** Kills an engine in a backup as soon as something has come about. */
async function killWhen(rig: Rig, hasCome: () => boolean, options: EngineOptions = {}): Promise<void> {
  const kill = createKill();
  rig
    .engine(options, kill.deaden)
    .backup(HOTADD_JOB)
    .catch(() => undefined);
  await passTimeUntil(rig, hasCome);
  kill.kill();
}

const hotAdded = (rig: Rig) => rig.hosted.world.hotAdd.list();

/** The answer without one of the disks that a server's configuration names. */
function withoutDisk(answer: HttpResponse, diskId: string): HttpResponse {
  const hide = (_key: string, value: unknown): unknown =>
    Array.isArray(value) ? value.filter((item) => item?.disk_id !== diskId) : value;
  return { ...answer, body: JSON.stringify(JSON.parse(answer.body, hide)) };
}

describe('the clean-up after a killed engine', () => {
  it('detaches first, then unlocks, then deletes the snapshot, then powers off what was started', async () => {
    await using rig = await createRig({ proxies: [{ name: 'proxy-1', isOff: true }] });
    await killWhen(rig, () => hotAdded(rig).length > 0);
    const diskIds = hotAdded(rig).map(({ id }) => id);
    expect(diskIds).toHaveLength(2);
    const { removed, warnings } = await rig.run(rig.engine().cleanup());
    expect(warnings).toEqual([]);
    expect(removed.map(({ kind }) => kind)).toEqual([
      'hot-added-disk',
      'hot-added-disk',
      'backup-resource',
      'snapshot',
      'proxy',
    ]);
    expect(removed.slice(0, 2).map(({ id }) => id)).toEqual(diskIds);
    expect(statusOf(rig, 'proxy-1')).toBe('stopped');
    await expectProxiesClean(rig);
  });

  it('leaves a proxy on that ran before, and the disks of others on it', async () => {
    await using rig = await createRig({ servers: ['erp-01', 'erp-02'], proxies: ONE_PROXY });
    const stranger = await prepareStranger(rig, 'erp-02');
    stranger.add('proxy-1');
    await rig.clock.advanceBy(30_000);
    await killWhen(rig, () => hotAdded(rig).length > 1);
    const { removed } = await rig.run(rig.engine().cleanup());
    expect(removed.map(({ kind }) => kind)).toEqual([
      'hot-added-disk',
      'hot-added-disk',
      'backup-resource',
      'snapshot',
    ]);
    expect(hotAdded(rig).map(({ id }) => id)).toEqual([stranger.diskId]);
    expect(statusOf(rig, 'proxy-1')).toBe('running');
  });

  it('does not detach again what went with the lock', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    await killWhen(rig, () => hotAdded(rig).length > 0);
    await rig.clock.advanceBy(3_600_000);
    expect(hotAdded(rig)).toEqual([]);
    const { removed, warnings } = await rig.run(rig.engine().cleanup());
    expect(warnings).toEqual([]);
    expect(removed.map(({ kind }) => kind)).toEqual(['backup-resource', 'snapshot']);
    await expectProxiesClean(rig);
  });

  it("leaves the same disk alone when somebody else's lock has brought it back to the same proxy", async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    await killWhen(rig, () => hotAdded(rig).length > 0);
    await rig.clock.advanceBy(3_600_000);
    const stranger = await prepareStranger(rig, 'erp-01');
    stranger.add('proxy-1');
    await rig.clock.advanceBy(30_000);
    const { removed, warnings } = await rig.run(rig.engine().cleanup());
    expect(hotAdded(rig).map(({ id }) => id)).toEqual([stranger.diskId]);
    expect(removed.map(({ kind }) => kind)).not.toContain('hot-added-disk');
    expect(warnings).toEqual([expect.stringContaining("may be somebody else's and is left alone")]);
    stranger.remove('proxy-1');
    await rig.clock.advanceBy(60_000);
    expect((await rig.run(rig.engine().cleanup())).warnings).toEqual([]);
    expect(await runNotes(rig)).toEqual([]);
  });

  it('detaches after the end of the lock what keeps its own snapshot in use', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    await killWhen(rig, () => hotAdded(rig).length > 0);
    const forgetful = (env: EngineEnvironment) =>
      tapScp(env, async (request, send) => {
        if (!request.path.includes('/backup-resources/')) return send();
        return { status: 404, headers: {}, body: '{"code":404,"message":"The resource does not exist."}' };
      });
    const { removed, warnings } = await rig.run(rig.engine({}, forgetful).cleanup());
    expect(warnings).toEqual([]);
    expect(removed.map(({ kind }) => kind)).toEqual([
      'hot-added-disk',
      'hot-added-disk',
      'backup-resource',
      'snapshot',
    ]);
    const detached = rig.hosted.world.tasks.list().filter(({ action }) => action === 'hotadd.remove');
    expect(detached.map(({ status }) => status)).toEqual(['finish']);
    await expectProxiesClean(rig);
  });

  it('detaches what a task of which nothing was heard attached in the end', async () => {
    const settings = { taskMs: { ...DEFAULT_SETTINGS.taskMs, 'hotadd.add': 100_000 } };
    await using rig = await createRig({ proxies: ONE_PROXY, settings });
    const kill = createKill();
    const onProgress = ({ message = '' }): void => {
      if (message.startsWith('attached once more')) kill.kill();
    };
    const engine = rig.engine({}, (env) =>
      kill.deaden(
        tapScp({ ...env, onProgress }, async (request, send) => {
          if (!request.path.endsWith('/disks')) return send();
          await send();
          throw new TransportError('the answer is lost');
        }),
      ),
    );
    engine.backup(HOTADD_JOB).catch(() => undefined);
    await passTimeUntil(rig, () => kill.isDead);
    expect(hotAdded(rig)).toEqual([]);
    const { removed } = await rig.run(rig.engine().cleanup());
    expect(removed.map(({ kind }) => kind)).toEqual([
      'hot-added-disk',
      'hot-added-disk',
      'backup-resource',
      'snapshot',
    ]);
    await expectProxiesClean(rig);
  });

  it('detaches also a disk that the configuration shows only once another one is gone', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    await killWhen(rig, () => hotAdded(rig).length > 1);
    const diskIds = hotAdded(rig).map(({ id }) => id);
    const [, late = ''] = diskIds;
    const hiding = (env: EngineEnvironment) =>
      tapScp(env, async ({ path }, send) => {
        const isHidden = hotAdded(rig).length > 1 && path.includes('/20240725/servers/');
        return isHidden ? withoutDisk(await send(), late) : send();
      });
    const { removed, warnings } = await rig.run(rig.engine({}, hiding).cleanup());
    expect(warnings).toEqual([]);
    const removals = rig.hosted.world.tasks.list().filter(({ action }) => action === 'hotadd.remove');
    expect(removals).toHaveLength(2);
    expect(removed.filter(({ kind }) => kind === 'hot-added-disk').map(({ id }) => id)).toEqual(diskIds);
    await expectProxiesClean(rig);
  });

  it.each([5, 12, 0])(
    'never unlocks under disks where %i answers about their lock are lost',
    async (times) => {
      await using rig = await createRig({ proxies: ONE_PROXY });
      await killWhen(rig, () => hotAdded(rig).length > 1, { lockTimeSeconds: 7200 });
      const { faults } = rig.hosted;
      faults.add({ kind: 'lose-reply', on: 'backup-resources.get', times });
      await rig.run(rig.engine().cleanup());
      expect(faults.list()[0]?.fired).toBeGreaterThan(4);
      for (const { id } of faults.list()) faults.clear(id);
      expect((await rig.run(rig.engine().cleanup())).warnings).toEqual([]);
      expectLocksKept(rig);
      await expectProxiesClean(rig);
    },
  );

  it('asks for the removal of disks before it unlocks, where the configuration of the proxy cannot be read', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    await killWhen(rig, () => hotAdded(rig).length > 1, { lockTimeSeconds: 7200 });
    rig.hosted.faults.add({ kind: 'lose-reply', on: 'servers.get', times: 0 });
    const { removed } = await rig.run(rig.engine().cleanup());
    expectLocksKept(rig);
    expect(removed.map(({ kind }) => kind)).toEqual(['backup-resource', 'snapshot']);
    expect(hotAdded(rig)).toEqual([]);
  });

  it('is done by the next backup of the same server, which says so', async () => {
    await using rig = await createRig({ proxies: [{ name: 'proxy-1', isOff: true }] });
    await killWhen(rig, () => hotAdded(rig).length > 0);
    const result = await rig.run(rig.engine().backup(HOTADD_JOB));
    expect(result.warnings.map((text) => text.replace(/: .*$/, ''))).toEqual([
      'removed a left-over hot-added-disk of an earlier run',
      'removed a left-over hot-added-disk of an earlier run',
      'removed a left-over backup-resource of an earlier run',
      'removed a left-over snapshot of an earlier run',
      'removed a left-over proxy of an earlier run',
    ]);
    await expectSameAsLive(rig, result.pointId);
    await expectProxiesClean(rig);
    expect(statusOf(rig, 'proxy-1')).toBe('stopped');
  });

  it('reads notes of versions that knew no proxies', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const old = {
      version: 1,
      runId: '0123456789ab',
      kind: 'backup',
      serverId: rig.server.id,
      serverName: 'erp-01',
      snapshots: [{ name: 'backlot-0123456789ab-1' }],
      resourceIds: [],
      aliveUntilMs: 0,
    };
    await rig.repository.writeNote('run-backlot-0123456789ab', old);
    expect(await rig.run(rig.engine().cleanup())).toEqual({ removed: [], warnings: [] });
    expect(await runNotes(rig)).toEqual([]);
  });
});
