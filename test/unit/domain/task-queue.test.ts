import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/contract/errors.ts';
import { type PoolId, type ServerId, createIdSource } from '../../../src/kernel/ids.ts';
import { Journal } from '../../../src/kernel/journal.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { Agenda } from '../../../simulator/domain/agenda.ts';
import { TaskQueue } from '../../../simulator/domain/task-queue.ts';
import type { RunningTask, TaskPlan } from '../../../simulator/domain/task-record.ts';

const PLAN = {
  action: 'hotadd.remove',
  objectType: 'VM',
  objectId: 'p',
  objectName: 'proxy',
  durationMs: 1_000,
  finish: () => undefined,
} satisfies TaskPlan;

function queue() {
  const clock = new VirtualClock(0);
  const journal = new Journal({ now: () => clock.now() });
  const tasks = new TaskQueue(new Agenda(clock), createIdSource(createRng('tasks')), journal);
  /** What the journal tells of all tasks. */
  const story = () =>
    journal.entries.flatMap((entry) =>
      entry.type === 'task'
        ? [`${entry.t} ${entry.status} ${entry.progress} ${entry.description ?? ''}`.trim()]
        : [],
    );
  return { clock, tasks, story };
}

describe('a task that ends later', () => {
  it('stays at 99 % from its due time until it is told', async () => {
    const { clock, tasks, story } = queue();
    let running: RunningTask | undefined;
    const plan: TaskPlan = { ...PLAN, endsLater: true, finish: (task) => void (running = task) };
    const id = tasks.start(plan);
    await clock.advanceBy(90_000);
    expect(tasks.get(id)).toMatchObject({ status: 'doing', progress: 99 });
    running?.step('half');
    running?.end();
    running?.end(new ApiError('UNPLUG_TIMEOUT', 'x'));
    running?.step('too late');
    expect(tasks.get(id)).toMatchObject({ status: 'finish', endMs: 90_000, description: '' });
    expect(story()).toEqual(['0 waiting -2', '100 doing 0', '90000 doing 99 half', '90000 finish 100']);
  });

  it('fails when it is told so, or when its work fails before', async () => {
    const { clock, tasks } = queue();
    const refuse = (): never => {
      throw new ApiError('DISK_NOT_ATTACHED', 'x');
    };
    const told = tasks.start({
      ...PLAN,
      endsLater: true,
      finish: (task) => task.end(new ApiError('UNPLUG_TIMEOUT', 'x')),
    });
    const broken = tasks.start({ ...PLAN, endsLater: true, finish: refuse });
    await clock.advanceBy(1_000);
    expect([tasks.get(told).status, tasks.get(broken).status]).toEqual(['failure', 'failure']);
  });
});

describe('a task that fails at its beginning', () => {
  it('never has its effect, and frees its server', async () => {
    const { clock, tasks, story } = queue();
    const calls: string[] = [];
    const server = { id: 'p' as ServerId, poolId: 'pool' as PoolId, runningTaskId: undefined };
    const id = tasks.start({
      ...PLAN,
      server,
      begin() {
        calls.push('begin');
        throw new ApiError('HOTADD_CONFLICT', 'x');
      },
      finish: () => void calls.push('finish'),
      ended: () => void calls.push('ended'),
    });
    expect(server.runningTaskId).toBe(id);
    await clock.advanceBy(100);
    expect(server.runningTaskId).toBeUndefined();
    expect(tasks.get(id)).toMatchObject({ status: 'failure', progress: -1, endMs: 100 });
    await clock.advanceBy(5_000);
    expect(calls).toEqual(['begin', 'ended']);
    expect(story().map((line) => line.split(' ')[1])).toEqual(['waiting', 'doing', 'failure']);
  });
});

describe('the end of a task', () => {
  it.each([
    ['well', () => undefined],
    [
      'badly',
      () => {
        throw new ApiError('SERVER_STATE', 'x');
      },
    ],
  ])('is told once, when it is over (%s)', async (_way, finish) => {
    const { clock, tasks } = queue();
    const ends: string[] = [];
    const id = tasks.start({ ...PLAN, finish, ended: () => void ends.push(tasks.get(id).status) });
    await clock.advanceBy(999);
    expect(ends).toEqual([]);
    await clock.advanceBy(2_000);
    expect(ends).toEqual([tasks.get(id).status]);
  });

  it('that is a bug is no failure of the task', async () => {
    const { clock, tasks } = queue();
    tasks.start({
      ...PLAN,
      finish() {
        throw new TypeError('a bug');
      },
    });
    await expect(clock.advanceBy(1_000)).rejects.toThrow('a bug');
  });
});
