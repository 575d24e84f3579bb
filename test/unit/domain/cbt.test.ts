import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/contract/errors.ts';
import type { ChangedAreas } from '../../../simulator/domain/world-api.ts';
import {
  DISK,
  GRAIN,
  SERVER,
  type SmallWorld,
  emptyDisk,
  finish,
  serverSpec,
  smallWorld,
} from './small-world.ts';

const V1 = 2 ** 32;

async function take(small: SmallWorld, name = 's'): Promise<{ id: string; checkpoint: number }> {
  const made = small.world.snapshots.create(SERVER, { name, description: '' }, 'me');
  await finish(small, made);
  const { checkpointId } = small.world.snapshots.get(SERVER, made.snapshotId);
  return { id: made.snapshotId, checkpoint: checkpointId };
}

function ask(
  small: SmallWorld,
  snapshotId: string,
  checkpointId: number,
  more: object = {},
): ChangedAreas | string {
  const query = { deviceId: DISK, snapshotId, checkpointId, startOffset: 0, ...more };
  try {
    return small.world.cbt.changedAreas(SERVER, query);
  } catch (error) {
    return error instanceof ApiError ? error.code : String(error);
  }
}

function blocks(answer: ChangedAreas | string): string {
  if (typeof answer === 'string') return answer;
  return answer.areas.map((area) => `${area.start / GRAIN}+${area.length / GRAIN}`).join(' ');
}

const set = (small: SmallWorld, type: 'enable' | 'disable' | 'reset', disks?: string[]) =>
  finish(small, small.world.cbt.set(SERVER, type, disks, 'me'));

describe('CBT', () => {
  it('is off until enabled, per disk, and says so per server', async () => {
    const small = smallWorld([serverSpec({ disks: [emptyDisk('ide0', GRAIN), emptyDisk('ide1', GRAIN)] })]);
    expect(small.world.cbt.status(SERVER)).toMatchObject({ isEnabled: false });
    await set(small, 'enable', ['ide1']);
    expect(small.world.cbt.status(SERVER)).toEqual({
      serverId: SERVER,
      isEnabled: true,
      disks: [
        { deviceId: 'ide0', isEnabled: false },
        { deviceId: 'ide1', isEnabled: true },
      ],
    });
    const { id } = await take(small);
    expect(ask(small, id, 0)).toBe('CBT_DISABLED');
    expect(ask(small, id, 0, { deviceId: 'ide1' })).toMatchObject({ areas: [] });
  });

  it('numbers checkpoints as version and interval, 0 while it is off', async () => {
    const small = smallWorld();
    expect((await take(small)).checkpoint).toBe(0);
    await set(small, 'enable');
    expect((await take(small)).checkpoint).toBe(V1 + 1);
    expect((await take(small)).checkpoint).toBe(V1 + 2);
    await set(small, 'reset');
    expect((await take(small)).checkpoint).toBe(2 * V1 + 1);
    await set(small, 'disable');
    expect((await take(small)).checkpoint).toBe(0);
    await set(small, 'enable');
    expect((await take(small)).checkpoint).toBe(3 * V1 + 1);
  });

  it('answers what changed between two snapshots, also when the base is deleted', async () => {
    const small = smallWorld();
    const { guest } = small.world;
    await set(small, 'enable');
    const base = await take(small);
    await guest.write(SERVER, DISK, 2 * GRAIN - 1, Buffer.alloc(2, 1));
    guest.trim(SERVER, DISK, 8 * GRAIN, GRAIN);
    await guest.zero(SERVER, DISK, 10 * GRAIN, 1);
    const later = await take(small);
    guest.writeSynthetic(SERVER, DISK, 15, 1);
    const last = await take(small);
    await finish(small, small.world.snapshots.delete(SERVER, [base.id], 'me'));
    expect(blocks(ask(small, later.id, base.checkpoint))).toBe('1+2 8+1 10+1');
    expect(blocks(ask(small, last.id, base.checkpoint))).toBe('1+2 8+1 10+1 15+1');
    expect(blocks(ask(small, last.id, later.checkpoint))).toBe('15+1');
    expect(blocks(ask(small, later.id, later.checkpoint))).toBe('');
  });

  it('answers checkpoint 0 with the allocated blocks, zeroed ones included', async () => {
    const small = smallWorld();
    await set(small, 'enable');
    small.world.guest.writeSynthetic(SERVER, DISK, 1, 3);
    await small.world.guest.zero(SERVER, DISK, 4 * GRAIN, GRAIN);
    small.world.guest.trim(SERVER, DISK, 2 * GRAIN, GRAIN);
    const { id } = await take(small);
    expect(blocks(ask(small, id, 0))).toBe('1+1 3+2');
  });

  it('gives a first valid base only with a snapshot that comes after the enabling', async () => {
    const small = smallWorld([serverSpec({ disks: [emptyDisk('ide0', GRAIN), emptyDisk('ide1', GRAIN)] })]);
    await set(small, 'enable', ['ide1']);
    const early = await take(small);
    await set(small, 'enable', ['ide0']);
    const base = await take(small);
    const later = await take(small);
    expect(ask(small, later.id, early.checkpoint)).toBe('CBT_EXPIRED');
    expect(blocks(ask(small, later.id, base.checkpoint))).toBe('');
    expect(blocks(ask(small, later.id, early.checkpoint, { deviceId: 'ide1' }))).toBe('');
  });

  it('expires with a recovery, even for checkpoint 0, until a reset starts a new version', async () => {
    const small = smallWorld([serverSpec({ isRunning: false })]);
    await set(small, 'enable');
    const base = await take(small);
    const options = { backup: false, powerOn: false };
    await finish(small, small.world.snapshots.recover(SERVER, base.id, options, 'me'));
    const after = await take(small);
    expect(ask(small, after.id, base.checkpoint)).toBe('CBT_EXPIRED');
    expect(ask(small, after.id, 0)).toBe('CBT_EXPIRED');
    await set(small, 'reset');
    const fresh = await take(small);
    expect(blocks(ask(small, fresh.id, 0))).toBe('');
    expect(ask(small, fresh.id, after.checkpoint)).toBe('CBT_EXPIRED');
    expect(ask(small, after.id, base.checkpoint)).toBe('CBT_EXPIRED');
    expect(blocks(ask(small, (await take(small)).id, fresh.checkpoint))).toBe('');
  });

  it('expires on demand with the vendor text', async () => {
    const small = smallWorld();
    await set(small, 'enable');
    const base = await take(small);
    small.world.cbt.expire(SERVER, 'a fault');
    const query = { deviceId: DISK, snapshotId: base.id, checkpointId: base.checkpoint, startOffset: 0 };
    expect(() => small.world.cbt.changedAreas(SERVER, query)).toThrow(new ApiError('CBT_EXPIRED').message);
    expect(new ApiError('CBT_EXPIRED').message).toBe('The VM CBT has expired. Please reset it.');
  });

  it('refuses checkpoints that were never issued or come after the snapshot', async () => {
    const small = smallWorld();
    await set(small, 'enable');
    const first = await take(small);
    const second = await take(small);
    for (const bad of [second.checkpoint, 5, -1, 1.5, Number.NaN, V1, 9 * V1 + 1])
      expect(ask(small, first.id, bad)).toBe('CBT_BAD_CHECKPOINT');
  });

  it('refuses unknown disks, snapshots and offsets', async () => {
    const small = smallWorld();
    await set(small, 'enable');
    const { id } = await take(small);
    expect(ask(small, id, 0, { deviceId: 'ide7' })).toBe('UNKNOWN_DISK');
    expect(ask(small, 'nothing', 0)).toBe('UNKNOWN_SNAPSHOT');
    for (const startOffset of [-1, 16 * GRAIN + 1, 0.5])
      expect(ask(small, id, 0, { startOffset })).toBe('CBT_BAD_OFFSET');
    expect(() => small.world.cbt.set(SERVER, 'enable', ['ide7'], 'me')).toThrow('ide7');
  });

  it('does not know a snapshot that is still being created', async () => {
    const small = smallWorld();
    await set(small, 'enable');
    const { snapshotId } = small.world.snapshots.create(SERVER, { name: 'a', description: '' }, 'me');
    expect(ask(small, snapshotId, 0)).toBe('UNKNOWN_SNAPSHOT');
  });
});

describe('a page of changed areas', () => {
  const size = 40 * GRAIN + 100;
  async function checkered(settings: object): Promise<{ small: SmallWorld; id: string }> {
    const disks = [emptyDisk(DISK, size, { isCbtEnabled: true })];
    const small = smallWorld([serverSpec({ disks })], { settings });
    for (let block = 0; block <= 40; block += 2) small.world.guest.writeSynthetic(SERVER, DISK, block, 1);
    return { small, id: (await take(small)).id };
  }

  it('covers no more than it may', async () => {
    const { small, id } = await checkered({ changedAreasCoverBytes: 5 * GRAIN });
    expect(ask(small, id, 0, { startOffset: 10 * GRAIN })).toEqual({
      startOffset: 10 * GRAIN,
      length: 5 * GRAIN,
      areas: [10, 12, 14].map((block) => ({ start: block * GRAIN, length: GRAIN })),
    });
  });

  it('lists no more areas than it may and covers only up to the first one that is left out', async () => {
    const { small, id } = await checkered({ changedAreasPerPage: 3 });
    const page = ask(small, id, 0, { startOffset: GRAIN });
    expect(blocks(page)).toBe('2+1 4+1 6+1');
    expect(page).toMatchObject({ length: 7 * GRAIN });
  });

  it('ends with the disk, whose last block is cut', async () => {
    const { small, id } = await checkered({});
    const page = ask(small, id, 0, { startOffset: 39 * GRAIN });
    expect(page).toEqual({
      startOffset: 39 * GRAIN,
      length: GRAIN + 100,
      areas: [{ start: 40 * GRAIN, length: 100 }],
    });
    expect(ask(small, id, 0, { startOffset: size })).toEqual({ startOffset: size, length: 0, areas: [] });
  });

  it('names the whole block that an unaligned offset falls into', async () => {
    const { small, id } = await checkered({ changedAreasCoverBytes: 2 * GRAIN });
    const page = ask(small, id, 0, { startOffset: 2 * GRAIN + 10 });
    expect(page).toEqual({
      startOffset: 2 * GRAIN + 10,
      length: 2 * GRAIN - 10,
      areas: [{ start: 2 * GRAIN, length: GRAIN }],
    });
  });
});
