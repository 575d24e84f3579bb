/** The machine's own time, for engines that talk to a live cluster and for a server that keeps real time. */
import type { Clock, Timer } from '../kernel/clock.ts';

/** Node's timers wrap above this many milliseconds. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export interface WallClockOptions {
  /** A server's sockets keep the process alive, not its timers. */
  readonly isBackground?: boolean;
  /** Milliseconds of this clock per millisecond of the wall, for work with a simulator whose time goes so fast. */
  readonly scale?: number;
}

/** Its timers keep the process alive until they fire or are cancelled, unless it is a background clock. */
export function createWallClock({ isBackground = false, scale = 1 }: WallClockOptions = {}): Clock {
  const wallMs = scale === 1 ? Date.now : (): number => fasterNow(scale);
  let lastMs = 0;
  // The system's time may be set back; a clock of ours never goes back.
  const now = (): number => {
    lastMs = Math.max(lastMs, wallMs());
    return lastMs;
  };
  return {
    now,
    setTimer: (atMs, fire) => startTimer({ now, scale, isBackground }, atMs, fire),
    hold: () => () => undefined,
  };
}

const DAY_MS = 86_400_000;

/** Counted from midnight, so that the processes of a day, one after the other, have one time. */
function fasterNow(scale: number): number {
  const sinceMidnightMs = Date.now() % DAY_MS;
  return Date.now() - sinceMidnightMs + Math.floor(sinceMidnightMs * scale);
}

interface Ticking {
  readonly now: () => number;
  readonly scale: number;
  readonly isBackground: boolean;
}

function startTimer({ now, scale, isBackground }: Ticking, atMs: number, fire: () => void): Timer {
  let handle: NodeJS.Timeout;
  const arm = (): void => {
    const leftMs = (atMs - now()) / scale;
    handle = setTimeout(
      () => (atMs <= now() ? fire() : arm()),
      Math.min(Math.max(leftMs, 0), LONGEST_TIMEOUT_MS),
    );
    if (isBackground) handle.unref();
  };
  arm();
  return { cancel: () => clearTimeout(handle) };
}
