/** A stream as the negotiation sees it: one event after the other, until it is handed on. */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../src/kernel/clock.ts';
import {
  type HandshakeRequest,
  HandshakeServerDecoder,
} from '../../src/nbd/wire/handshake-server-decoder.ts';

export class HandshakeChannel {
  readonly stream: Duplex;
  readonly #decoder: HandshakeServerDecoder;
  readonly #clock: Clock;
  #wake: (() => void) | undefined;
  #isOver = false;

  /** `decoder` is in mid-handshake after a TLS upgrade, new otherwise. */
  constructor(stream: Duplex, decoder: HandshakeServerDecoder, clock: Clock) {
    this.stream = stream;
    this.#decoder = decoder;
    this.#clock = clock;
    stream.on('data', this.#onData).on('drain', this.#onWake).on('end', this.#onEnd).on('close', this.#onEnd);
  }

  /** The next thing that the client says; `undefined` when it has gone. */
  async next(): Promise<HandshakeRequest | undefined> {
    for (;;) {
      const event = this.#decoder.next();
      if (event !== undefined) return event;
      if (this.#isOver) return undefined;
      await this.#something();
    }
  }

  send(bytes: Buffer): void {
    if (!this.stream.destroyed) this.stream.write(bytes);
  }

  /** Waits until the client has taken what was sent, so that a client that never reads can't pile up replies. */
  async drained(): Promise<void> {
    while (this.stream.writableNeedDrain && !this.#isOver) await this.#something();
  }

  /** Bytes from the client that belong to no event yet. */
  get pendingBytes(): number {
    return this.#decoder.pendingBytes;
  }

  /** Stops reading and lets the stream go. Returns the bytes that the client had sent ahead. */
  detach(): Buffer {
    this.stream.pause();
    this.stream
      .off('data', this.#onData)
      .off('drain', this.#onWake)
      .off('end', this.#onEnd)
      .off('close', this.#onEnd);
    return this.#decoder.takeRest();
  }

  /** The same conversation over another stream. */
  moveTo(stream: Duplex): HandshakeChannel {
    return new HandshakeChannel(stream, this.#decoder, this.#clock);
  }

  #something(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#clock.hold()();
    this.#decoder.push(chunk);
    this.#onWake();
  };

  readonly #onEnd = (): void => {
    this.#isOver = true;
    this.#onWake();
  };

  readonly #onWake = (): void => {
    this.#wake?.();
    this.#wake = undefined;
  };
}
