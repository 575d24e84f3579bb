import { describe, expect, it } from 'vitest';
import { expectNothingLeft, expectSameAsLive, expectSameBytes } from './expect-image.ts';
import { createRig, type Rig } from './rig.ts';

const backup = (rig: Rig) => rig.run(rig.engine().backup({ server: 'erp-01', transport: 'nbd' }));

const EFFECTS = [
  'cbt.set',
  'snapshots.create',
  'backup-resources.create',
  'backup-resources.delete',
  'snapshots.delete',
] as const;

describe('an answer that is lost', () => {
  it.each(EFFECTS)('of %s does not make it happen twice', async (operation) => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'lose-reply', on: operation });
    const result = await backup(rig);
    expect(rig.hosted.faults.list()[0]?.fired).toBe(1);
    expect(result.warnings).toEqual([]);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('of every try of a snapshot is made up for by its name', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'lose-reply', on: 'snapshots.create', times: 0 });
    const result = await backup(rig);
    expect(rig.hosted.faults.list()[0]?.fired).toBe(5);
    const made = rig.hosted.world.journal.entries.filter(
      (entry) => entry.type === 'state' && entry.entity === 'snapshot' && entry.to === 'creating',
    );
    expect(made).toHaveLength(1);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it.each([1, 0])('of the creation of a server is made up for (%i times, 0 = always)', async (times) => {
    await using rig = await createRig();
    const { pointId } = await backup(rig);
    rig.hosted.faults.add({ kind: 'lose-reply', on: 'servers.create-from-config', times });
    const result = await rig.run(rig.engine().restore({ pointId, to: 'new', transport: 'nbd' }));
    expect(rig.hosted.faults.list()[0]?.fired).toBeGreaterThanOrEqual(1);
    expect(rig.hosted.world.servers.list()).toHaveLength(2);
    for (const { deviceId } of rig.server.disks)
      expectSameBytes(
        await rig.disk(result.server.id, deviceId),
        await rig.disk(rig.server.id, deviceId),
        deviceId,
      );
  });
});

describe('the login', () => {
  it('by password is renewed when the token expires in mid-job', async () => {
    await using rig = await createRig({ login: 'password' });
    rig.hosted.faults.add({ kind: 'expire-tokens', on: 'cbt.changed-areas' });
    const result = await backup(rig);
    expect(rig.hosted.faults.list()[0]?.fired).toBe(1);
    const logins = rig.hosted.world.journal.entries.filter(
      (entry) => entry.type === 'rest.request' && entry.operation.startsWith('authenticate'),
    );
    expect(logins).toHaveLength(2);
    expect(result.warnings).toEqual([]);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('with a wrong password fails with the platform’s reason', async () => {
    await using rig = await createRig();
    const engine = rig.engine({}, (env) => ({
      ...env,
      credentials: { kind: 'password', username: 'svc-backup', password: 'wrong' },
    }));
    await expect(rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }))).rejects.toMatchObject({
      name: 'JobFailed',
      step: 'login',
      cause: { name: 'ScpError', status: 401 },
    });
  });
});

describe('an overloaded platform', () => {
  it.each([429, 503])('answering %i is asked again later', async (status) => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'error', status, message: 'later', on: '*', after: 3, times: 4 });
    const result = await backup(rig);
    expect(rig.hosted.faults.list()[0]?.fired).toBe(4);
    await expectSameAsLive(rig, result.pointId);
  });
});
