import { describe, expect, it } from 'vitest';
import type { EngineEnvironment } from '../../../src/engine/engine-api.ts';
import { createKill, tapScp } from './changed-env.ts';
import { expectNothingLeft, expectSameAsLive } from './expect-image.ts';
import { createRig, type Rig } from './rig.ts';

const JOB = { server: 'erp-01', transport: 'hotadd' } as const;
const OFF_PROXY = [{ name: 'proxy-1', isOff: true }];

async function passTime(rig: Rig, isOver: () => boolean): Promise<void> {
  for (let step = 0; step < 10_000 && !isOver(); step++) await rig.clock.advanceBy(100);
}

/** Kills the engine at its n-th REST call from the lock on, before or after the call has its effect. Returns whether it came so far. */
async function killAtCall(rig: Rig, n: number, when: 'before' | 'after'): Promise<boolean> {
  const kill = createKill();
  let calls = 0;
  let isSettled = false;
  const tap = (env: EngineEnvironment) =>
    tapScp(env, async (request, send) => {
      // What comes before the lock is the same over every data path, and tested there.
      if (calls === 0 && !request.path.endsWith('/backup-resources')) return send();
      if (++calls !== n) return send();
      if (when === 'before') kill.kill();
      const response = await send();
      kill.kill();
      return response;
    });
  const settle = (): void => {
    isSettled = true;
  };
  rig
    .engine({}, (env) => kill.deaden(tap(env)))
    .backup(JOB)
    .then(settle, settle);
  await passTime(rig, () => isSettled || kill.isDead);
  return kill.isDead;
}

describe('an engine that is killed in a backup over hotadd', () => {
  it.each(['before', 'after'] as const)(
    'at any of its calls (%s the effect) leaves nothing that the next run does not remove',
    async (when) => {
      let kills = 0;
      for (let n = 1; ; n++) {
        await using rig = await createRig({ proxies: OFF_PROXY });
        if (!(await killAtCall(rig, n, when))) break;
        kills++;
        const result = await rig.run(rig.engine().backup(JOB));
        await expectSameAsLive(rig, result.pointId);
        await expectNothingLeft(rig);
        expect(rig.hosted.world.hotAdd.list()).toEqual([]);
        expect(rig.hosted.world.servers.find('proxy-1').status).toBe('stopped');
      }
      expect(kills).toBeGreaterThan(25);
    },
    240_000,
  );
});
