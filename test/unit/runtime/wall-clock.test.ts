import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createWallClock } from '../../../src/runtime/wall-clock.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

describe('createWallClock', () => {
  it('shows the time of the machine and fires timers by it', () => {
    const clock = createWallClock();
    const fired: number[] = [];
    clock.setTimer(1_000_050, () => fired.push(clock.now()));
    vi.advanceTimersByTime(49);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual([1_000_050]);
  });

  it('does not go back when the machine does', () => {
    const clock = createWallClock();
    expect(clock.now()).toBe(1_000_000);
    vi.setSystemTime(5);
    expect(clock.now()).toBe(1_000_000);
  });

  it('fires no cancelled timer', () => {
    const clock = createWallClock();
    let isFired = false;
    clock
      .setTimer(1_000_001, () => {
        isFired = true;
      })
      .cancel();
    vi.advanceTimersByTime(10);
    expect(isFired).toBe(false);
  });

  it('waits for a timer that is further away than a timeout can be', () => {
    const clock = createWallClock();
    let isFired = false;
    clock.setTimer(1_000_000 + 2 ** 31 + 5, () => {
      isFired = true;
    });
    vi.advanceTimersByTime(2 ** 31);
    expect(isFired).toBe(false);
    vi.advanceTimersByTime(5);
    expect(isFired).toBe(true);
  });
});
