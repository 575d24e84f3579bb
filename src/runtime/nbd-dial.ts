/** Ways to an NBD server over the operating system. */
import net from 'node:net';
import { DIRECT_READ, type OnBytes } from '../nbd/client/direct-read.ts';
import type { NbdDial } from '../nbd/client/nbd-client-api.ts';

/** Larger ones were slower; smaller ones cost a system call per 64 KiB. */
const READ_BUFFER_BYTES = 1024 * 1024;

export interface DialTcpOptions {
  /** Default true: small requests must not wait for the answer to earlier ones. */
  readonly noDelay?: boolean;
}

/** Dials a TCP port. */
export function dialTcp(host: string, port: number, options: DialTcpOptions = {}): NbdDial {
  return (signal) => dial({ host, port, noDelay: options.noDelay ?? true }, signal);
}

/** Dials a unix socket. */
export function dialUnix(path: string): NbdDial {
  return (signal) => dial({ path }, signal);
}

function dial(
  address: { path: string } | { host: string; port: number; noDelay: boolean },
  signal: AbortSignal,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const reader = new DirectReader();
    const onread = { buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES), callback: reader.take };
    const socket = net.connect({ ...address, onread });
    const fail = (error: Error): void => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      reject(error);
    };
    const abort = (): void => fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', fail);
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort);
      socket.off('error', fail);
      resolve(Object.assign(socket, { [DIRECT_READ]: reader.start }));
    });
  });
}

/** Keeps what comes in before somebody reads. */
class DirectReader {
  #onBytes: OnBytes | undefined;
  #early: Buffer[] = [];

  readonly take = (length: number, buffer: Uint8Array): boolean => {
    const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, length);
    if (this.#onBytes === undefined) this.#early.push(Buffer.from(bytes));
    else this.#onBytes(bytes);
    return true;
  };

  readonly start = (onBytes: OnBytes): void => {
    this.#onBytes = onBytes;
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) onBytes(bytes);
  };
}
