import type { EventEmitter } from 'node:events';

/**
 * Takes all listeners off a stream when it has closed. Streams of Node stay in memory until a full collection, and with
 * them all that hears them: in thousands of short runs, whole worlds.
 */
export function letGoWhenClosed(stream: EventEmitter): void {
  // Who else hears of the closing has been called, or is on the list of this very event already.
  stream.once('close', () => stream.removeAllListeners().on('error', ignore));
}

/** TLS tells of writes that were cancelled even after it has closed, and an unheard error would end the process. */
const ignore = (): void => undefined;
