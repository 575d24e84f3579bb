/** How the server answers options: every answer goes to the client and to the observer. */
import { FIRST_ERROR_REPLY, optionName, optionReplyName } from '../../src/nbd/wire/constants.ts';
import { encodeOptionReply } from '../../src/nbd/wire/encode-handshake.ts';
import type { HandshakeChannel } from './handshake-channel.ts';
import type { NbdServerContext } from './nbd-server-context.ts';
import type { ServerConnection } from './server-connection.ts';

export class OptionVoice {
  /** Replaced when the conversation moves to TLS. */
  channel: HandshakeChannel;
  readonly #context: NbdServerContext;
  readonly #connection: ServerConnection;

  constructor(channel: HandshakeChannel, context: NbdServerContext, connection: ServerConnection) {
    this.channel = channel;
    this.#context = context;
    this.#connection = connection;
  }

  /** Sends a reply that is not the last one of its option. */
  more(option: number, type: number, data: Buffer): void {
    this.channel.send(encodeOptionReply(option, type, data));
  }

  /** Sends the last reply of an option; an error may carry a text. */
  last(option: number, type: number, text = '', exportName?: string): 'go-on' {
    this.observe(option, optionReplyName(type), exportName);
    const data = type >= FIRST_ERROR_REPLY ? Buffer.from(text) : undefined;
    this.channel.send(encodeOptionReply(option, type, data));
    return 'go-on';
  }

  /** Ends the connection instead of an answer. */
  hangUp(option: number, why: string, exportName?: string): 'over' {
    this.observe(option, 'hang-up', exportName);
    this.#connection.cut(why);
    return 'over';
  }

  observe(option: number, reply: string, exportName?: string): void {
    const { observer, connectionId } = this.#context;
    observer.option(connectionId, optionName(option), reply, exportName, this.#connection.isTls);
  }
}
