/** Patience with a server that somebody else holds or works on. */
import { saysServerIsTaken } from '../sdk/refusals.ts';
import { retryClassOfError, ScpError, TaskFailed } from '../sdk/scp-error.ts';
import type { Clock } from '../kernel/clock.ts';
import { sleep } from '../kernel/clock.ts';

/** The lock of the server belongs to somebody else. */
export class ServerTaken extends Error {
  override readonly name = 'ServerTaken';
}

export interface Patience {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly maxMs: number;
  /** Called before every wait. */
  readonly onWait?: (reason: string, waitMs: number) => void;
}

const FIRST_WAIT_MS = 2000;
const MAX_WAIT_MS = 30_000;

/**
 * Repeats `attempt` while the server is taken, less and less often, for `maxMs` at the most. The last attempt falls
 * on the very end of the time, so that a foreign lock which runs out just then is still seen to go.
 */
export function retryWhileTaken<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  return retryWhile(isTaken, patience, attempt);
}

/** The same for any failure that waiting may cure. */
export async function retryWhile<T>(
  isWorthWaiting: (error: unknown) => boolean,
  patience: Patience,
  attempt: () => Promise<T>,
): Promise<T> {
  const deadlineMs = patience.clock.now() + patience.maxMs;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 1.5, MAX_WAIT_MS)) {
    try {
      return await attempt();
    } catch (error) {
      const leftMs = deadlineMs - patience.clock.now();
      if (!isWorthWaiting(error) || leftMs <= 0) throw error;
      const nextMs = Math.min(waitMs, leftMs);
      patience.onWait?.(error instanceof Error ? error.message : String(error), nextMs);
      await sleep(patience.clock, nextMs, patience.signal);
    }
  }
}

function isTaken(error: unknown): boolean {
  if (error instanceof ServerTaken) return true;
  if (error instanceof ScpError && error.status === 400) return retryClassOfError(error) === 'after-delay';
  return error instanceof TaskFailed && (saysServerIsTaken(error.reason) || error.retry === 'after-delay');
}
