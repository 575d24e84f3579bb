import { describe, expect, it } from 'vitest';
import { expectNothingLeft, expectSameAsLive } from './expect-image.ts';
import { killAtCall } from './kill-at-call.ts';
import { createRig } from './rig.ts';

const JOB = { server: 'erp-01', transport: 'hotadd' } as const;
const OFF_PROXY = [{ name: 'proxy-1', isOff: true }];

/** What comes before the lock is the same over every data path, and tested there. */
const isLock = (path: string): boolean => path.endsWith('/backup-resources');

describe('an engine that is killed in a backup over hotadd', () => {
  it.each(['before', 'after'] as const)(
    'at any of its calls (%s the effect) leaves nothing that the next run does not remove',
    async (when) => {
      let kills = 0;
      for (let n = 1; ; n++) {
        await using rig = await createRig({ proxies: OFF_PROXY });
        if (!(await killAtCall(rig, JOB, { n, when, from: isLock }))) break;
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
