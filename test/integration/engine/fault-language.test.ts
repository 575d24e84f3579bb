import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../../simulator/fault/fault-api.ts';
import { JobFailed } from '../../../src/engine/job-failed.ts';
import { expectNothingLeft, expectSameAsLive } from './expect-image.ts';
import { createRig, type Rig, type RigOptions } from './rig.ts';

const KIB = 1024;
const plan = (rig: Rig, spec: object): void => {
  rig.hosted.faults.add(spec as FaultSpec);
};
const fired = (rig: Rig) => rig.hosted.faults.list().map((fault) => fault.fired);
const backup = (rig: Rig) => rig.run(rig.engine().backup({ server: 'erp-01', transport: 'nbd' }));

/** Two areas to a page, so that every disk takes several. */
const SMALL_PAGES: RigOptions = { settings: { changedAreasPerPage: 2 } };

const SURVIVED: readonly (readonly [object, RigOptions])[] = [
  [{ kind: 'unavailable', ms: 5_000, on: 'tasks.get' }, {}],
  [{ kind: 'rate-limited', ms: 5_000, on: 'snapshots.get' }, {}],
  [{ kind: 'refuse', code: 'SERVER_BUSY', on: 'snapshots.create' }, {}],
  [{ kind: 'reorder-replies', on: 'nbd', times: 0 }, {}],
  [{ kind: 'restart', on: 'nbd' }, {}],
  [{ kind: 'garbage-reply', on: 'backup-resources.create' }, {}],
  [{ kind: 'truncated-reply', on: 'tasks.get', times: 2 }, {}],
  [{ kind: 'preempt', on: 'nbd' }, {}],
  [{ kind: 'host-gone', on: 'nbd', ms: 600_000 }, {}],
  [{ kind: 'expire-tokens', on: 'task:backup-resource.create', step: 'doing' }, {}],
  [{ kind: 'delay', ms: 60_000, when: 'before', on: 'task:snapshot.create' }, {}],
  [{ kind: 'cbt-page-cut', on: 'cbt.changed-areas', times: 0 }, {}],
];

describe('an engine under a fault', () => {
  it.each(SURVIVED)('stores the image all the same, and clears up: %j', async (spec, options) => {
    await using rig = await createRig(options);
    plan(rig, spec);
    const { pointId } = await backup(rig);
    expect(fired(rig)[0]).toBeGreaterThan(0);
    await expectSameAsLive(rig, pointId);
    await expectNothingLeft(rig);
  });

  it.each<readonly [object, RigOptions]>([
    [{ kind: 'cbt-page-repeated', on: 'cbt.changed-areas', times: 0 }, SMALL_PAGES],
    [{ kind: 'errno', errno: 'EIO', on: 'nbd' }, {}],
    [{ kind: 'garbage-reply', on: 'backup-resources.get' }, {}],
    [{ kind: 'truncated-reply', on: 'cbt.changed-areas' }, {}],
    [{ kind: 'garbage-after-bytes', bytes: 64 * KIB, on: 'nbd' }, {}],
    [{ kind: 'task-fails', message: 'no', on: 'task:snapshot.create', times: 0 }, {}],
    [{ kind: 'datastore-offline', ms: 60_000, on: 'nbd' }, {}],
  ])('stores the image or fails as a job does, and the next one succeeds: %j', async (spec, options) => {
    await using rig = await createRig(options);
    plan(rig, spec);
    const end = await backup(rig).then(
      ({ pointId }) => pointId,
      (error: unknown) => error,
    );
    expect(fired(rig)[0]).toBeGreaterThan(0);
    if (typeof end === 'string') await expectSameAsLive(rig, end);
    else expect(end).toBeInstanceOf(JobFailed);
    rig.hosted.faults.clear();
    await rig.run(rig.engine().cleanup());
    const { pointId } = await backup(rig);
    await expectSameAsLive(rig, pointId);
    await expectNothingLeft(rig);
  });

  it('cannot know of a block that the history keeps back', async () => {
    await using rig = await createRig();
    plan(rig, { kind: 'cbt-misses-block', on: 'cbt.changed-areas' });
    const { pointId } = await backup(rig);
    expect(fired(rig)).toEqual([1]);
    await expect(expectSameAsLive(rig, pointId)).rejects.toThrow();
  });
});
