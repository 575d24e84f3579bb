import { describe, expect, it } from 'vitest';
import { ProxyDesk, TurnQueue } from '../../../src/engine/proxy-queue.ts';

/** Work that ends when told. */
function held(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const work = (): Promise<string> => {
    log.push(`begin ${name}`);
    return promise.finally(() => log.push(`end ${name}`));
  };
  return { work, end: () => resolve(name), fail: () => reject(new Error(name)) };
}

describe('the queue of a proxy', () => {
  it('runs one task at a time, in the order of arrival', async () => {
    const log: string[] = [];
    const queue = new TurnQueue();
    const tasks = ['a', 'b', 'c'].map((name) => held(log, name));
    const all = tasks.map(({ work }) => queue.run(work));
    for (const task of tasks.toReversed()) task.end();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['begin a', 'end a', 'begin b', 'end b', 'begin c', 'end c']);
  });

  it('goes on after a failure', async () => {
    const log: string[] = [];
    const queue = new TurnQueue();
    const [first, second] = [held(log, 'a'), held(log, 'b')];
    const failed = queue.run(first.work);
    const done = queue.run(second.work);
    first.fail();
    second.end();
    await expect(failed).rejects.toThrow('a');
    expect(await done).toBe('b');
  });

  it('lets go of who gives up waiting, and keeps the order of the others', async () => {
    const log: string[] = [];
    const queue = new TurnQueue();
    const abort = new AbortController();
    const [first, second, third] = [held(log, 'a'), held(log, 'b'), held(log, 'c')];
    const running = queue.run(first.work);
    const waiting = queue.run(second.work, abort.signal);
    const last = queue.run(third.work);
    abort.abort(new Error('not any more'));
    await expect(waiting).rejects.toThrow('not any more');
    expect(log).toEqual(['begin a']);
    first.end();
    third.end();
    await Promise.all([running, last]);
    expect(log).toEqual(['begin a', 'end a', 'begin c', 'end c']);
  });

  it('does not begin for a signal that is aborted already', async () => {
    const log: string[] = [];
    const queue = new TurnQueue();
    await expect(queue.run(held(log, 'a').work, AbortSignal.abort(new Error('before')))).rejects.toThrow(
      'before',
    );
    expect(log).toEqual([]);
  });
});

describe('the desk', () => {
  it('keeps a queue per proxy', async () => {
    const log: string[] = [];
    const desk = new ProxyDesk(4);
    const [first, second] = [held(log, 'a'), held(log, 'b')];
    const one = desk.inTurn('p1', first.work);
    const other = desk.inTurn('p2', second.work);
    second.end();
    expect(await other).toBe('b');
    first.end();
    await one;
  });

  it('counts jobs and disks, and leaving twice counts once', () => {
    const desk = new ProxyDesk(4);
    const leave = desk.join('p1');
    const giveUp = desk.holdDisks('p1', 3);
    desk.join('p1');
    expect([desk.jobsOn('p1'), desk.disksOn('p1'), desk.jobsOn('p2')]).toEqual([2, 3, 0]);
    leave();
    leave();
    giveUp();
    giveUp();
    expect([desk.jobsOn('p1'), desk.disksOn('p1')]).toEqual([1, 0]);
  });
});
