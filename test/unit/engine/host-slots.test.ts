import { expect, it } from 'vitest';
import { HostSlots } from '../../../src/engine/host-slots.ts';

const never = new AbortController().signal;

/** Notes who waits and who is in, in order. */
function createLog(slots: HostSlots) {
  const log: string[] = [];
  const take = async (who: string, count: number, signal = never, host = 'a') => {
    const leave = await slots.take(host, count, signal, () => log.push(`${who} waits`));
    log.push(`${who} enters`);
    return leave;
  };
  return { log, take };
}

const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

it('lets in as many as there are slots, and the next when one is given back', async () => {
  const { log, take } = createLog(new HostSlots(3));
  const leave = await take('one', 2);
  await take('two', 1);
  const three = take('three', 1);
  expect(log).toEqual(['one enters', 'two enters', 'three waits']);
  leave();
  await three;
  expect(log.at(-1)).toBe('three enters');
});

it('counts every host by itself', async () => {
  const { log, take } = createLog(new HostSlots(1));
  await take('one', 1);
  await take('two', 1, never, 'b');
  expect(log).toEqual(['one enters', 'two enters']);
});

it('does not let one that wants little overtake one that wants much', async () => {
  const { log, take } = createLog(new HostSlots(2));
  const leave = await take('small', 1);
  const large = take('large', 2);
  const late = take('late', 1);
  expect(log).toEqual(['small enters', 'large waits', 'late waits']);
  leave();
  (await large)();
  await late;
  expect(log.slice(3)).toEqual(['large enters', 'late enters']);
});

it('gives all there are to one that wants more', async () => {
  const { log, take } = createLog(new HostSlots(2));
  const leave = await take('huge', 5);
  const next = take('next', 2);
  expect(log).toEqual(['huge enters', 'next waits']);
  leave();
  await next;
});

it('takes slots back once, however often they are given back', async () => {
  const { log, take } = createLog(new HostSlots(1));
  const leave = await take('one', 1);
  leave();
  leave();
  await take('two', 1);
  void take('three', 1);
  await tick();
  expect(log).toEqual(['one enters', 'two enters', 'three waits']);
});

it('lets one that is aborted out of the line, and those behind it in', async () => {
  const { log, take } = createLog(new HostSlots(2));
  await take('one', 1);
  const controller = new AbortController();
  const large = take('large', 2, controller.signal);
  const small = take('small', 1);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(large).rejects.toBe(reason);
  await small;
  expect(log).toEqual(['one enters', 'large waits', 'small waits', 'small enters']);
  await expect(take('dead', 1, controller.signal)).rejects.toBe(reason);
});

it('does not take an abort after the entry for a place given back', async () => {
  const { log, take } = createLog(new HostSlots(1));
  const leave = await take('one', 1);
  const controller = new AbortController();
  const two = take('two', 1, controller.signal);
  leave();
  await two;
  const three = take('three', 1);
  controller.abort(new Error('late'));
  await tick();
  expect(log.at(-1)).toBe('three waits');
  (await two)();
  await three;
});
