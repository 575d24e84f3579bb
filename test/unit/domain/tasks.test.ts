import { describe, expect, it } from 'vitest';
import { START_MS, SERVER, finish, serverSpec, smallWorld } from './small-world.ts';

describe('a task', () => {
  it('waits, does, and finishes in virtual time, with the progress that the product shows', async () => {
    const small = smallWorld([serverSpec({ isRunning: false })]);
    const { world, clock } = small;
    const { taskId } = world.servers.start(SERVER, 'me');
    const progressAt = async (ms: number): Promise<unknown[]> => {
      await clock.advanceTo(START_MS + ms);
      const { status, progress } = world.tasks.get(taskId);
      return [status, progress];
    };
    expect(await progressAt(0)).toEqual(['waiting', -2]);
    expect(await progressAt(299)).toEqual(['waiting', -2]);
    expect(await progressAt(300)).toEqual(['doing', 0]);
    expect(await progressAt(1650)).toEqual(['doing', 49]);
    expect(await progressAt(2999)).toEqual(['doing', 98]);
    expect(await progressAt(3000)).toEqual(['finish', 100]);
    const task = world.tasks.get(taskId);
    expect(task).toMatchObject({
      beginMs: START_MS,
      endMs: START_MS + 3000,
      action: 'start',
      objectName: 'erp-01',
      serverId: SERVER,
      poolId: 'pool-1',
      description: '',
    });
  });

  it('ends as a failure with -1 and its reason', async () => {
    const small = smallWorld();
    const done = await finish(small, small.world.cbt.set(SERVER, 'reset', undefined, 'me'));
    expect(done).toEqual({ status: 'failure', description: 'CBT is not enabled for the disk. (erp-01)' });
    expect(small.world.tasks.list()[0]?.progress).toBe(-1);
  });

  it('keeps its server busy until it ends, and no longer', async () => {
    const small = smallWorld();
    const { world, clock } = small;
    world.snapshots.create(SERVER, { name: 'a', description: '' }, 'me');
    await clock.advanceTo(START_MS + 1999);
    expect(() => world.servers.stop(SERVER, { force: false }, 'me')).toThrow(
      expect.objectContaining({ code: 'SERVER_BUSY' }),
    );
    await clock.advanceTo(START_MS + 2000);
    expect(world.servers.stop(SERVER, { force: false }, 'me').taskId).toBeTruthy();
  });

  it('is written to the journal at each turn', async () => {
    const small = smallWorld();
    await finish(small, small.world.servers.stop(SERVER, { force: true }, 'me'));
    const turns = small.journal.entries.filter((entry) => entry.type === 'task');
    expect(turns.map((entry) => [entry.status, entry.progress, entry.t - START_MS])).toEqual([
      ['waiting', -2, 0],
      ['doing', 0, 50],
      ['finish', 100, 500],
    ]);
  });

  it('is NOT_FOUND when nobody started it', () => {
    expect(() => smallWorld().world.tasks.get('nothing')).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    );
  });
});
