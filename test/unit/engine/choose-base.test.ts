import { expect, it } from 'vitest';
import {
  type Base,
  chooseBase,
  distrustKey,
  distrustNote,
  sinceCheckpointOf,
  whyMapIsVoid,
  whyNotAncestor,
} from '../../../src/engine/choose-base.ts';
import { writePointNotes } from '../../../src/engine/point-notes.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { syncCodec } from '../../../src/repository/codec.ts';
import { createRepository } from '../../../src/repository/create-repository.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';

const CHECKPOINT = 5 * 2 ** 32 + 4;
const NOTES = {
  snapshotId: 's',
  checkpointId: CHECKPOINT,
  trackedDisks: ['ide0'],
  transport: 'nbd',
  poolId: 'p',
  vmconf: {},
} as const;

async function repositoryWith(engine: Parameters<typeof writePointNotes>[0] | undefined) {
  const clock = new VirtualClock(0);
  const ids = createIdSource(createRng('base'));
  const repository = createRepository({ storage: new MemoryStorage(), codec: syncCodec, clock, ids });
  const disks = [
    { deviceId: 'ide0', sizeBytes: 4096 },
    { deviceId: 'ide1', sizeBytes: 4096 },
  ];
  const writer = await repository.begin({ serverId: 'v', serverName: 'vm', kind: 'full', disks });
  const point = await writer.commit(engine === undefined ? {} : writePointNotes(engine));
  return { repository, point };
}

async function chosen(): Promise<Base> {
  const { repository } = await repositoryWith(NOTES);
  const { base } = await chooseBase(repository, 'v');
  if (base === undefined) throw new Error('no base');
  return base;
}

it('builds on the youngest point of the same server', async () => {
  const { repository, point } = await repositoryWith(NOTES);
  expect(await chooseBase(repository, 'v')).toMatchObject({
    base: { point: { id: point.id }, checkpointId: CHECKPOINT },
  });
  expect(await chooseBase(repository, 'other')).toEqual({ base: undefined, because: '' });
});

it.each([
  ['of something else', undefined, 'does not say'],
  ['without a checkpoint', { ...NOTES, checkpointId: 0 }, 'not tracked'],
  ['without tracked disks', { ...NOTES, trackedDisks: [] }, 'not tracked'],
])('does not build on a point %s', async (_, notes, because) => {
  const { repository } = await repositoryWith(notes);
  expect(await chooseBase(repository, 'v')).toMatchObject({
    base: undefined,
    because: expect.stringContaining(because),
  });
});

it('does not build on a point that failed its verification', async () => {
  const { repository, point } = await repositoryWith(NOTES);
  await repository.writeNote(distrustKey(point.id), distrustNote('differs'));
  expect((await chooseBase(repository, 'v')).base).toBeUndefined();
});

it('takes only a later checkpoint of the same history for a descendant', async () => {
  const base = await chosen();
  expect(whyNotAncestor(base, CHECKPOINT + 1)).toBe('');
  expect(whyNotAncestor(base, CHECKPOINT)).toContain('not lie after');
  expect(whyNotAncestor(base, 6 * 2 ** 32 + 5)).toContain('reset');
  expect(whyNotAncestor(base, 0)).toContain('no checkpoint');
});

it('decides disk by disk', async () => {
  const base = await chosen();
  const since = (deviceId: string, sizeBytes: number, isTracked = true) =>
    sinceCheckpointOf(base, { deviceId, sizeBytes, isTracked });
  expect(since('ide0', 4096)).toEqual({ since: CHECKPOINT });
  expect(since('ide0', 8192)).toMatchObject({ because: expect.stringContaining('size changed') });
  expect(since('ide0', 4096, false)).toMatchObject({ because: expect.stringContaining('not tracked') });
  expect(since('ide1', 4096)).toMatchObject({ because: expect.stringContaining('last backup') });
  expect(since('ide2', 4096)).toMatchObject({ because: 'the disk is new' });
});

it('does not trust the map of a tracked disk that was resized, either way', async () => {
  const base = await chosen();
  const why = (deviceId: string, sizeBytes: number, isTracked = true) =>
    whyMapIsVoid(base, { deviceId, sizeBytes, isTracked });
  expect(why('ide0', 4096)).toBe('');
  expect(why('ide0', 8192)).toContain('from 4096 to 8192');
  expect(why('ide0', 2048)).toContain('from 4096 to 2048');
});

it('has nothing against maps of disks that have none, or had none at the base', async () => {
  const base = await chosen();
  expect(whyMapIsVoid(base, { deviceId: 'ide0', sizeBytes: 8192, isTracked: false })).toBe('');
  expect(whyMapIsVoid(base, { deviceId: 'ide1', sizeBytes: 8192, isTracked: true })).toBe('');
  expect(whyMapIsVoid(base, { deviceId: 'ide2', sizeBytes: 8192, isTracked: true })).toBe('');
});
