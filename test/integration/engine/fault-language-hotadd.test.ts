import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../../simulator/fault/fault-api.ts';
import { JobFailed } from '../../../src/engine/job-failed.ts';
import { expectNothingLeft, expectSameAsLive } from './expect-image.ts';
import { createRig, ONE_PROXY, type Rig } from './rig.ts';

const backup = (rig: Rig) => rig.run(rig.engine().backup({ server: 'erp-01', transport: 'hotadd' }));

/** Until it succeeds: a day of tries. */
async function startProxy(rig: Rig): Promise<void> {
  const { servers } = rig.hosted.world;
  const proxy = servers.find('proxy-1');
  if (proxy.status !== 'stopped') return;
  servers.start(proxy.id, 'operator');
  await rig.clock.advanceBy(60_000);
}

describe('an engine that hot-adds, under a fault', () => {
  it('cannot know of damage to what it reads in the guest', async () => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    // The first read is one of the first sector, which is read again.
    rig.hosted.faults.add({ kind: 'corrupt-payload', on: 'guest', device: 'ide0', after: 1 });
    const { pointId } = await backup(rig);
    expect(rig.hosted.faults.list()[0]?.fired).toBe(1);
    await expect(expectSameAsLive(rig, pointId)).rejects.toThrow();
  });

  it.each<object>([
    { kind: 'proxy-crash', on: 'guest' },
    { kind: 'proxy-crash', on: 'task:hotadd.add', step: 'doing' },
    { kind: 'task-fails', message: 'no', on: 'task:hotadd.add' },
    { kind: 'task-phantom', on: 'task:hotadd.add' },
    { kind: 'task-phantom', on: 'task:hotadd.remove' },
    { kind: 'task-hangs', on: 'task:hotadd.remove' },
    { kind: 'errno', errno: 'EIO', on: 'guest' },
    { kind: 'preempt', on: 'guest' },
    { kind: 'host-gone', ms: 300_000, on: 'guest' },
    { kind: 'datastore-offline', ms: 300_000, on: 'guest' },
    { kind: 'restart', on: 'guest' },
  ])('stores the image or fails as a job does, and the next one succeeds: %j', async (spec) => {
    await using rig = await createRig({ proxies: ONE_PROXY });
    rig.hosted.faults.add(spec as FaultSpec);
    const end = await backup(rig).then(
      ({ pointId }) => pointId,
      (error: unknown) => error,
    );
    expect(rig.hosted.faults.list()[0]?.fired).toBe(1);
    if (typeof end === 'string') await expectSameAsLive(rig, end);
    else expect(end).toBeInstanceOf(JobFailed);
    rig.hosted.faults.clear();
    await rig.clock.advanceBy(60_000);
    await startProxy(rig);
    await rig.run(rig.engine().cleanup());
    const { pointId } = await backup(rig);
    await expectSameAsLive(rig, pointId);
    await expectNothingLeft(rig);
  });
});
