import { expect, it } from 'vitest';
import { retryWhileTaken, ServerTaken } from '../../../src/engine/wait-while-taken.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { ScpError } from '../../../src/sdk/scp-error.ts';

const busy = () =>
  new ScpError('op', {
    status: 400,
    code: '400',
    message: 'Another task is running on the virtual machine.',
  });

it('tries until the server is free, and at the very end once more', async () => {
  const clock = new VirtualClock(0);
  const attempt = async () => {
    if (clock.now() < 100_000) throw new ServerTaken('taken');
    return clock.now();
  };
  expect(await clock.run(retryWhileTaken({ clock, maxMs: 100_000 }, attempt))).toBe(100_000);
});

it('ends with the platform’s own reason when the time is over', async () => {
  const clock = new VirtualClock(0);
  const job = clock.run(retryWhileTaken({ clock, maxMs: 50_000 }, () => Promise.reject(busy())));
  await expect(job).rejects.toMatchObject({ name: 'ScpError', retry: 'after-delay' });
  expect(clock.now()).toBe(50_000);
});

it('does not repeat what waiting cannot mend', async () => {
  const clock = new VirtualClock(0);
  let calls = 0;
  const job = retryWhileTaken({ clock, maxMs: 50_000 }, async () => {
    calls++;
    throw new ScpError('op', { status: 400, code: '400', message: 'The disk does not exist.' });
  });
  await expect(job).rejects.toMatchObject({ retry: 'never' });
  expect(calls).toBe(1);
});

it('stops waiting when the job is aborted', async () => {
  const clock = new VirtualClock(0);
  const abort = new AbortController();
  const job = retryWhileTaken({ clock, maxMs: 50_000, signal: abort.signal }, () => Promise.reject(busy()));
  await clock.drain();
  abort.abort();
  await expect(job).rejects.toMatchObject({ name: 'SleepAborted' });
});
