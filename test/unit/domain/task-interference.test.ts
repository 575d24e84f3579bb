import { describe, expect, it } from 'vitest';
import { Agenda } from '../../../simulator/domain/agenda.ts';
import type { TaskFate, TaskMoment, TaskStep } from '../../../simulator/domain/interference.ts';
import { TaskQueue } from '../../../simulator/domain/task-queue.ts';
import { createIdSource, type ServerId, type PoolId } from '../../../src/kernel/ids.ts';
import { Journal } from '../../../src/kernel/journal.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';

/** A task of a second, and what somebody does to it. */
function stage(fates: Partial<Record<TaskStep, readonly TaskFate[]>>) {
  const clock = new VirtualClock(0);
  const journal = new Journal({ now: () => clock.now() });
  const asked: TaskMoment[] = [];
  const interference = {
    leaseChanged: () => undefined,
    fatesOf(moment: TaskMoment) {
      asked.push(moment);
      return fates[moment.step] ?? [];
    },
  };
  const ids = createIdSource(createRng('tasks'));
  const tasks = new TaskQueue(new Agenda(clock), ids, journal, interference);
  const did: string[] = [];
  const server = { id: 's' as ServerId, poolId: 'p' as PoolId, runningTaskId: undefined };
  const start = () =>
    tasks.start({
      action: 'snapshot.delete',
      objectType: 'snapshot',
      objectId: 'snap',
      objectName: 'one',
      server,
      durationMs: 1_000,
      begin: () => void did.push(`begin ${clock.now()}`),
      finish: () => void did.push(`finish ${clock.now()}`),
      undo: () => void did.push(`undo ${clock.now()}`),
    });
  return { clock, tasks, start, did, asked, server };
}

describe('interference with a task', () => {
  it('is asked for at every step, with what the task is about', async () => {
    const { clock, start, did, asked } = stage({});
    start();
    await clock.advanceBy(2_000);
    expect(did).toEqual(['begin 100', 'finish 1000']);
    const about = { action: 'snapshot.delete', serverId: 's', objectId: 'snap' };
    expect(asked).toEqual(['waiting', 'doing', 'finish'].map((step) => ({ ...about, step })));
  });

  it.each([
    ['waiting', 0, ['undo 0']],
    ['doing', 100, ['undo 100']],
    ['finish', 1_000, ['begin 100', 'undo 1000']],
  ] as const)(
    'lets it fail at %s, takes back what was begun, frees the server',
    async (step, endMs, done) => {
      const { clock, tasks, start, did, server } = stage({ [step]: [{ kind: 'fail', message: 'no more' }] });
      const id = start();
      expect(server.runningTaskId).toBe(id);
      await clock.advanceBy(5_000);
      expect(tasks.get(id)).toMatchObject({ status: 'failure', description: 'no more', endMs });
      expect(did).toEqual(done);
      expect(server.runningTaskId).toBeUndefined();
    },
  );

  it('leaves the task to its caller before it fails as soon as it is accepted', () => {
    const { start, did } = stage({ waiting: [{ kind: 'fail', message: 'no' }] });
    start();
    expect(did).toEqual([]);
  });

  it('lets it be reported done with nothing done', async () => {
    const { clock, tasks, start, did } = stage({ finish: [{ kind: 'phantom' }] });
    const id = start();
    await clock.advanceBy(5_000);
    expect(tasks.get(id)).toMatchObject({ status: 'finish', progress: 100, description: '', endMs: 1_000 });
    expect(did).toEqual(['begin 100', 'undo 1000']);
  });

  it.each([
    ['waiting', ['begin 600', 'finish 1500']],
    ['doing', ['begin 600', 'finish 1500']],
    ['finish', ['begin 100', 'finish 1500']],
  ] as const)('lets it wait at %s, and everything after comes as much later', async (step, done) => {
    const { clock, tasks, start, did } = stage({ [step]: [{ kind: 'delay', ms: 500 }] });
    const id = start();
    await clock.advanceBy(1_400);
    expect(tasks.get(id).status).toBe('doing');
    await clock.advanceBy(5_000);
    expect(did).toEqual(done);
    expect(tasks.get(id)).toMatchObject({ status: 'finish', endMs: 1_500 });
  });

  it.each(['waiting', 'doing', 'finish'] as const)('lets it hang at %s until it is freed', async (step) => {
    let resume: (() => void) | undefined;
    const whenOver = (go: () => void): void => void (resume = go);
    const { clock, tasks, start, did, server } = stage({ [step]: [{ kind: 'hang', whenOver }] });
    const id = start();
    await clock.advanceBy(86_400_000);
    expect(tasks.get(id).endMs).toBeUndefined();
    expect(server.runningTaskId).toBe(id);
    expect(did.some((what) => what.startsWith('finish'))).toBe(false);
    resume?.();
    await clock.advanceBy(5_000);
    expect(tasks.get(id).status).toBe('finish');
    expect(did.filter((what) => what.startsWith('finish'))).toHaveLength(1);
    expect(server.runningTaskId).toBeUndefined();
  });

  it('lets one fate follow the other', async () => {
    const { clock, tasks, start } = stage({
      finish: [{ kind: 'delay', ms: 500 }, { kind: 'phantom' }, { kind: 'fail', message: 'void' }],
    });
    const id = start();
    await clock.advanceBy(5_000);
    expect(tasks.get(id)).toMatchObject({ status: 'finish', endMs: 1_500 });
  });
});
