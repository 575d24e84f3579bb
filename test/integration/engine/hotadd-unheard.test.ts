import { describe, expect, it } from 'vitest';
import { MachineClock } from '../../../harness/runner/machine-clock.ts';
import { expectLocksKept, expectSameAsLive } from './expect-image.ts';
import { expectProxiesClean, HOTADD_JOB, statusOf } from './proxies.ts';
import { createRig, ONE_PROXY, type Rig } from './rig.ts';

type Fault = Parameters<Rig['hosted']['faults']['add']>[0];

const OFF_PROXY = [{ name: 'proxy-1', isOff: true }] as const;
/** Longer than any patience. */
const JUMP_MS = 10_800_000;
const SHORT_LOCK = { lockTimeSeconds: 60, renewEverySeconds: 20 };

const backup = (rig: Rig) => rig.run(rig.engine(SHORT_LOCK).backup(HOTADD_JOB));

/** The faults stop, time passes, and a clean-up follows. */
async function cleanUpLater(rig: Rig): Promise<void> {
  for (const { id } of rig.hosted.faults.list()) rig.hosted.faults.clear(id);
  await rig.clock.advanceBy(3_600_000);
  await rig.run(rig.engine(SHORT_LOCK).cleanup());
}

/** What has become of the backup resource. */
const endOfLock = (rig: Rig): string | undefined =>
  rig.hosted.world.journal.entries
    .flatMap((entry) => (entry.type === 'state' && entry.entity === 'backup-resource' ? [entry.to] : []))
    .at(-1);

describe('a proxy that was started', () => {
  it.each<[string, Fault]>([
    [
      'but whose start could not be asked about',
      { kind: 'error', on: 'tasks.get', status: 500, message: 'Internal error.', times: 0, after: 6 },
    ],
    ['by a task that hangs', { kind: 'task-hangs', on: 'task:start' }],
    ['and whose shutdown is a phantom', { kind: 'task-phantom', on: 'task:stop', times: 0 }],
  ])('%s is powered off by a later run', async (_what, fault) => {
    await using rig = await createRig({ proxies: OFF_PROXY });
    rig.hosted.faults.add(fault);
    await backup(rig).catch(() => undefined);
    expect(rig.hosted.faults.list()[0]?.fired).toBeGreaterThan(0);
    await cleanUpLater(rig);
    expect(statusOf(rig, 'proxy-1')).toBe('stopped');
    await expectProxiesClean(rig);
  });

  it('and whose first shutdown did nothing is told to shut down once more', async () => {
    await using rig = await createRig({ proxies: OFF_PROXY });
    rig.hosted.faults.add({ kind: 'task-phantom', on: 'task:stop' });
    const { warnings } = await backup(rig);
    expect(warnings).toEqual([]);
    expect(statusOf(rig, 'proxy-1')).toBe('stopped');
  });
});

describe('a disk of which it is not known whether it is attached', () => {
  it('is asked to be removed before the lock goes, where the configuration cannot be read', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    // The source's own, and once before and once after the disks are attached.
    rig.hosted.faults.add({ kind: 'lose-reply', on: 'servers.get', after: 3, times: 0 });
    await backup(rig).catch(() => undefined);
    expect(rig.hosted.faults.list()[0]?.fired).toBeGreaterThan(0);
    expectLocksKept(rig);
    expect(endOfLock(rig)).toBe('released');
    await cleanUpLater(rig);
    await expectProxiesClean(rig);
  });

  it('keeps its lock, which runs out, where the platform does not tell whether that still holds', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const { faults, world } = rig.hosted;
    faults.add({ kind: 'detach-hangs', ms: 0, on: 'guest', times: 0 });
    const onProgress = ({ step = '' }): void => {
      if (step === 'detach') faults.add({ kind: 'lose-reply', on: 'backup-resources.get', times: 0 });
    };
    const engine = rig.engine({ busyWaitMs: 60_000 }, (env) => ({ ...env, onProgress }));
    const { pointId, warnings } = await rig.run(engine.backup(HOTADD_JOB));
    expect(warnings).toContainEqual(expect.stringMatching(/^backup resource .* could not be released/));
    expect(world.hotAdd.list(), 'they hang on the lock still').toHaveLength(2);
    expectLocksKept(rig);
    await expectSameAsLive(rig, pointId);
    await cleanUpLater(rig);
    expect(endOfLock(rig)).toBe('expired');
    await expectProxiesClean(rig);
  });

  it('because the clock of the engine jumped is used when it is there', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    const machine = new MachineClock(rig.clock);
    const jump = (): void => machine.jump(JUMP_MS);
    const engine = rig.engine(SHORT_LOCK, (env) => ({
      ...env,
      clock: machine,
      onProgress: ({ step, message }) => {
        if (step === 'attach' && message === undefined) rig.clock.setTimer(rig.clock.now() + 100, jump);
      },
    }));
    const { pointId, proxy } = await rig.run(engine.backup(HOTADD_JOB));
    expect(machine.now() - rig.clock.now()).toBe(JUMP_MS);
    expect(proxy).toBe('proxy-1');
    await expectSameAsLive(rig, pointId);
    expectLocksKept(rig);
    await expectProxiesClean(rig);
  });
});
