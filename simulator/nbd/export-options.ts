/** The options that concern exports: LIST, INFO, GO, EXPORT_NAME, and what is agreed about their replies. */
import { INFO, OPTION, OPTION_REPLY } from '../../src/nbd/wire/constants.ts';
import {
  encodeExportNameReply,
  encodeInfoBlockSize,
  encodeInfoExport,
  encodeInfoText,
  encodeMetaContext,
  encodeServer,
} from '../../src/nbd/wire/encode-handshake.ts';
import {
  type InfoRequest,
  parseInfoRequest,
  parseMetaRequest,
  parseText,
} from '../../src/nbd/wire/parse-option.ts';
import type { ExportDevice, ExportRefusal, OpenExport } from './export-device.ts';
import { listContexts, selectContexts } from './meta-contexts.ts';
import type { NbdServerContext } from './nbd-server-context.ts';
import type { OptionVoice } from './option-voice.ts';
import type { ServerConnection } from './server-connection.ts';
import { transmissionFlags } from './transmission-flags.ts';

/** An export opened by GO or EXPORT_NAME, and what holds for it. */
export interface Chosen {
  readonly exportName: string;
  readonly opened: OpenExport;
  readonly isStructured: boolean;
  /** Negotiated contexts; the position plus one is the id. */
  readonly contexts: readonly string[];
}

/** Smallest and preferred request, as BLOCK_SIZE announces them. 64 KiB is what CBT counts in. */
const MIN_BLOCK_BYTES = 1;
const PREFERRED_BLOCK_BYTES = 64 * 1024;

const REFUSALS = {
  unknown: OPTION_REPLY.ERR_UNKNOWN,
  'tls-required': OPTION_REPLY.ERR_TLS_REQD,
  policy: OPTION_REPLY.ERR_POLICY,
  'shutting-down': OPTION_REPLY.ERR_SHUTDOWN,
} as const satisfies Record<ExportRefusal, number>;

export class ExportOptions {
  readonly #voice: OptionVoice;
  readonly #context: NbdServerContext;
  readonly #connection: ServerConnection;
  #isStructured = false;
  #meta: { readonly exportName: string; readonly contexts: readonly string[] } | undefined;

  constructor(voice: OptionVoice, context: NbdServerContext, connection: ServerConnection) {
    this.#voice = voice;
    this.#context = context;
    this.#connection = connection;
  }

  /** Nothing has been agreed: after STARTTLS, because it may have been somebody else who did. */
  forget(): void {
    this.#isStructured = false;
    this.#meta = undefined;
  }

  list(data: Buffer): 'go-on' {
    if (data.length > 0) return this.#voice.last(OPTION.LIST, OPTION_REPLY.ERR_INVALID, 'LIST takes no data');
    for (const { name, description } of this.#context.directory.list(this.#connection.isTls)) {
      this.#voice.more(OPTION.LIST, OPTION_REPLY.SERVER, encodeServer(name, description));
    }
    return this.#voice.last(OPTION.LIST, OPTION_REPLY.ACK);
  }

  structuredReply(data: Buffer): 'go-on' {
    if (data.length > 0) return this.#voice.last(OPTION.STRUCTURED_REPLY, OPTION_REPLY.ERR_INVALID);
    this.#isStructured = true;
    return this.#voice.last(OPTION.STRUCTURED_REPLY, OPTION_REPLY.ACK);
  }

  info(data: Buffer): 'go-on' {
    const request = parseInfoRequest(data);
    if (request === undefined) return this.#malformed(OPTION.INFO);
    const { exportName } = request;
    const device = this.#context.directory.find(exportName, this.#connection.isTls);
    if (typeof device === 'string') return this.#refuse(OPTION.INFO, device, exportName);
    this.#sendInfos(OPTION.INFO, device, this.#descriptionOf(exportName), request);
    return this.#voice.last(OPTION.INFO, OPTION_REPLY.ACK, '', exportName);
  }

  go(data: Buffer): 'go-on' | Chosen {
    const request = parseInfoRequest(data);
    if (request === undefined) return this.#malformed(OPTION.GO);
    const { exportName } = request;
    const opened = this.#context.directory.open(exportName, this.#connection);
    if (typeof opened === 'string') return this.#refuse(OPTION.GO, opened, exportName);
    this.#sendInfos(OPTION.GO, opened.device, opened.description, request);
    this.#voice.last(OPTION.GO, OPTION_REPLY.ACK, '', exportName);
    return this.#choose(exportName, opened);
  }

  /** The old way to open an export. It knows no errors, so a refusal ends the connection. */
  exportName(data: Buffer, isPadded: boolean): 'over' | Chosen {
    const name = parseText(data);
    if (name === undefined) return this.#voice.hangUp(OPTION.EXPORT_NAME, 'malformed export name');
    const opened = this.#context.directory.open(name, this.#connection);
    if (typeof opened === 'string') {
      return this.#voice.hangUp(OPTION.EXPORT_NAME, `export refused: ${opened}`, name);
    }
    this.#voice.observe(OPTION.EXPORT_NAME, 'ACK', name);
    const { device } = opened;
    this.#voice.channel.send(encodeExportNameReply(device.sizeBytes, this.#flagsOf(device), isPadded));
    return this.#choose(name, opened);
  }

  metaContext(option: number, data: Buffer): 'go-on' {
    const isSet = option === OPTION.SET_META_CONTEXT;
    // A SET that fails leaves nothing of an earlier one.
    if (isSet) this.#meta = undefined;
    if (isSet && !this.#isStructured) {
      return this.#voice.last(option, OPTION_REPLY.ERR_INVALID, 'structured replies first');
    }
    const request = parseMetaRequest(data);
    if (request === undefined) return this.#malformed(option);
    const device = this.#context.directory.find(request.exportName, this.#connection.isTls);
    if (typeof device === 'string') return this.#refuse(option, device, request.exportName);
    const choose = isSet ? selectContexts : listContexts;
    return this.#sendContexts(option, request.exportName, choose(device.metaContexts, request.queries));
  }

  #sendContexts(option: number, exportName: string, contexts: readonly string[]): 'go-on' {
    if (contexts.length > this.#context.limits.maxMetaContexts) {
      return this.#voice.last(option, OPTION_REPLY.ERR_TOO_BIG, '', exportName);
    }
    const isSet = option === OPTION.SET_META_CONTEXT;
    for (const [index, name] of contexts.entries()) {
      this.#voice.more(option, OPTION_REPLY.META_CONTEXT, encodeMetaContext(isSet ? index + 1 : 0, name));
    }
    if (isSet) this.#meta = { exportName, contexts };
    return this.#voice.last(option, OPTION_REPLY.ACK, '', exportName);
  }

  #sendInfos(option: number, device: ExportDevice, description: string, request: InfoRequest): void {
    const { maxPayloadBytes } = this.#context.limits;
    const send = (info: Buffer): void => this.#voice.more(option, OPTION_REPLY.INFO, info);
    // Before EXPORT: qemu judges the size by the block size it knows at that moment.
    send(encodeInfoBlockSize(MIN_BLOCK_BYTES, PREFERRED_BLOCK_BYTES, maxPayloadBytes));
    send(encodeInfoExport(device.sizeBytes, this.#flagsOf(device)));
    if (request.infos.includes(INFO.NAME)) send(encodeInfoText(INFO.NAME, request.exportName));
    if (request.infos.includes(INFO.DESCRIPTION) && description !== '') {
      send(encodeInfoText(INFO.DESCRIPTION, description));
    }
  }

  #descriptionOf(exportName: string): string {
    const entries = this.#context.directory.list(this.#connection.isTls);
    return entries.find(({ name }) => name === exportName)?.description ?? '';
  }

  /** Contexts count only for the export that they were asked for. */
  #choose(exportName: string, opened: OpenExport): Chosen {
    const contexts = this.#meta?.exportName === exportName ? this.#meta.contexts : [];
    return { exportName, opened, isStructured: this.#isStructured, contexts };
  }

  #flagsOf(device: ExportDevice): number {
    return transmissionFlags(device.isReadOnly, this.#isStructured);
  }

  #refuse(option: number, refusal: ExportRefusal, exportName: string): 'go-on' {
    return this.#voice.last(option, REFUSALS[refusal], refusal, exportName);
  }

  #malformed(option: number): 'go-on' {
    return this.#voice.last(option, OPTION_REPLY.ERR_INVALID, 'malformed');
  }
}
