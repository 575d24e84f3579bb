/** The machine's own time, for engines that talk to a live cluster and for a server that keeps real time. */
import type { Clock, Timer } from '../kernel/clock.ts';

/** Node's timers wrap above this many milliseconds. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Its timers keep the process alive until they fire or are cancelled, unless `isBackground` says that a server's
 * sockets do that.
 */
export function createWallClock(options: { readonly isBackground?: boolean } = {}): Clock {
  let lastMs = 0;
  // The system's time may be set back; a clock of ours never goes back.
  const now = (): number => {
    lastMs = Math.max(lastMs, Date.now());
    return lastMs;
  };
  return {
    now,
    setTimer: (atMs, fire) => startTimer(now, atMs, fire, options.isBackground ?? false),
    hold: () => () => undefined,
  };
}

function startTimer(now: () => number, atMs: number, fire: () => void, isBackground: boolean): Timer {
  let handle: NodeJS.Timeout;
  const arm = (): void => {
    const leftMs = atMs - now();
    handle = setTimeout(
      () => (atMs <= now() ? fire() : arm()),
      Math.min(Math.max(leftMs, 0), LONGEST_TIMEOUT_MS),
    );
    if (isBackground) handle.unref();
  };
  arm();
  return { cancel: () => clearTimeout(handle) };
}
