import { describe, expect, it } from 'vitest';
import type { EngineEnvironment } from '../../../src/engine/engine-api.ts';
import { createKill, slowWriter, tapScp, tapWriter } from './changed-env.ts';
import { expectNothingLeft, expectSameAsLive, runNotes } from './expect-image.ts';
import { killAtCall, passTime } from './kill-at-call.ts';
import { createRig } from './rig.ts';

const JOB = { server: 'erp-01', transport: 'nbd' } as const;

describe('an engine that is killed', () => {
  it.each(['before', 'after'] as const)(
    'at any of its calls (%s the effect) leaves nothing that the next run does not remove',
    async (when) => {
      let kills = 0;
      for (let n = 1; ; n++) {
        await using rig = await createRig();
        if (!(await killAtCall(rig, JOB, { n, when }))) break;
        kills++;
        const result = await rig.run(rig.engine().backup(JOB));
        await expectSameAsLive(rig, result.pointId);
        await expectNothingLeft(rig);
      }
      expect(kills).toBeGreaterThan(20);
    },
    60_000,
  );

  it('in mid-transfer is cleaned up after by a clean-up too, and foreign snapshots stay', async () => {
    await using rig = await createRig();
    rig.hosted.world.snapshots.create(
      rig.server.id,
      { name: 'backlot-foreign-1', description: 'backlot' },
      'x',
    );
    await rig.clock.advanceBy(5000);
    const kill = createKill();
    const engine = rig.engine({}, (env) =>
      kill.deaden(
        tapWriter(env, (writer) => ({
          write: async () => kill.kill(),
          writeZeros: (...args) => writer.writeZeros(...args),
          commit: (notes) => writer.commit(notes),
          abort: () => writer.abort(),
        })),
      ),
    );
    void engine.backup(JOB).catch(() => {});
    await passTime(rig, () => kill.isDead);
    expect(rig.snapshots()).toHaveLength(2);
    const { removed, warnings } = await rig.run(rig.engine().cleanup());
    expect(removed.map((item) => item.kind)).toEqual(['backup-resource', 'snapshot']);
    expect(warnings).toEqual([]);
    expect(rig.snapshots().map((snapshot) => snapshot.name)).toEqual(['backlot-foreign-1']);
    expect(await runNotes(rig)).toEqual([]);
  });
});

describe('a run that is still alive', () => {
  it('is not cleaned up by another one', async () => {
    await using rig = await createRig();
    const slow = rig.engine({ connections: 1 }, (env) => tapWriter(env, slowWriter(rig.clock, 60_000)));
    const first = slow.backup(JOB);
    await rig.clock.advanceBy(30_000);
    const { removed, warnings } = await rig.run(rig.engine().cleanup());
    expect(removed).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('still at work')]);
    const result = await rig.run(first);
    expect(result.warnings).toEqual([]);
    await expectSameAsLive(rig, result.pointId);
  });
});

describe('a job that is aborted', () => {
  it('releases the lock and the snapshot, and leaves no point', async () => {
    await using rig = await createRig();
    const abort = new AbortController();
    const engine = rig.engine({ connections: 1 }, (env) => tapWriter(env, slowWriter(rig.clock, 5000)));
    const job = engine.backup({ ...JOB, signal: abort.signal });
    await rig.clock.advanceBy(12_000);
    abort.abort(new Error('enough'));
    await expect(rig.run(job)).rejects.toMatchObject({ name: 'JobFailed', cause: { name: 'JobAborted' } });
    expect(await rig.repository.points()).toEqual([]);
    await expectNothingLeft(rig);
  });
});

describe('a repository that cannot store the point', () => {
  it('fails the job, leaves nothing, and does not move the base', async () => {
    await using rig = await createRig();
    await rig.run(rig.engine().backup(JOB));
    const { guest } = rig.hosted.world;
    await guest.write(rig.server.id, 'ide0', 100, Buffer.from('first change'));
    const failing = rig.engine({}, (env) =>
      tapWriter(env, (writer) => ({
        write: (...args) => writer.write(...args),
        writeZeros: (...args) => writer.writeZeros(...args),
        commit: () => Promise.reject(new Error('disk full')),
        abort: () => writer.abort(),
      })),
    );
    await expect(rig.run(failing.backup(JOB))).rejects.toMatchObject({ step: 'commit' });
    await expectNothingLeft(rig);
    await guest.write(rig.server.id, 'ide0', 1_000_000, Buffer.from('second change'));
    const result = await rig.run(rig.engine().backup(JOB));
    expect(result.kind).toBe('incremental');
    await expectSameAsLive(rig, result.pointId);
  });
});

describe('a restore that was killed before the platform heard of its new server', () => {
  it('leaves no claim to the server that the next restore makes under the same name', async () => {
    await using rig = await createRig();
    const { pointId } = await rig.run(rig.engine().backup(JOB));
    const kill = createKill();
    const lost = (env: EngineEnvironment) =>
      tapScp(env, (request, send) => {
        if (request.method !== 'POST' || !request.path.endsWith('/servers/config')) return send();
        kill.kill();
        return new Promise(() => undefined);
      });
    const job = { pointId, to: 'new', transport: 'nbd' } as const;
    void rig
      .engine({}, (env) => kill.deaden(lost(env)))
      .restore(job)
      .catch(() => undefined);
    await passTime(rig, () => kill.isDead);
    const restored = await rig.run(rig.engine().restore(job));
    const { removed } = await rig.run(rig.engine().cleanup());
    expect(removed).toEqual([]);
    expect(rig.hosted.world.servers.find(restored.server.name).id).toBe(restored.server.id);
  });
});
