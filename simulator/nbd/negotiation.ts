/**
 * The handshake, from the greeting to GO.
 *
 * What was negotiated before STARTTLS is forgotten: somebody in the middle may have said it. Bytes that came with
 * STARTTLS in the clear end the connection for the same reason.
 * @source NBD protocol, proto.md ("Fixed newstyle negotiation", "TLS support")
 */
import type { Duplex } from 'node:stream';
import {
  FIRST_ERROR_REPLY,
  HANDSHAKE_FLAG,
  INFO,
  OPTION,
  OPTION_REPLY,
  optionName,
  optionReplyName,
} from '../../src/nbd/wire/constants.ts';
import {
  encodeExportNameReply,
  encodeGreeting,
  encodeInfoBlockSize,
  encodeInfoExport,
  encodeInfoText,
  encodeMetaContext,
  encodeOptionReply,
  encodeServer,
} from '../../src/nbd/wire/encode-handshake.ts';
import { HandshakeServerDecoder } from '../../src/nbd/wire/handshake-server-decoder.ts';
import { parseInfoRequest, parseMetaRequest, parseText } from '../../src/nbd/wire/parse-option.ts';
import type { ExportDevice, ExportRefusal, OpenExport } from './export-device.ts';
import { HandshakeChannel } from './handshake-channel.ts';
import { listContexts, selectContexts } from './meta-contexts.ts';
import type { NbdServerContext } from './nbd-server-context.ts';
import type { ServerConnection } from './server-connection.ts';
import { transmissionFlags } from './transmission-flags.ts';
import { upgradeToTls } from './upgrade-to-tls.ts';

/** What transmission starts with. */
export interface Negotiated {
  readonly stream: Duplex;
  /** Bytes that the client sent ahead of the answer to GO. */
  readonly rest: Buffer;
  readonly exportName: string;
  readonly opened: OpenExport;
  readonly isStructured: boolean;
  /** Negotiated contexts; the position plus one is the id. */
  readonly contexts: readonly string[];
}

/** Smallest and preferred request, as BLOCK_SIZE announces them. 64 KiB is what CBT counts in. */
const MIN_BLOCK_BYTES = 1;
const PREFERRED_BLOCK_BYTES = 64 * 1024;

const KNOWN_CLIENT_FLAGS = HANDSHAKE_FLAG.FIXED_NEWSTYLE | HANDSHAKE_FLAG.NO_ZEROES;

type Step = 'go-on' | 'over' | Negotiated;

export class Negotiation {
  readonly #context: NbdServerContext;
  readonly #connection: ServerConnection;
  #channel: HandshakeChannel;
  #isFixed = false;
  #isPadded = true;
  #isStructured = false;
  #meta: { readonly exportName: string; readonly contexts: readonly string[] } | undefined;

  constructor(stream: Duplex, context: NbdServerContext, connection: ServerConnection) {
    this.#context = context;
    this.#connection = connection;
    const decoder = new HandshakeServerDecoder(context.limits.maxOptionBytes);
    this.#channel = new HandshakeChannel(stream, decoder, context.clock);
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

  async #converse(): Promise<Negotiated | undefined> {
    this.#channel.send(encodeGreeting(KNOWN_CLIENT_FLAGS));
    if (!(await this.#takeFlags())) return undefined;
    for (let options = 0; ; options++) {
      const event = await this.#channel.next();
      if (event?.kind !== 'option') return this.#giveUp(event?.kind === 'broken' ? event.why : 'client gone');
      if (options >= this.#context.limits.maxOptions) return this.#giveUp('too many options');
      const step = await this.#answer(event.option, event.data);
      if (typeof step === 'object') return step;
      if (step === 'over') return undefined;
      await this.#channel.drained();
    }
  }

  async #takeFlags(): Promise<boolean> {
    const event = await this.#channel.next();
    if (event?.kind !== 'client-flags') {
      this.#connection.finish('client gone');
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

  #giveUp(why: string): undefined {
    this.#connection.finish(why);
  }

  async #answer(option: number, data: Buffer): Promise<Step> {
    if (option === OPTION.EXPORT_NAME) return this.#exportName(data);
    if (!this.#isFixed)
      return this.#reply(option, OPTION_REPLY.ERR_INVALID, 'only EXPORT_NAME without fixed newstyle');
    switch (option) {
      case OPTION.ABORT:
        this.#reply(option, OPTION_REPLY.ACK);
        this.#connection.finish('abort');
        return 'over';
      case OPTION.LIST:
        return this.#list(data);
      case OPTION.STARTTLS:
        return this.#startTls(data);
      case OPTION.INFO:
        return this.#info(data);
      case OPTION.GO:
        return this.#go(data);
      case OPTION.STRUCTURED_REPLY:
        return this.#structured(data);
      case OPTION.LIST_META_CONTEXT:
      case OPTION.SET_META_CONTEXT:
        return this.#metaContext(option, data);
      default:
        return this.#reply(option, OPTION_REPLY.ERR_UNSUP);
    }
  }

  /** Sends the final reply of an option. */
  #reply(option: number, type: number, text = '', exportName?: string): 'go-on' {
    this.#observe(option, optionReplyName(type), exportName);
    const data = type >= FIRST_ERROR_REPLY ? Buffer.from(text) : undefined;
    this.#channel.send(encodeOptionReply(option, type, data));
    return 'go-on';
  }

  #observe(option: number, reply: string, exportName?: string): void {
    const { observer, connectionId } = this.#context;
    observer.option(connectionId, optionName(option), reply, exportName, this.#connection.isTls);
  }

  #list(data: Buffer): 'go-on' {
    if (data.length > 0) return this.#reply(OPTION.LIST, OPTION_REPLY.ERR_INVALID, 'LIST takes no data');
    for (const { name, description } of this.#context.directory.list(this.#connection.isTls)) {
      const entry = encodeServer(name, description);
      this.#channel.send(encodeOptionReply(OPTION.LIST, OPTION_REPLY.SERVER, entry));
    }
    return this.#reply(OPTION.LIST, OPTION_REPLY.ACK);
  }

  #structured(data: Buffer): 'go-on' {
    if (data.length > 0) return this.#reply(OPTION.STRUCTURED_REPLY, OPTION_REPLY.ERR_INVALID);
    this.#isStructured = true;
    return this.#reply(OPTION.STRUCTURED_REPLY, OPTION_REPLY.ACK);
  }

  async #startTls(data: Buffer): Promise<Step> {
    const { secureContext } = this.#context;
    if (data.length > 0 || this.#connection.isTls)
      return this.#reply(OPTION.STARTTLS, OPTION_REPLY.ERR_INVALID);
    if (secureContext === undefined) return this.#reply(OPTION.STARTTLS, OPTION_REPLY.ERR_POLICY);
    this.#channel.stream.pause();
    const certificate = await secureContext();
    if (this.#channel.pendingBytes > 0) return this.#hangUp(OPTION.STARTTLS, 'plain bytes after STARTTLS');
    this.#reply(OPTION.STARTTLS, OPTION_REPLY.ACK);
    this.#channel.detach();
    const secured = await upgradeToTls(this.#channel.stream, certificate, () =>
      this.#connection.note('TLS handshake failed'),
    );
    if (secured === undefined) {
      this.#connection.cut('client gone');
      return 'over';
    }
    this.#forget();
    this.#connection.isTls = true;
    this.#channel = this.#channel.moveTo(secured);
    return 'go-on';
  }

  #forget(): void {
    this.#isStructured = false;
    this.#meta = undefined;
  }

  #hangUp(option: number, why: string, exportName?: string): 'over' {
    this.#observe(option, 'hang-up', exportName);
    this.#connection.cut(why);
    return 'over';
  }

  #info(data: Buffer): 'go-on' {
    const request = parseInfoRequest(data);
    if (request === undefined) return this.#reply(OPTION.INFO, OPTION_REPLY.ERR_INVALID, 'malformed');
    const device = this.#context.directory.find(request.exportName, this.#connection.isTls);
    if (typeof device === 'string') return this.#refuse(OPTION.INFO, device, request.exportName);
    this.#sendInfos(
      OPTION.INFO,
      device,
      request.exportName,
      this.#descriptionOf(request.exportName),
      request.infos,
    );
    return this.#reply(OPTION.INFO, OPTION_REPLY.ACK, '', request.exportName);
  }

  #descriptionOf(exportName: string): string {
    const entries = this.#context.directory.list(this.#connection.isTls);
    return entries.find(({ name }) => name === exportName)?.description ?? '';
  }

  #go(data: Buffer): Step {
    const request = parseInfoRequest(data);
    if (request === undefined) return this.#reply(OPTION.GO, OPTION_REPLY.ERR_INVALID, 'malformed');
    const opened = this.#context.directory.open(request.exportName, this.#connection);
    if (typeof opened === 'string') return this.#refuse(OPTION.GO, opened, request.exportName);
    this.#sendInfos(OPTION.GO, opened.device, request.exportName, opened.description, request.infos);
    this.#reply(OPTION.GO, OPTION_REPLY.ACK, '', request.exportName);
    return this.#handOver(opened, request.exportName);
  }

  #exportName(data: Buffer): Step {
    const name = parseText(data);
    if (name === undefined) return this.#hangUp(OPTION.EXPORT_NAME, 'malformed export name');
    const opened = this.#context.directory.open(name, this.#connection);
    if (typeof opened === 'string')
      return this.#hangUp(OPTION.EXPORT_NAME, `export refused: ${opened}`, name);
    this.#observe(OPTION.EXPORT_NAME, 'ACK', name);
    const { sizeBytes } = opened.device;
    this.#channel.send(encodeExportNameReply(sizeBytes, this.#flagsOf(opened.device), this.#isPadded));
    return this.#handOver(opened, name);
  }

  #handOver(opened: OpenExport, exportName: string): Negotiated {
    return {
      stream: this.#channel.stream,
      rest: this.#channel.detach(),
      exportName,
      opened,
      isStructured: this.#isStructured,
      contexts: this.#meta?.exportName === exportName ? this.#meta.contexts : [],
    };
  }

  #flagsOf(device: ExportDevice): number {
    return transmissionFlags(device.isReadOnly, this.#isStructured);
  }

  #sendInfos(
    option: number,
    device: ExportDevice,
    exportName: string,
    description: string,
    asked: readonly number[],
  ): void {
    const { maxPayloadBytes } = this.#context.limits;
    const send = (info: Buffer): void =>
      this.#channel.send(encodeOptionReply(option, OPTION_REPLY.INFO, info));
    // Before EXPORT: qemu judges the size by the block size it knows at that moment.
    send(encodeInfoBlockSize(MIN_BLOCK_BYTES, PREFERRED_BLOCK_BYTES, maxPayloadBytes));
    send(encodeInfoExport(device.sizeBytes, this.#flagsOf(device)));
    if (asked.includes(INFO.NAME)) send(encodeInfoText(INFO.NAME, exportName));
    if (asked.includes(INFO.DESCRIPTION) && description !== '') {
      send(encodeInfoText(INFO.DESCRIPTION, description));
    }
  }

  #refuse(option: number, refusal: ExportRefusal, exportName: string): 'go-on' {
    return this.#reply(option, REFUSALS[refusal], refusal, exportName);
  }

  #metaContext(option: number, data: Buffer): 'go-on' {
    const isSet = option === OPTION.SET_META_CONTEXT;
    // A SET that fails leaves nothing of an earlier one.
    if (isSet) this.#meta = undefined;
    if (isSet && !this.#isStructured)
      return this.#reply(option, OPTION_REPLY.ERR_INVALID, 'structured replies first');
    const request = parseMetaRequest(data);
    if (request === undefined) return this.#reply(option, OPTION_REPLY.ERR_INVALID, 'malformed');
    const device = this.#context.directory.find(request.exportName, this.#connection.isTls);
    if (typeof device === 'string') return this.#refuse(option, device, request.exportName);
    const choose = isSet ? selectContexts : listContexts;
    return this.#sendContexts(option, request.exportName, choose(device.metaContexts, request.queries));
  }

  #sendContexts(option: number, exportName: string, contexts: readonly string[]): 'go-on' {
    if (contexts.length > this.#context.limits.maxMetaContexts) {
      return this.#reply(option, OPTION_REPLY.ERR_TOO_BIG, '', exportName);
    }
    const isSet = option === OPTION.SET_META_CONTEXT;
    for (const [index, name] of contexts.entries()) {
      const entry = encodeMetaContext(isSet ? index + 1 : 0, name);
      this.#channel.send(encodeOptionReply(option, OPTION_REPLY.META_CONTEXT, entry));
    }
    if (isSet) this.#meta = { exportName, contexts };
    return this.#reply(option, OPTION_REPLY.ACK, '', exportName);
  }
}

const REFUSALS = {
  unknown: OPTION_REPLY.ERR_UNKNOWN,
  'tls-required': OPTION_REPLY.ERR_TLS_REQD,
  policy: OPTION_REPLY.ERR_POLICY,
  'shutting-down': OPTION_REPLY.ERR_SHUTDOWN,
} as const satisfies Record<ExportRefusal, number>;
