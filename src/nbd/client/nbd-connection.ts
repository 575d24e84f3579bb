/**
 * One connection in transmission: pipelined requests, replies in any order.
 *
 * A protocol error, a timeout or the end of the stream ends the whole connection and every request on it; whoever
 * holds the requests decides about repeating them.
 */
import { nextTick } from 'node:process';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { COMMAND } from '../wire/constants.ts';
import { encodeRequest } from '../wire/encode-transmission.ts';
import { ReplyDecoder, type ReplyHandler, type WireExtent } from '../wire/reply-decoder.ts';
import { readFrom } from './direct-read.ts';
import { NbdConnectionLost, NbdProtocolError, NbdTimeout } from './errors.ts';
import type { OpenedExport } from './negotiate.ts';
import { PendingRequest, type RequestSpec, type StatusReply } from './pending-request.ts';

/** After DISC the server has so long to close before the socket is dropped. */
const CLOSE_GRACE_MS = 1000;

export class NbdConnection implements ReplyHandler {
  readonly opened: OpenedExport;
  readonly #stream: Duplex;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #decoder: ReplyDecoder;
  readonly #pending = new Map<number, PendingRequest>();
  #cookie = 0;
  #lost: Error | undefined;
  #timer: Timer | undefined;
  #isCorked = false;

  constructor(opened: OpenedExport, clock: Clock, timeoutMs: number) {
    this.opened = opened;
    this.#stream = opened.stream;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#decoder = new ReplyDecoder(this, opened.isStructured);
    const stream = this.#stream;
    stream.on('error', (cause) => {
      // Making an error is dear, and most come of this side's own closing.
      if (this.#lost === undefined) this.#lose(new NbdConnectionLost(cause.message, { cause }));
    });
    stream.on('end', () => this.#onEnd()).on('close', () => this.#onEnd());
    if (opened.rest.length > 0) this.#onBytes(opened.rest);
    readFrom(stream, (bytes) => this.#onBytes(bytes));
    if (stream.isPaused()) stream.resume();
  }

  get isAlive(): boolean {
    return this.#lost === undefined;
  }

  /**
   * Sends a request; resolves with the block status (empty for other commands) when its reply is complete.
   * @throws NbdError, NbdConnectionLost, NbdTimeout, NbdProtocolError; the reason of `signal`
   */
  submit(spec: RequestSpec, signal?: AbortSignal): Promise<StatusReply> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal?.reason);
      // An abandoned request stays pending, since its reply still comes; only nobody waits for it any more.
      signal?.addEventListener('abort', abort, { once: true });
      const settle = (): void => signal?.removeEventListener('abort', abort);
      const pending = new PendingRequest(
        spec,
        this.#clock.now() + this.#timeoutMs,
        (status) => {
          settle();
          resolve(status);
        },
        (error) => {
          settle();
          reject(error);
        },
      );
      this.#send(pending);
    });
  }

  /** Says DISC, waits for the server to close, and gives up requests still under way. */
  async close(): Promise<void> {
    const stream = this.#stream;
    if (this.#lost === undefined) stream.end(encodeRequest(COMMAND.DISC, 0, this.#nextCookie(), 0, 0));
    const closed = new NbdConnectionLost('connection closed by this side');
    this.#lose(closed, false);
    if (stream.closed) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(this.#clock.now() + CLOSE_GRACE_MS, () =>
        this.#destroy(new NbdConnectionLost('server does not close')),
      );
      // The server has said all it had to say; under TLS neither side would close first by itself.
      stream.once('end', () => this.#destroy(closed));
      stream.once('close', () => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Drops the connection without a word. */
  destroy(error: Error): void {
    this.#lose(error);
  }

  onSimple(cookie: number, errno: number): number {
    return this.#find(cookie).onSimple(errno, this.opened.isStructured);
  }

  onDataChunk(cookie: number, offset: number, length: number): void {
    this.#find(cookie).cover(offset, length);
  }

  onData(cookie: number, offset: number | undefined, bytes: Buffer): void {
    this.#find(cookie).put(offset, bytes);
  }

  onHole(cookie: number, offset: number, length: number): void {
    const pending = this.#find(cookie);
    pending.cover(offset, length);
    pending.putZeros(offset, length);
  }

  onStatus(cookie: number, contextId: number, extents: readonly WireExtent[]): void {
    const pending = this.#find(cookie);
    const isKnown = [...this.opened.contexts.values()].includes(contextId);
    if (!isKnown) throw new NbdProtocolError(`status of unknown context ${contextId}`);
    pending.onStatus(contextId, extents, this.opened.limits.sizeBytes);
  }

  onError(cookie: number, errno: number, message: string): void {
    this.#find(cookie).onError(errno, message);
  }

  onDone(cookie: number): void {
    const pending = this.#find(cookie);
    pending.finish(this.opened.contexts.size);
    this.#pending.delete(cookie);
    if (pending.hasShutdownError) this.#lose(new NbdConnectionLost('server is shutting down'));
  }

  #find(cookie: number): PendingRequest {
    const pending = this.#pending.get(cookie);
    if (pending === undefined) throw new NbdProtocolError(`reply to unknown cookie ${cookie}`);
    return pending;
  }

  #nextCookie(): number {
    this.#cookie = (this.#cookie + 1) >>> 0;
    return this.#cookie;
  }

  #send(pending: PendingRequest): void {
    const { command, flags, offset, length, payload } = pending.spec;
    const cookie = this.#nextCookie();
    this.#pending.set(cookie, pending);
    this.#armTimer();
    this.#cork();
    this.#stream.write(encodeRequest(command, flags, cookie, offset, length));
    if (payload !== undefined) this.#stream.write(payload);
  }

  /** Requests of one tick leave in one system call. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#stream.cork();
    nextTick(() => {
      this.#isCorked = false;
      this.#stream.uncork();
    });
  }

  #onBytes(bytes: Buffer): void {
    if (this.#lost !== undefined) return;
    this.#clock.hold()();
    try {
      this.#decoder.push(bytes);
    } catch (error) {
      this.#lose(error instanceof Error ? error : new NbdProtocolError(String(error)));
    }
  }

  #onEnd(): void {
    const where = this.#decoder.isBetweenReplies ? '' : ' in the middle of a reply';
    this.#lose(new NbdConnectionLost(`server closed the connection${where}`));
  }

  /** All requests have the same patience, so one timer for the oldest is enough. */
  #armTimer(): void {
    if (this.#timer !== undefined) return;
    const [oldest] = this.#pending.values();
    if (oldest === undefined) return;
    this.#timer = this.#clock.setTimer(oldest.deadlineMs, () => {
      this.#timer = undefined;
      this.#checkDeadline();
    });
  }

  #checkDeadline(): void {
    const [oldest] = this.#pending.values();
    if (oldest === undefined || oldest.deadlineMs > this.#clock.now()) return this.#armTimer();
    this.#lose(new NbdTimeout(`no answer for ${this.#timeoutMs} ms`));
  }

  /** With an error, so that the other end of a duplex pair breaks off too instead of waiting for a reader. */
  #destroy(error: Error): void {
    // First what was dialled: TLS on top would destroy it without the error.
    this.opened.dialled.destroy(error);
    this.#stream.destroy(error);
  }

  #lose(error: Error, isAbrupt = true): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#timer?.cancel();
    if (isAbrupt) this.#destroy(error);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const request of pending) request.fail(error);
  }
}
