/**
 * The handshake, from the greeting to GO.
 *
 * What was negotiated before STARTTLS is forgotten: somebody in the middle may have said it. Bytes that came with
 * STARTTLS in the clear end the connection for the same reason.
 * @source NBD protocol, proto.md ("Fixed newstyle negotiation", "TLS support")
 */
import type { Duplex } from 'node:stream';
import { HANDSHAKE_FLAG, OPTION, OPTION_REPLY } from '../../src/nbd/wire/constants.ts';
import { encodeGreeting } from '../../src/nbd/wire/encode-handshake.ts';
import {
  type HandshakeRequest,
  HandshakeServerDecoder,
} from '../../src/nbd/wire/handshake-server-decoder.ts';
import { type Chosen, ExportOptions } from './export-options.ts';
import { HandshakeChannel } from './handshake-channel.ts';
import type { NbdServerContext } from './nbd-server-context.ts';
import { OptionVoice } from './option-voice.ts';
import type { ServerConnection } from './server-connection.ts';
import { upgradeToTls } from './upgrade-to-tls.ts';

/** What transmission starts with. */
export interface Negotiated extends Chosen {
  readonly stream: Duplex;
  /** Bytes that the client sent ahead of the answer to GO. */
  readonly rest: Buffer;
}

const KNOWN_CLIENT_FLAGS = HANDSHAKE_FLAG.FIXED_NEWSTYLE | HANDSHAKE_FLAG.NO_ZEROES;

type Step = 'go-on' | 'over' | Chosen;

export class Negotiation {
  readonly #context: NbdServerContext;
  readonly #connection: ServerConnection;
  readonly #voice: OptionVoice;
  readonly #exports: ExportOptions;
  #isFixed = false;
  #isPadded = true;

  constructor(stream: Duplex, context: NbdServerContext, connection: ServerConnection) {
    this.#context = context;
    this.#connection = connection;
    const decoder = new HandshakeServerDecoder(context.limits.maxOptionBytes);
    const channel = new HandshakeChannel(stream, decoder, context.clock);
    this.#voice = new OptionVoice(channel, context, connection);
    this.#exports = new ExportOptions(this.#voice, context, connection);
  }

  /** Talks until the client opens an export. `undefined`: the connection is over or about to be. */
  async run(): Promise<Negotiated | undefined> {
    const { clock, limits } = this.#context;
    const timer = clock.setTimer(clock.now() + limits.handshakeTimeoutMs, () =>
      this.#connection.cut('handshake timeout'),
    );
    try {
      return await this.#converse();
    } finally {
      timer.cancel();
    }
  }

  get #channel(): HandshakeChannel {
    return this.#voice.channel;
  }

  async #converse(): Promise<Negotiated | undefined> {
    this.#channel.send(encodeGreeting(KNOWN_CLIENT_FLAGS));
    if (!(await this.#takeFlags())) return undefined;
    for (let options = 0; ; options++) {
      const event = await this.#channel.next();
      if (event?.kind !== 'option') return this.#giveUp(event);
      if (options >= this.#context.limits.maxOptions) return this.#refuseMore();
      const step = await this.#answer(event.option, event.data);
      if (step === 'over') return undefined;
      if (step !== 'go-on') return { ...step, stream: this.#channel.stream, rest: this.#channel.detach() };
      await this.#channel.drained();
    }
  }

  async #takeFlags(): Promise<boolean> {
    const event = await this.#channel.next();
    if (event?.kind !== 'client-flags') {
      this.#giveUp(event);
      return false;
    }
    if ((event.flags & ~KNOWN_CLIENT_FLAGS) !== 0) {
      this.#connection.cut('unknown client flags');
      return false;
    }
    this.#isFixed = (event.flags & HANDSHAKE_FLAG.FIXED_NEWSTYLE) !== 0;
    this.#isPadded = (event.flags & HANDSHAKE_FLAG.NO_ZEROES) === 0;
    return true;
  }

  /** The client has gone, or can't be understood. */
  #giveUp(event: HandshakeRequest | undefined): undefined {
    if (event?.kind === 'broken') this.#connection.cut(event.why);
    else this.#leave('client gone');
  }

  #refuseMore(): undefined {
    this.#connection.cut('too many options');
  }

  /** Says the last word; whatever the client still sends is dropped. */
  #leave(why: string): 'over' {
    this.#connection.expectClose(why);
    this.#channel.detach();
    this.#channel.stream.resume().end();
    return 'over';
  }

  async #answer(option: number, data: Buffer): Promise<Step> {
    if (option === OPTION.EXPORT_NAME) return this.#exports.exportName(data, this.#isPadded);
    if (!this.#isFixed) {
      return this.#voice.last(option, OPTION_REPLY.ERR_INVALID, 'only EXPORT_NAME without fixed newstyle');
    }
    switch (option) {
      case OPTION.ABORT:
        return this.#abort();
      case OPTION.LIST:
        return this.#exports.list(data);
      case OPTION.STARTTLS:
        return this.#startTls(data);
      case OPTION.INFO:
        return this.#exports.info(data);
      case OPTION.GO:
        return this.#exports.go(data);
      case OPTION.STRUCTURED_REPLY:
        return this.#exports.structuredReply(data);
      case OPTION.LIST_META_CONTEXT:
      case OPTION.SET_META_CONTEXT:
        return this.#exports.metaContext(option, data);
      default:
        return this.#voice.last(option, OPTION_REPLY.ERR_UNSUP);
    }
  }

  #abort(): 'over' {
    this.#voice.last(OPTION.ABORT, OPTION_REPLY.ACK);
    return this.#leave('abort');
  }

  async #startTls(data: Buffer): Promise<'go-on' | 'over'> {
    const { secureContext } = this.#context;
    if (data.length > 0 || this.#connection.isTls) {
      return this.#voice.last(OPTION.STARTTLS, OPTION_REPLY.ERR_INVALID);
    }
    if (secureContext === undefined) return this.#voice.last(OPTION.STARTTLS, OPTION_REPLY.ERR_POLICY);
    this.#channel.stream.pause();
    const certificate = await secureContext();
    if (this.#channel.pendingBytes > 0) {
      return this.#voice.hangUp(OPTION.STARTTLS, 'plain bytes after STARTTLS');
    }
    this.#voice.last(OPTION.STARTTLS, OPTION_REPLY.ACK);
    this.#channel.detach();
    const secured = await upgradeToTls(this.#channel.stream, certificate, () =>
      this.#connection.note('TLS handshake failed'),
    );
    if (secured === undefined) {
      this.#connection.cut('client gone');
      return 'over';
    }
    this.#exports.forget();
    this.#connection.isTls = true;
    this.#voice.channel = this.#channel.moveTo(secured);
    return 'go-on';
  }
}
