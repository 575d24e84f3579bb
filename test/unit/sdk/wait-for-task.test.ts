import { describe, expect, it } from 'vitest';
import { MachineClock } from '../../../harness/runner/machine-clock.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import type { Task } from '../../../src/sdk/scp-client-api.ts';
import { TaskTimeout } from '../../../src/sdk/scp-error.ts';
import { waitForTask } from '../../../src/sdk/wait-for-task.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** When a task is asked after that ends so many milliseconds after it was ordered. `jumpMs`: of the client's clock. */
async function askedAt(endMs: number, timeoutMs = 24 * HOUR_MS, jumpMs = 0): Promise<readonly number[]> {
  const clock = new VirtualClock(0);
  const machine = new MachineClock(clock);
  const asked: number[] = [];
  const readTask = (id: string): Promise<Task> => {
    if (asked.push(clock.now()) === 2) machine.jump(jumpMs);
    const status = clock.now() >= endMs ? 'finish' : 'doing';
    return Promise.resolve({ id, action: '', status, progress: 0, description: '' });
  };
  await clock
    .run(waitForTask(readTask, 't', { clock: machine, timeoutMs, signal: undefined }))
    .catch((error: unknown) => {
      if (!(error instanceof TaskTimeout)) throw error;
    });
  return asked;
}

const intervals = (times: readonly number[]): readonly number[] =>
  times.map((time, at) => time - (times[at - 1] ?? 0));

describe('a task is asked after', () => {
  it('within a fifth of a second of the end of a second', async () => {
    expect(await askedAt(1000)).toEqual([250, 625, 1187.5]);
  });

  it('every three seconds in its first half minute, then after a tenth of the time gone by', async () => {
    const asked = await askedAt(10 * MINUTE_MS);
    const waited = intervals(asked);
    const atFirst = waited.filter((_, at) => (asked[at] ?? 0) < 30_000);
    expect(Math.max(...atFirst)).toBe(3000);
    for (const [at, ms] of waited.entries())
      if ((asked[at - 1] ?? 0) > 30_000) expect(ms).toBeCloseTo((asked[at - 1] ?? 0) / 10, 0);
    expect(asked.length).toBeGreaterThan(40);
    expect(asked.length).toBeLessThan(50);
    expect(asked.at(-1)).toBeLessThan(11 * MINUTE_MS);
  });

  it('for the last time when the patience ends', async () => {
    const asked = await askedAt(HOUR_MS, 10 * MINUTE_MS);
    expect(asked.at(-1)).toBe(10 * MINUTE_MS);
  });

  it.each([3 * HOUR_MS, -3 * HOUR_MS])('as often when the clock is set by %i ms meanwhile', async (byMs) => {
    const expected = await askedAt(HOUR_MS, 10 * MINUTE_MS);
    expect(await askedAt(HOUR_MS, 10 * MINUTE_MS, byMs)).toEqual(expected);
  });

  it('every minute at least, however long it takes', async () => {
    const waited = intervals(await askedAt(20 * HOUR_MS));
    expect(Math.max(...waited)).toBeCloseTo(MINUTE_MS, 6);
    expect(waited.at(-1)).toBeCloseTo(MINUTE_MS, 6);
  });
});
