/** The conversation before transmission, as a client holds it: one option, its replies, the next option. */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import { OPTION_REPLY, optionName } from '../wire/constants.ts';
import { encodeOption } from '../wire/encode-handshake.ts';
import { HandshakeClientDecoder, type HandshakeReply } from '../wire/handshake-client-decoder.ts';
import { readFrom } from './direct-read.ts';
import { NbdConnectionLost, NbdProtocolError } from './errors.ts';

export interface OptionReply {
  readonly type: number;
  readonly data: Buffer;
}

/** Names, descriptions and error texts have 4096 bytes at most each. */
const MAX_REPLY_BYTES = 64 * 1024;
/** Replies to one option before the server counts as hostile. A LIST of a large server is the longest honest one. */
const MAX_REPLIES = 65_536;

export class ClientHandshake {
  readonly stream: Duplex;
  readonly #clock: Clock;
  readonly #decoder: HandshakeClientDecoder;
  readonly #stopReading: () => void;
  #wake: (() => void) | undefined;
  #lost: Error | undefined;

  constructor(stream: Duplex, clock: Clock, decoder = new HandshakeClientDecoder(MAX_REPLY_BYTES)) {
    this.stream = stream;
    this.#clock = clock;
    this.#decoder = decoder;
    stream.on('error', this.#onError).on('close', this.#onEnd).on('end', this.#onEnd);
    this.#stopReading = readFrom(stream, this.#onBytes);
  }

  /** The server's handshake flags. */
  async greeting(): Promise<number> {
    const event = await this.#next();
    if (event.kind !== 'greeting') throw new NbdProtocolError('no greeting');
    return event.flags;
  }

  send(bytes: Buffer): void {
    this.stream.write(bytes);
  }

  /**
   * Sends an option and gives every reply but the last to `onReply`. Returns the last one: ACK or an error.
   * @throws NbdProtocolError for replies that don't fit the option
   */
  async ask(option: number, data: Buffer, onReply: (reply: OptionReply) => void): Promise<OptionReply> {
    this.send(encodeOption(option, data));
    for (let replies = 0; replies < MAX_REPLIES; replies++) {
      const event = await this.#next();
      if (event.kind !== 'reply' || event.option !== option) {
        throw new NbdProtocolError(`reply to another option than ${optionName(option)}`);
      }
      if (isFinal(event)) return event;
      onReply(event);
    }
    throw new NbdProtocolError(`more than ${MAX_REPLIES} replies to ${optionName(option)}`);
  }

  /** Bytes from the server that belong to no reply yet. */
  get pendingBytes(): number {
    return this.#decoder.pendingBytes;
  }

  /** Stops reading and lets the stream go. Returns the bytes that the server had sent ahead. */
  detach(): Buffer {
    this.#stopReading();
    this.stream.off('error', this.#onError).off('close', this.#onEnd).off('end', this.#onEnd);
    return this.#decoder.takeRest();
  }

  /** The same conversation over another stream. */
  moveTo(stream: Duplex): ClientHandshake {
    return new ClientHandshake(stream, this.#clock, this.#decoder);
  }

  async #next(): Promise<Exclude<HandshakeReply, { kind: 'broken' }>> {
    for (;;) {
      const event = this.#decoder.next();
      if (event?.kind === 'broken') throw new NbdProtocolError(event.why);
      if (event !== undefined) return event;
      if (this.#lost !== undefined) throw this.#lost;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  readonly #onBytes = (bytes: Buffer): void => {
    this.#clock.hold()();
    this.#decoder.push(bytes);
    this.#resume();
  };

  readonly #onError = (cause: Error): void => this.#lose(new NbdConnectionLost(cause.message, { cause }));

  readonly #onEnd = (): void => this.#lose(new NbdConnectionLost('connection closed during the handshake'));

  #lose(error: Error): void {
    this.#lost ??= error;
    this.#resume();
  }

  #resume(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

function isFinal({ type, data }: OptionReply): boolean {
  if (type === OPTION_REPLY.ACK && data.length > 0) throw new NbdProtocolError('ACK with data');
  return type === OPTION_REPLY.ACK || type >= 0x80000000;
}
