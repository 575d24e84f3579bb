import { expect, it } from 'vitest';
import { runWorkers } from '../../../src/engine/run-workers.ts';

it('works on every item once and never on more at once than allowed', async () => {
  const seen: number[] = [];
  let atOnce = 0;
  let most = 0;
  await runWorkers([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++atOnce);
    await Promise.resolve();
    seen.push(item);
    atOnce--;
  });
  expect(seen.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

it('starts nothing new after a failure and throws the first one when all stand still', async () => {
  const started: number[] = [];
  let ended = 0;
  const work = runWorkers([1, 2, 3, 4, 5, 6], 2, async (item) => {
    started.push(item);
    await new Promise((resolve) => setImmediate(resolve));
    ended++;
    if (item === 2) throw new Error('second');
  });
  await expect(work).rejects.toThrow('second');
  expect(started).not.toContain(5);
  expect(ended).toBe(started.length);
});
