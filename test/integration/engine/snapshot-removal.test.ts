import { describe, expect, it } from 'vitest';
import type { EngineEnvironment } from '../../../src/engine/engine-api.ts';
import { tapScp } from './changed-env.ts';
import { expectNothingLeft } from './expect-image.ts';
import { createRig, type Rig } from './rig.ts';

const JOB = { server: 'erp-01', transport: 'nbd' } as const;

const calls = (rig: Rig): readonly string[] =>
  rig.hosted.world.journal.entries.flatMap((entry) =>
    entry.type === 'rest.request' ? [entry.operation] : [],
  );

describe('the removal of a snapshot', () => {
  it('of which the id is known is asked for at once, and the list shows that it is gone', async () => {
    await using rig = await createRig();
    await rig.run(rig.engine().backup(JOB));
    const released = calls(rig).slice(calls(rig).indexOf('backup-resources.delete'));
    expect(released.filter((operation) => operation.startsWith('snapshots.'))).toEqual([
      'snapshots.delete',
      'snapshots.list',
    ]);
  });

  it('takes a second one of the same name along, which only the list shows', async () => {
    await using rig = await createRig();
    const { snapshots } = rig.hosted.world;
    let twin = '';
    const engine = rig.engine({}, (env: EngineEnvironment) =>
      tapScp(env, ({ method, path }, send) => {
        const [mine] = rig.snapshots();
        if (twin === '' && mine !== undefined && method === 'DELETE' && path.includes('/snapshots/'))
          twin = snapshots.create(rig.server.id, { name: mine.name, description: '' }, 'platform').snapshotId;
        return send();
      }),
    );
    const { snapshotId, warnings } = await rig.run(engine.backup(JOB));
    expect(warnings).toEqual([]);
    expect(twin).not.toBe(snapshotId);
    await expectNothingLeft(rig);
  });
});

describe('an attempt that is given up', () => {
  const loseTheLock = (rig: Rig): void => void rig.hosted.faults.add({ kind: 'expire-resource', on: 'nbd' });

  it('is followed by another one where its snapshot could be removed', async () => {
    await using rig = await createRig();
    loseTheLock(rig);
    const { warnings } = await rig.run(rig.engine().backup(JOB));
    expect(warnings).toEqual([expect.stringMatching(/^attempt 1 was given up/)]);
    await expectNothingLeft(rig);
  });

  it('is the last one where its snapshot could not be removed', async () => {
    await using rig = await createRig();
    loseTheLock(rig);
    rig.hosted.faults.add({ kind: 'task-phantom', on: 'task:snapshot.delete', times: 0 });
    await expect(rig.run(rig.engine().backup(JOB))).rejects.toMatchObject({
      name: 'JobFailed',
      step: 'lease-lost',
      hint: expect.stringMatching(
        /run the backup again later; no further attempt .* could not be removed: .*"backlot cleanup"/,
      ),
      warnings: [expect.stringMatching(/^snapshot .* could not be removed/)],
    });
    expect(calls(rig).filter((operation) => operation === 'snapshots.create')).toHaveLength(1);
    expect(rig.snapshots()).toHaveLength(1);
  });
});
