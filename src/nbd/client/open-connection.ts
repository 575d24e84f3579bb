import type { Duplex } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import { linkedAbort } from '../../kernel/linked-abort.ts';
import { NbdConnectionLost, NbdTimeout } from './errors.ts';
import type { NbdDial } from './nbd-client-api.ts';

/**
 * Dials, then does `work` on the stream, all within `timeoutMs`. The stream is destroyed when anything fails.
 * @throws NbdConnectionLost when there is no connection, NbdTimeout, the reason of `signal`, and what `work` throws
 */
export async function withDialled<T>(
  dial: NbdDial,
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (stream: Duplex) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const deadline = linkedAbort(signal);
  const timer = clock.setTimer(clock.now() + timeoutMs, () =>
    deadline.abort(new NbdTimeout(`no connection within ${timeoutMs} ms`)),
  );
  try {
    return await orAborted(deadline.signal, dialAndWork(dial, deadline.signal, work));
  } finally {
    timer.cancel();
    deadline.unlink();
  }
}

async function dialAndWork<T>(
  dial: NbdDial,
  signal: AbortSignal,
  work: (stream: Duplex) => Promise<T>,
): Promise<T> {
  const stream = await dial(signal).catch((cause) => {
    signal.throwIfAborted();
    throw new NbdConnectionLost(cause instanceof Error ? cause.message : String(cause), { cause });
  });
  // From here to the end of the stream's life somebody must listen, or an error would end the process.
  stream.on('error', () => undefined);
  const abort = (): void => void stream.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    return await work(stream);
  } catch (error) {
    // With an error, so that the other end of a duplex pair breaks off too instead of waiting for a reader.
    stream.destroy(error instanceof Error ? error : new NbdConnectionLost(String(error)));
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Settles like `work`, but no later than `signal` is aborted. */
export function orAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
