/**
 * Time as the whole project sees it. Everything that waits, expires or stamps takes a `Clock`; only
 * `src/runtime` knows the wall clock.
 */

/** A pending callback. Cancelling one that has fired, or twice, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch, in this clock's time. Never goes back. */
  now(): number;
  /** Calls `fire` once, when `now() >= atMs`. An instant in the past fires as soon as possible, never synchronously. */
  setTimer(atMs: number, fire: () => void): Timer;
  /**
   * Says that real asynchronous work (a file, a thread) is under way, so that virtual time must stand still.
   * Returns the release; calling it twice does nothing. Clocks that follow the wall ignore it.
   */
  hold(): () => void;
}

/** The reason with which `sleep` rejects when its signal is aborted. */
export class SleepAborted extends Error {
  override readonly name = 'SleepAborted';
}

/** Resolves after `ms` milliseconds of `clock`'s time. Rejects with `SleepAborted` as soon as `signal` is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new SleepAborted('sleep aborted', { cause: signal.reason }));
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(new SleepAborted('sleep aborted', { cause: signal?.reason }));
    };
    const timer = clock.setTimer(clock.now() + ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Runs real asynchronous work during which virtual time stands still. */
export async function whileHolding<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const release = clock.hold();
  try {
    return await work();
  } finally {
    release();
  }
}
