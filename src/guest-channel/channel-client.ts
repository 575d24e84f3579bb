/** The asking side of the channel into a proxy's guest. */
import type { Duplex } from 'node:stream';
import { readFrom } from '../nbd/client/direct-read.ts';
import { FrameDecoder, answerPayloadBytes, encodeFrame } from './channel-frame.ts';

/** The guest's answer was not `ok`; its own words are the message. */
export class ChannelRefusal extends Error {
  override readonly name = 'ChannelRefusal';
  /** `gone`: no such disk, or not any more. */
  readonly status: 'gone' | 'failed';

  constructor(status: 'gone' | 'failed', message: string) {
    super(message);
    this.status = status;
  }
}

/** The channel has ended; nothing that was asked will be answered. */
export class ChannelLost extends Error {
  override readonly name = 'ChannelLost';
}

interface Waiting {
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class ChannelClient {
  readonly #stream: Duplex;
  readonly #waiting = new Map<string, Waiting>();
  #lastId = 0;
  #lost: ChannelLost | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    const decoder = new FrameDecoder({
      payloadBytes: answerPayloadBytes,
      onFrame: (words, payload) => this.#answer(words, payload),
    });
    const take = (chunk: Buffer): void => this.#guard(() => decoder.push(chunk));
    // The decoder keeps nothing of what it is given, so the memory may be the next bytes' at once.
    readFrom(stream, take);
    stream.on('error', (error: Error) => this.#lose(error));
    stream.on('end', () => this.#lose());
    stream.on('close', () => this.#lose());
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /**
   * Asks without waiting for earlier answers.
   * @throws ChannelRefusal, ChannelLost
   */
  ask(words: readonly (string | number)[], payload?: Uint8Array): Promise<Buffer> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = `${++this.#lastId}`;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#stream.write(encodeFrame([id, ...words]));
      if (payload !== undefined) this.#stream.write(payload);
    });
  }

  /** What is still unanswered is lost. */
  close(): void {
    this.#lose();
  }

  #answer([id = '', status = '']: readonly string[], payload: Buffer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (status === 'ok') waiting?.resolve(payload);
    else
      waiting?.reject(new ChannelRefusal(status === 'gone' ? 'gone' : 'failed', payload.toString().trim()));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#lose(error instanceof Error ? error : undefined);
    }
  }

  #lose(cause?: Error): void {
    if (this.#lost !== undefined) return;
    const why = cause === undefined ? '' : `: ${cause.message}`;
    this.#lost = new ChannelLost(`the channel into the guest has ended${why}`, { cause });
    this.#stream.destroy();
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
  }
}
