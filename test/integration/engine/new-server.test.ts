import { describe, expect, it } from 'vitest';
import type { EngineEnvironment } from '../../../src/engine/engine-api.ts';
import { createKill, tapScp } from './changed-env.ts';
import { runNotes } from './expect-image.ts';
import { createRig, type Rig } from './rig.ts';

const RESTORE = { to: 'new', newName: 'copy', transport: 'nbd' } as const;

async function backUp(rig: Rig): Promise<string> {
  return (await rig.run(rig.engine().backup({ server: 'erp-01', transport: 'nbd' }))).pointId;
}

const named = (rig: Rig, name: string) =>
  rig.hosted.world.servers.list().filter((server) => server.name === name);

/** Kills an engine in a restore as it asks for the server, before the platform hears of it or after. */
async function killAtCreation(rig: Rig, pointId: string, when: 'before' | 'after'): Promise<void> {
  const kill = createKill();
  const change = (env: EngineEnvironment) =>
    tapScp(env, async ({ method, path }, send) => {
      if (method !== 'POST' || !path.endsWith('/servers/config')) return send();
      if (when === 'after') await send();
      kill.kill();
      return new Promise(() => undefined);
    });
  const engine = rig.engine({}, (env) => kill.deaden(change(env)));
  void engine.restore({ pointId, ...RESTORE }).catch(() => undefined);
  for (let step = 0; step < 1000 && !kill.isDead; step++) await rig.clock.advanceBy(100);
  expect(kill.isDead).toBe(true);
}

/** Somebody else makes a server of the same configuration and name. */
async function strangersServer(rig: Rig, pointId: string): Promise<string> {
  const reader = await rig.repository.open(pointId);
  const stranger = rig.engine({ tag: 'stranger' });
  const { server } = await rig.run(stranger.restore({ pointId: reader.info.id, ...RESTORE }));
  return server.id;
}

describe('a new server of a restore that came to nothing', () => {
  it('is removed although nothing but its name was noted', async () => {
    await using rig = await createRig();
    const pointId = await backUp(rig);
    await killAtCreation(rig, pointId, 'after');
    await rig.clock.advanceBy(10_000);
    expect(named(rig, 'copy')).toHaveLength(1);
    const { removed } = await rig.run(rig.engine().cleanup());
    expect(removed.map(({ kind }) => kind)).toEqual(['server']);
    expect(named(rig, 'copy')).toEqual([]);
  });

  it("is not taken for a stranger's of the same name", async () => {
    await using rig = await createRig();
    const pointId = await backUp(rig);
    await killAtCreation(rig, pointId, 'before');
    const id = await strangersServer(rig, pointId);
    const { removed } = await rig.run(rig.engine().cleanup());
    expect(removed).toEqual([]);
    expect(named(rig, 'copy').map((server) => server.id)).toEqual([id]);
    await rig.clock.advanceBy(600_000);
    await rig.run(rig.engine().cleanup());
    expect(named(rig, 'copy').map((server) => server.id)).toEqual([id]);
    expect(await runNotes(rig)).toEqual([]);
  });

  it('is removed when it comes although its task seemed to hang', async () => {
    await using rig = await createRig();
    const pointId = await backUp(rig);
    const { id } = rig.hosted.faults.add({ kind: 'task-hangs', on: 'task:server.create' });
    const job = rig.run(rig.engine().restore({ pointId, ...RESTORE }));
    await expect(job).rejects.toMatchObject({ step: 'target' });
    const { warnings } = await rig.run(rig.engine().cleanup());
    expect(warnings.join()).toContain('still being created');
    rig.hosted.faults.clear(id);
    const { warnings: again } = await rig.run(rig.engine().restore({ pointId, ...RESTORE }));
    expect(again.join()).toContain('removed a left-over server');
    expect(named(rig, 'copy')).toHaveLength(1);
    expect(await runNotes(rig)).toEqual([]);
  });

  it('keeps a restore of the same name waiting while it is on its way', async () => {
    await using rig = await createRig();
    const pointId = await backUp(rig);
    rig.hosted.faults.add({ kind: 'task-hangs', on: 'task:server.create' });
    await rig.run(rig.engine().restore({ pointId, ...RESTORE })).catch(() => undefined);
    await expect(rig.run(rig.engine().restore({ pointId, ...RESTORE }))).rejects.toMatchObject({
      step: 'target',
      message: expect.stringContaining('on its way'),
    });
  });
});

describe('a new server of a restore', () => {
  it('is whole although its id could not be noted, and says who restored it', async () => {
    await using rig = await createRig();
    const pointId = await backUp(rig);
    let writes = 0;
    const engine = rig.engine({}, (env) => ({
      ...env,
      repository: {
        ...env.repository,
        writeNote: (...note) => {
          if (++writes === 2) return Promise.reject(new Error('disk full'));
          return env.repository.writeNote(...note);
        },
      },
    }));
    const { server } = await rig.run(engine.restore({ pointId, ...RESTORE }));
    expect(writes).toBeGreaterThan(2);
    expect(named(rig, 'copy').map(({ id }) => id)).toEqual([server.id]);
    expect(named(rig, 'copy')[0]?.description).toMatch(/^\[restored by backlot, run [0-9a-f]{12}\]$/);
    await rig.run(rig.engine().cleanup());
    expect(named(rig, 'copy')).toHaveLength(1);
  });
});
