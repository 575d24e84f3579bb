import { describe, expect, it } from 'vitest';
import { createKill, tapScp } from './changed-env.ts';
import { expectLocksKept, expectNothingLeft } from './expect-image.ts';
import { createRig, type Rig } from './rig.ts';

const JOB = { server: 'erp-01', transport: 'nbd' } as const;
const SHORT_LOCK = { lockTimeSeconds: 60, renewEverySeconds: 20 };

const backup = (rig: Rig) => rig.run(rig.engine(SHORT_LOCK).backup(JOB));

describe('a snapshot outlives the lock that it serves', () => {
  it.each(['lose-reply', 'garbage-reply'] as const)(
    'also one of which no answer ever told the id (%s)',
    async (kind) => {
      await using rig = await createRig();
      rig.hosted.faults.add({ kind, on: 'backup-resources.create', times: 0 });
      await expect(backup(rig)).rejects.toMatchObject({ name: 'JobFailed', step: 'lock' });
      expect(rig.hosted.world.backupResources.list().map(({ status }) => status)).toEqual(['expired']);
      expectLocksKept(rig);
      await expectNothingLeft(rig);
    },
  );

  it('and one whose deletion never arrives', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'lose-request', on: 'backup-resources.delete', times: 0 });
    const { warnings } = await backup(rig);
    expect(warnings.join()).toContain('could not be released');
    expectLocksKept(rig);
    await expectNothingLeft(rig);
  });

  it('and one that an engine asked for as it was killed', async () => {
    await using rig = await createRig();
    const kill = createKill();
    // Longer than the note of a dead engine vouches for it.
    const engine = rig.engine({ lockTimeSeconds: 300 }, (env) =>
      kill.deaden(
        tapScp(env, async ({ method, path }, send) => {
          const answer = await send();
          if (method === 'POST' && path.endsWith('/backup-resources')) kill.kill();
          return answer;
        }),
      ),
    );
    void engine.backup(JOB).catch(() => {});
    for (let step = 0; step < 1000 && !kill.isDead; step++) await rig.clock.advanceBy(100);
    expect(kill.isDead).toBe(true);
    await rig.run(rig.engine().cleanup());
    expectLocksKept(rig);
    await expectNothingLeft(rig);
  });

  it('but stays for the next run where the lock would have to be waited for too long', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'lose-reply', on: 'backup-resources.create', times: 0 });
    const engine = rig.engine({ lockTimeSeconds: 7200, busyWaitMs: 60_000 });
    await expect(rig.run(engine.backup(JOB))).rejects.toMatchObject({ step: 'lock' });
    expect(rig.snapshots()).toHaveLength(1);
    expectLocksKept(rig);
    await rig.clock.advanceBy(7_300_000);
    await rig.run(rig.engine().cleanup());
    await expectNothingLeft(rig);
  });
});

describe('a connection that is dropped with requests unanswered', () => {
  it('is over for the host before the lock is given back', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'delay', ms: 70_000, when: 'before', on: 'nbd', times: 0 });
    await expect(backup(rig)).rejects.toMatchObject({ step: 'data-path-lost' });
    expectLocksKept(rig);
    await expectNothingLeft(rig);
  });
});
