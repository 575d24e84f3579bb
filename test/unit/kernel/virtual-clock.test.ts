import { duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { SleepAborted, sleep, whileHolding } from '../../../src/kernel/clock.ts';
import { VirtualClock, VirtualTimeDeadlock } from '../../../src/kernel/virtual-clock.ts';

describe('VirtualClock', () => {
  it('fires timers in order of instant and, at one instant, of creation', async () => {
    const clock = new VirtualClock(1000);
    const fired: string[] = [];
    clock.setTimer(3000, () => fired.push(`c@${clock.now()}`));
    clock.setTimer(2000, () => fired.push(`a@${clock.now()}`));
    clock.setTimer(2000, () => fired.push(`b@${clock.now()}`));
    await clock.advanceTo(5000);
    expect(fired).toEqual(['a@2000', 'b@2000', 'c@3000']);
    expect(clock.now()).toBe(5000);
  });

  it('keeps the order of many timers', async () => {
    const clock = new VirtualClock(0);
    const fired: number[] = [];
    for (let at = 0; at < 500; at++) clock.setTimer((at * 7919) % 500, () => fired.push(clock.now()));
    await clock.advanceTo(500);
    expect(fired).toEqual(Array.from({ length: 500 }, (_, at) => at));
  });

  it('does not step over a timer that is set by another timer on the way', async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    clock.setTimer(10, () => clock.setTimer(15, () => seen.push(clock.now())));
    await clock.advanceBy(100);
    expect(seen).toEqual([15]);
  });

  it('fires a timer of the past at the present instant, not synchronously', async () => {
    const clock = new VirtualClock(50);
    let firedAt = -1;
    clock.setTimer(10, () => {
      firedAt = clock.now();
    });
    expect(firedAt).toBe(-1);
    await clock.advanceBy(0);
    expect(firedAt).toBe(50);
  });

  it('never fires a cancelled timer', async () => {
    const clock = new VirtualClock(0);
    let hasFired = false;
    clock
      .setTimer(5, () => {
        hasFired = true;
      })
      .cancel();
    await clock.advanceBy(10);
    expect(hasFired).toBe(false);
    expect(clock.nextTimerMs()).toBeUndefined();
  });

  it('runs work that sleeps for a day without waiting', async () => {
    const clock = new VirtualClock(0);
    const work = async (): Promise<number> => {
      for (let hour = 0; hour < 24; hour++) await sleep(clock, 3_600_000);
      return clock.now();
    };
    expect(await clock.run(work())).toBe(86_400_000);
  });

  it('says so when the awaited work can never be done', async () => {
    await expect(new VirtualClock(0).run(new Promise(() => undefined))).rejects.toThrow(VirtualTimeDeadlock);
  });

  it('passes on the failure of the awaited work', async () => {
    await expect(new VirtualClock(0).run(Promise.reject(new RangeError('no')))).rejects.toThrow(RangeError);
  });

  it('stands still while real work is held', async () => {
    const clock = new VirtualClock(0);
    let timeAtEnd = -1;
    clock.setTimer(10, () => undefined);
    const work = whileHolding(clock, async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      timeAtEnd = clock.now();
    });
    await clock.advanceBy(100);
    await work;
    expect(timeAtEnd).toBe(0);
  });

  it('counts bytes on their way through a duplex pair as something in flight', async () => {
    const clock = new VirtualClock(0);
    const [left, right] = duplexPair();
    right.on('data', (chunk: Buffer) => right.write(chunk));
    let echoedAt = -1;
    left.once('data', () => {
      echoedAt = clock.now();
    });
    clock.setTimer(1, () => undefined);
    left.write('ping');
    await clock.advanceBy(10);
    expect(echoedAt).toBe(0);
  });
});

describe('sleep', () => {
  it('rejects at once when its signal is aborted, and leaves no timer', async () => {
    const clock = new VirtualClock(0);
    const abort = new AbortController();
    const work = sleep(clock, 1000, abort.signal);
    abort.abort();
    await expect(work).rejects.toThrow(SleepAborted);
    expect(clock.nextTimerMs()).toBeUndefined();
  });
});

it('stands still for a hold that begins while the loop drains', async () => {
  const clock = new VirtualClock(0);
  const told: string[] = [];
  clock.setTimer(100, () => told.push('timer'));
  setImmediate(() => {
    const release = clock.hold();
    let turns = 0;
    const work = (): void => {
      if (++turns < 20) setImmediate(work);
      else {
        told.push('work is done');
        release();
      }
    };
    work();
  });
  await clock.advanceBy(100);
  expect(told).toEqual(['work is done', 'timer']);
});

it('runs no longer than the work, however busy others are', async () => {
  const clock = new VirtualClock(0);
  let isBusy = true;
  const touch = (): void => {
    clock.touch();
    if (isBusy) setImmediate(touch);
  };
  touch();
  expect(await clock.run(Promise.resolve('done'))).toBe('done');
  isBusy = false;
});
