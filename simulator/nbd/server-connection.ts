/** The lifetime of one connection: who ended it and why, exactly once. */
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../src/kernel/clock.ts';
import type { ExportConnection } from './export-device.ts';

export class ServerConnection implements ExportConnection {
  readonly id: number;
  isTls = false;
  /** Resolves with the reason when the stream is closed. */
  readonly whenClosed: Promise<string>;
  readonly #stream: Duplex;
  readonly #clock: Clock;
  readonly #closeTimeoutMs: number;
  #closeTimer: Timer | undefined;
  #why: string | undefined;

  constructor(id: number, stream: Duplex, clock: Clock, closeTimeoutMs: number) {
    this.id = id;
    this.#stream = stream;
    this.#clock = clock;
    this.#closeTimeoutMs = closeTimeoutMs;
    // Whatever the peer does to the connection ends up in 'close'; an unheard 'error' would end the process.
    stream.on('error', (error) => this.note(`client gone: ${'code' in error ? error.code : error.message}`));
    this.whenClosed = new Promise((resolve) => {
      const close = (): void => {
        this.#closeTimer?.cancel();
        resolve(this.#why ?? 'client gone');
      };
      if (stream.closed) close();
      else stream.once('close', close);
    });
  }

  get isOver(): boolean {
    return this.#stream.destroyed;
  }

  /** Remembers why the connection ends. The first reason counts. */
  note(why: string): void {
    this.#why ??= why;
  }

  /** A reason that says more than the one remembered so far. */
  amend(why: string): void {
    this.#why = why;
  }

  cut(why: string): void {
    this.note(why);
    const stream = this.#stream;
    // Only TCP can reset; a unix socket has no remote address.
    if (stream instanceof net.Socket && stream.remoteAddress !== undefined) stream.resetAndDestroy();
    // An error makes the other end of a duplex pair break off too, as a reset does.
    else stream.destroy(new Error(why));
  }

  /** The last byte has been written: a client that does not take it in time is cut off. */
  expectClose(why: string): void {
    this.note(why);
    const cut = (): void => this.cut('client does not read');
    this.#closeTimer ??= this.#clock.setTimer(this.#clock.now() + this.#closeTimeoutMs, cut);
  }
}
