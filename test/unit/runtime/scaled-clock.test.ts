import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ScaledClock } from '../../../src/runtime/scaled-clock.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

/** Lets the wall pass, and what it sets off happen. */
async function wall(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('ScaledClock', () => {
  it('goes with the wall, as many times faster as its scale says', async () => {
    const clock = new ScaledClock({ startMs: 1000, scale: 60 });
    await wall(500);
    expect(clock.now()).toBe(1000 + 30_000);
  });

  it('fires a timer when the wall has come far enough', async () => {
    const clock = new ScaledClock({ startMs: 0, scale: 10 });
    let firedAt: number | undefined;
    clock.setTimer(1000, () => {
      firedAt = clock.now();
    });
    await wall(99);
    expect(firedAt).toBeUndefined();
    await wall(1);
    expect(firedAt).toBe(1000);
  });

  it('stands still at scale 0, except for timers of the past', async () => {
    const clock = new ScaledClock({ startMs: 500, scale: 0 });
    const fired: string[] = [];
    clock.setTimer(501, () => fired.push('future'));
    clock.setTimer(400, () => fired.push('past'));
    expect(fired).toEqual([]);
    await wall(60_000);
    expect(clock.now()).toBe(500);
    expect(fired).toEqual(['past']);
  });

  it('stops at every due timer when it is moved by hand, and shows its instant', async () => {
    const clock = new ScaledClock({ startMs: 0, scale: 0 });
    const seen: number[] = [];
    clock.setTimer(10, () => {
      seen.push(clock.now());
      clock.setTimer(15, () => seen.push(clock.now()));
    });
    await clock.advanceBy(100);
    expect(seen).toEqual([10, 15]);
    expect(clock.now()).toBe(100);
  });

  it('goes on from the instant to which it was moved while it runs with the wall', async () => {
    const clock = new ScaledClock({ startMs: 0, scale: 1 });
    await wall(50);
    await clock.advanceBy(1000);
    expect(clock.now()).toBe(1050);
    await wall(50);
    expect(clock.now()).toBe(1100);
  });

  it('never goes back when the scale changes', async () => {
    const clock = new ScaledClock({ startMs: 0, scale: 1000 });
    await wall(10);
    await clock.setScale(0);
    expect(clock.now()).toBe(10_000);
    await clock.setScale(1);
    await wall(5);
    expect(clock.now()).toBe(10_005);
  });

  it('fires no cancelled timer, and none after it was stopped', async () => {
    const clock = new ScaledClock({ startMs: 0, scale: 1 });
    const fired: string[] = [];
    clock.setTimer(10, () => fired.push('cancelled')).cancel();
    clock.setTimer(20, () => fired.push('stopped'));
    clock.stop();
    await wall(100);
    expect(fired).toEqual([]);
  });

  it('waits for a timer that is further away than a timeout can be', async () => {
    vi.useRealTimers();
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', note);
    const clock = new ScaledClock({ startMs: 0, scale: 1 });
    let isFired = false;
    clock.setTimer(2 ** 31 + 60_000, () => {
      isFired = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    clock.stop();
    expect({ isFired, warnings }).toEqual({ isFired: false, warnings: [] });
  });
});
