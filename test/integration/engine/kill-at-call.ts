/** An engine that dies at one of its calls. */
import type { BackupJob, EngineEnvironment } from '../../../src/engine/engine-api.ts';
import { createKill, tapScp } from './changed-env.ts';
import type { Rig } from './rig.ts';

interface Death {
  /** The how-manieth call, from 1. */
  readonly n: number;
  /** Before or after the call has its effect. */
  readonly when: 'before' | 'after';
  /** Counting begins with the first call of which this is true; with the first of all when absent. */
  readonly from?: (path: string) => boolean;
}

/** Kills the engine at a REST call of its backup. Returns whether it came so far. */
export async function killAtCall(rig: Rig, job: BackupJob, { n, when, from }: Death): Promise<boolean> {
  const kill = createKill();
  let calls = 0;
  let isSettled = false;
  const tap = (env: EngineEnvironment) =>
    tapScp(env, async (request, send) => {
      if (calls === 0 && from?.(request.path) === false) return send();
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
    .backup(job)
    .then(settle, settle);
  await passTime(rig, () => isSettled || kill.isDead);
  return kill.isDead;
}

/** For work that may never end: lets virtual time pass until `isOver`. */
export async function passTime(rig: Rig, isOver: () => boolean): Promise<void> {
  for (let step = 0; step < 10_000 && !isOver(); step++) await rig.clock.advanceBy(100);
}
