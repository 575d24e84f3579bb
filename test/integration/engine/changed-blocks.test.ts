import { describe, expect, it } from 'vitest';
import type { HttpResponse } from '../../../src/sdk/http-transport.ts';
import { tapScp } from './changed-env.ts';
import { expectNothingLeft, expectSameAsLive } from './expect-image.ts';
import { createRig, KIB, MIB, type Rig } from './rig.ts';

const DISK = { datastoreId: 'ds-1', preallocate: 'off' } as const;

const backup = (rig: Rig, engine = rig.engine()) =>
  rig.run(engine.backup({ server: 'erp-01', transport: 'nbd' }));

/** Changes what the changed-areas query says. */
function tapAreas(rig: Rig, change: (data: { changed_area: object[]; length: number }) => void) {
  return rig.engine({ verify: true }, (env) =>
    tapScp(env, async (request, send) => {
      const response = await send();
      if (!request.path.includes('/changed-areas')) return response;
      const body = JSON.parse(response.body) as { data: { changed_area: object[]; length: number } };
      change(body.data);
      return { ...response, body: JSON.stringify(body) } satisfies HttpResponse;
    }),
  );
}

describe('changed areas', () => {
  it('are read page by page to the end of the disk', async () => {
    await using rig = await createRig({ settings: { changedAreasPerPage: 2 } });
    const first = await backup(rig);
    await expectSameAsLive(rig, first.pointId);
    for (let at = 0; at < 12; at++)
      await rig.hosted.world.guest.write(
        rig.server.id,
        'ide0',
        at * 4 * 64 * KIB + 5,
        Buffer.from('changed'),
      );
    const queriesBefore = countQueries(rig);
    const second = await backup(rig);
    expect(countQueries(rig) - queriesBefore).toBeGreaterThanOrEqual(7);
    expect(second.disks[0]).toMatchObject({ method: 'changed-areas', readBytes: 12 * 64 * KIB });
    await expectSameAsLive(rig, second.pointId);
  });

  it('that leave a gap are not trusted: the disk is read by other means', async () => {
    await using rig = await createRig();
    await backup(rig);
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 2 * MIB, Buffer.alloc(10, 1));
    const engine = tapAreas(rig, (data) => {
      data.length = 0;
    });
    const result = await backup(rig, engine);
    expect(result.disks.map((disk) => disk.method)).toEqual(['allocation', 'allocation']);
    expect(result.kind).toBe('full');
    expect(result.fullBecause).toContain('not covered');
    expect(result.warnings).toHaveLength(4);
    await expectSameAsLive(rig, result.pointId);
  });

  it('that leave out a change are found out by verification, and never built on', async () => {
    await using rig = await createRig();
    await backup(rig);
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 2 * MIB, Buffer.alloc(10, 1));
    const engine = tapAreas(rig, (data) => {
      data.changed_area = [];
    });
    await expect(backup(rig, engine)).rejects.toMatchObject({
      name: 'JobFailed',
      step: 'verify',
      message: expect.stringContaining('ide0 differs'),
    });
    const next = await backup(rig);
    expect(next).toMatchObject({ kind: 'full', fullBecause: expect.stringContaining('verification') });
    await expectSameAsLive(rig, next.pointId);
  });

  it('are built on only where a point that was to be verified was verified to the end', async () => {
    await using rig = await createRig();
    const verifying = () => rig.engine({ verify: true });
    await backup(rig, verifying());
    expect(await backup(rig, verifying())).toMatchObject({ kind: 'incremental' });
    const cut = rig.engine({ verify: true }, (env) => ({
      ...env,
      repository: { ...env.repository, open: () => Promise.reject(new Error('cut short')) },
    }));
    await expect(backup(rig, cut)).rejects.toMatchObject({ step: 'verify' });
    expect(await rig.repository.points()).toHaveLength(3);
    expect(await backup(rig)).toMatchObject({
      kind: 'full',
      fullBecause: expect.stringContaining('not verified to the end'),
    });
  });

  it('that left out a change are named by a restore of the point', async () => {
    await using rig = await createRig();
    await backup(rig);
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 2 * MIB, Buffer.alloc(10, 1));
    const engine = tapAreas(rig, (data) => {
      data.changed_area = [];
    });
    await backup(rig, engine).catch(() => undefined);
    const pointId = (await rig.repository.points()).at(-1)?.id ?? '';
    const { warnings } = await rig.run(rig.engine().restore({ pointId, to: 'new', transport: 'nbd' }));
    expect(warnings.join()).toContain('failed its verification');
  });

  it('are asked for again after a passing error', async () => {
    await using rig = await createRig();
    await backup(rig);
    rig.hosted.faults.add({
      kind: 'error',
      status: 500,
      message: 'hiccup',
      on: 'cbt.changed-areas',
      times: 2,
    });
    const result = await backup(rig);
    expect(rig.hosted.faults.list()[0]?.fired).toBe(2);
    expect(result).toMatchObject({ kind: 'incremental', warnings: [] });
  });

  it('that cannot be had are replaced by the valid areas, and the result says so', async () => {
    await using rig = await createRig();
    await backup(rig);
    rig.hosted.faults.add({
      kind: 'error',
      status: 400,
      message: 'no map',
      on: 'cbt.changed-areas',
      times: 2,
    });
    await rig.hosted.world.guest.zero(rig.server.id, 'ide0', 0, 3 * MIB);
    const result = await backup(rig);
    expect(result.disks.map((disk) => disk.method)).toEqual(['valid-areas', 'changed-areas']);
    expect(result.kind).toBe('incremental');
    expect(result.warnings).toContainEqual(expect.stringContaining('no map'));
    await expectSameAsLive(rig, result.pointId);
  });

  it('that expired are reset; the next backup is full and the one after it incremental', async () => {
    await using rig = await createRig();
    await backup(rig);
    rig.hosted.world.cbt.expire(rig.server.id, 'reverted');
    const second = await backup(rig);
    expect(second).toMatchObject({
      kind: 'full',
      fullBecause: expect.stringContaining('The VM CBT has expired. Please reset it.'),
    });
    await expectSameAsLive(rig, second.pointId);
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 0, Buffer.alloc(10, 7));
    const third = await backup(rig);
    expect(third).toMatchObject({ kind: 'incremental', fullBecause: '' });
    await expectSameAsLive(rig, third.pointId);
    await expectNothingLeft(rig);
  });

  it('that are still called expired after a reset are done without, and the job ends', async () => {
    await using rig = await createRig();
    await backup(rig);
    const message = 'The VM CBT has expired. Please reset it.';
    rig.hosted.faults.add({ kind: 'error', status: 400, message, on: 'cbt.changed-areas', times: 0 });
    const result = await backup(rig);
    expect(resets(rig)).toBe(1);
    expect(result.disks.map((disk) => disk.method)).toEqual(['allocation', 'allocation']);
    await expectSameAsLive(rig, result.pointId);
    await expectNothingLeft(rig);
  });

  it('of a history that somebody else reset are not asked for', async () => {
    await using rig = await createRig();
    await backup(rig);
    rig.hosted.world.cbt.set(rig.server.id, 'reset', undefined, 'somebody');
    await rig.clock.advanceBy(10_000);
    const result = await backup(rig);
    expect(result).toMatchObject({ kind: 'full', fullBecause: expect.stringContaining('reset since') });
    expect((await backup(rig)).kind).toBe('incremental');
  });

  it('are not used where tracking is off and to be left alone', async () => {
    await using rig = await createRig();
    const engine = rig.engine({ leaveCbtAlone: true });
    const first = await backup(rig, engine);
    expect(first.disks.map((disk) => disk.method)).toEqual(['allocation', 'allocation']);
    const second = await backup(rig, engine);
    expect(second).toMatchObject({ kind: 'full', fullBecause: expect.stringContaining('not tracked') });
    await expectSameAsLive(rig, second.pointId);
    expect(rig.hosted.world.cbt.status(rig.server.id).isEnabled).toBe(false);
  });

  it('are done without on a platform that does not know them', async () => {
    await using rig = await createRig();
    rig.hosted.faults.add({ kind: 'error', status: 404, message: 'unknown', on: 'cbt.status', times: 0 });
    const result = await backup(rig);
    expect(result.disks.map((disk) => disk.method)).toEqual(['allocation', 'allocation']);
    expect(result.warnings).toEqual([expect.stringContaining('does not track')]);
    await expectSameAsLive(rig, result.pointId);
  });

  it('are used for the tracked disks only', async () => {
    await using rig = await createRig({
      disks: ['ide0', 'ide1'].map((deviceId, at) => ({
        ...DISK,
        deviceId,
        sizeBytes: 2 * MIB,
        isCbtEnabled: at === 0,
        content: { kind: 'synthetic', allocatedRatio: 0.5, runBytes: 64 * KIB } as const,
      })),
    });
    const engine = rig.engine({ leaveCbtAlone: true });
    await backup(rig, engine);
    rig.hosted.world.guest.trim(rig.server.id, 'ide1', 0, 2 * MIB);
    const second = await backup(rig, engine);
    expect(second.kind).toBe('incremental');
    expect(second.disks.map((disk) => disk.method)).toEqual(['changed-areas', 'allocation']);
    expect(second.warnings).toEqual([expect.stringContaining('ide1: its changes were not tracked')]);
    await expectSameAsLive(rig, second.pointId);
  });
});

describe('a disk whose size is not that of the base', () => {
  /** The base again, as if the first disk had been smaller then. */
  async function shrinkBase(rig: Rig): Promise<void> {
    const base = await rig.repository.latest(rig.server.id);
    if (base === undefined) throw new Error('no base');
    const [first, ...others] = base.disks;
    if (first === undefined) throw new Error('no disks');
    const writer = await rig.repository.begin({
      serverId: base.serverId,
      serverName: base.serverName,
      kind: 'full',
      disks: [{ ...first, sizeBytes: first.sizeBytes - MIB }, ...others],
    });
    await writer.commit(base.engine);
  }

  it('has its tracking reset, is read as a whole, and the result says why', async () => {
    await using rig = await createRig();
    await backup(rig);
    await rig.clock.run(shrinkBase(rig));
    const result = await backup(rig);
    expect(resets(rig)).toBe(1);
    expect(result).toMatchObject({
      kind: 'full',
      fullBecause: expect.stringContaining(`the size of ide0 changed from ${2 * MIB} to ${3 * MIB} bytes`),
      disks: [{ method: 'valid-areas' }, { method: 'valid-areas' }],
    });
    await expectSameAsLive(rig, result.pointId);
    await rig.hosted.world.guest.write(rig.server.id, 'ide0', 0, Buffer.alloc(10, 7));
    const next = await backup(rig);
    expect(next).toMatchObject({ kind: 'incremental', fullBecause: '', warnings: [] });
    expect(resets(rig)).toBe(1);
    await expectSameAsLive(rig, next.pointId);
    await expectNothingLeft(rig);
  });
});

describe('tracking that begins late', () => {
  // Elsewhere a map is known to be wrong, without an error, when snapshots were there before tracking. Here a
  // checkpoint is of its own snapshot, so the engine asks only between snapshots that it took after switching it on.
  it('does not make the first incremental wrong when snapshots were there before', async () => {
    await using rig = await createRig();
    const { snapshots, guest } = rig.hosted.world;
    const foreign = { name: 'before tracking', description: '' };
    snapshots.create(rig.server.id, foreign, 'somebody');
    await rig.clock.advanceBy(60_000);
    await guest.write(rig.server.id, 'ide0', 0, Buffer.alloc(MIB, 3));
    const first = await backup(rig);
    await expectSameAsLive(rig, first.pointId);
    await guest.write(rig.server.id, 'ide0', 2 * MIB, Buffer.alloc(10, 4));
    const second = await backup(rig);
    expect(second).toMatchObject({ kind: 'incremental', warnings: [] });
    await expectSameAsLive(rig, second.pointId);
    expect(rig.snapshots().map(({ name }) => name)).toEqual([foreign.name]);
  });

  it('again for one disk, with writes in between, makes that disk be read as a whole', async () => {
    await using rig = await createRig();
    const { cbt, guest } = rig.hosted.world;
    await backup(rig);
    cbt.set(rig.server.id, 'disable', ['ide0'], 'somebody');
    await rig.clock.advanceBy(60_000);
    await guest.write(rig.server.id, 'ide0', 2 * MIB, Buffer.alloc(10, 4));
    cbt.set(rig.server.id, 'enable', ['ide0'], 'somebody');
    await rig.clock.advanceBy(60_000);
    const second = await backup(rig);
    await expectSameAsLive(rig, second.pointId);
    expect((await backup(rig)).kind).toBe('incremental');
  });
});

describe('the snapshot that is read', () => {
  it('is taken anew when another one came before the lock', async () => {
    await using rig = await createRig();
    let isDone = false;
    const engine = rig.engine({}, (env) =>
      tapScp(env, async (request, send) => {
        if (request.path.endsWith('/backup-resources') && !isDone) {
          isDone = true;
          rig.hosted.world.snapshots.create(rig.server.id, { name: 'foreign', description: '' }, 'somebody');
        }
        return send();
      }),
    );
    const result = await backup(rig, engine);
    expect(isDone).toBe(true);
    expect(result.warnings).toEqual([expect.stringContaining('foreign')]);
    expect(rig.snapshots().map((snapshot) => snapshot.name)).toEqual(['foreign']);
    await expectSameAsLive(rig, result.pointId);
  });
});

function resets(rig: Rig): number {
  return rig.hosted.world.journal.entries.filter(
    (entry) => entry.type === 'state' && entry.entity === 'cbt' && entry.to === 'reset',
  ).length;
}

function countQueries(rig: Rig): number {
  return rig.hosted.world.journal.entries.filter(
    (entry) => entry.type === 'rest.request' && entry.operation === 'cbt.changed-areas',
  ).length;
}
