/**
 * Reading without a Buffer per chunk. A plain socket can read into one static buffer that is used over and over; that
 * is twice as fast as 'data' events. Streams that offer it carry the method below; all others are read by events.
 */
import type { Duplex } from 'node:stream';

export const DIRECT_READ: unique symbol = Symbol('nbd.directRead');

export type OnBytes = (bytes: Buffer) => void;

export interface DirectReadable extends Duplex {
  /** From now on `onBytes` gets everything that comes in, with memory that is valid during the call only. */
  [DIRECT_READ](onBytes: OnBytes): void;
}

/** Starts to read. Returns the way to stop. */
export function readFrom(stream: Duplex, onBytes: OnBytes): () => void {
  if (isDirectReadable(stream)) {
    stream[DIRECT_READ](onBytes);
    // A socket that is handed to TLS is read by TLS; there is nobody left to stop.
    return () => undefined;
  }
  stream.on('data', onBytes);
  return () => {
    stream.pause();
    stream.off('data', onBytes);
  };
}

function isDirectReadable(stream: Duplex): stream is DirectReadable {
  return DIRECT_READ in stream;
}
