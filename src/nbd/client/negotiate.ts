/**
 * From a fresh stream to an open export.
 *
 * With TLS, STARTTLS comes first and every answer but ACK is the end: a client that falls back to plain gives its data
 * to whoever sits in the middle (CVE-2019-14842). Nothing that came in the clear survives the upgrade.
 * @source NBD protocol, proto.md ("Fixed newstyle negotiation", "TLS support")
 */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import { HANDSHAKE_FLAG, INFO, OPTION, OPTION_REPLY, optionReplyName } from '../wire/constants.ts';
import { encodeClientFlags, encodeInfoRequest, encodeMetaRequest } from '../wire/encode-handshake.ts';
import { parseMetaContext, parseServer } from '../wire/parse-option.ts';
import { ClientHandshake, type OptionReply } from './client-handshake.ts';
import { NbdConnectionLost, NbdProtocolError, NbdRefused, NbdTlsError } from './errors.ts';
import { type ExportLimits, ExportInfoReader } from './export-info-reader.ts';
import type { NbdTlsOptions } from './nbd-client-api.ts';
import { upgradeToTls } from './upgrade-to-tls.ts';

export interface NegotiateOptions {
  readonly exportName: string;
  readonly tls?: NbdTlsOptions | undefined;
  readonly metaContexts: readonly string[];
}

/** What transmission starts with. */
export interface OpenedExport {
  readonly stream: Duplex;
  /** What was dialled: under `stream` with TLS, the same without. */
  readonly dialled: Duplex;
  /** Bytes that the server sent ahead. An honest one sends none. */
  readonly rest: Buffer;
  readonly limits: ExportLimits;
  readonly isStructured: boolean;
  /** Ids of the negotiated contexts by name. */
  readonly contexts: ReadonlyMap<string, number>;
}

export async function negotiate(
  stream: Duplex,
  options: NegotiateOptions,
  clock: Clock,
): Promise<OpenedExport> {
  const handshake = await greet(stream, options.tls, clock);
  const isStructured = await askStructured(handshake);
  const contexts = isStructured ? await askContexts(handshake, options) : new Map<string, number>();
  const limits = await go(handshake, options.exportName);
  return {
    stream: handshake.stream,
    dialled: stream,
    rest: handshake.detach(),
    limits,
    isStructured,
    contexts,
  };
}

export interface ListedExport {
  readonly name: string;
  readonly description: string;
}

/** Asks for the names of all exports that the server shows. */
export async function list(
  stream: Duplex,
  tls: NbdTlsOptions | undefined,
  clock: Clock,
): Promise<ListedExport[]> {
  const handshake = await greet(stream, tls, clock);
  const found: ListedExport[] = [];
  const last = await handshake.ask(OPTION.LIST, NOTHING, (reply) => {
    const entry = reply.type === OPTION_REPLY.SERVER ? parseServer(reply.data) : undefined;
    if (entry === undefined) throw new NbdProtocolError('malformed answer to LIST');
    found.push(entry);
  });
  if (last.type !== OPTION_REPLY.ACK) throw refusal(last, 'list of exports');
  // The names are here; how the server takes the farewell changes nothing.
  await handshake.ask(OPTION.ABORT, NOTHING, reject).catch(() => undefined);
  return found;
}

const NOTHING = Buffer.alloc(0);

async function greet(stream: Duplex, tls: NbdTlsOptions | undefined, clock: Clock): Promise<ClientHandshake> {
  const handshake = new ClientHandshake(stream, clock);
  const offered = await handshake.greeting();
  if ((offered & HANDSHAKE_FLAG.FIXED_NEWSTYLE) === 0)
    throw new NbdProtocolError('server without fixed newstyle');
  handshake.send(encodeClientFlags(offered & (HANDSHAKE_FLAG.FIXED_NEWSTYLE | HANDSHAKE_FLAG.NO_ZEROES)));
  return tls === undefined ? handshake : secure(handshake, tls, clock);
}

async function secure(
  handshake: ClientHandshake,
  tls: NbdTlsOptions,
  clock: Clock,
): Promise<ClientHandshake> {
  const last = await handshake.ask(OPTION.STARTTLS, NOTHING, reject);
  if (last.type !== OPTION_REPLY.ACK)
    throw new NbdTlsError(`server refuses TLS: ${optionReplyName(last.type)}`);
  if (handshake.pendingBytes > 0) throw new NbdProtocolError('plain bytes after the answer to STARTTLS');
  handshake.detach();
  return handshake.moveTo(await upgradeToTls(handshake.stream, tls, clock));
}

async function askStructured(handshake: ClientHandshake): Promise<boolean> {
  const last = await handshake.ask(OPTION.STRUCTURED_REPLY, NOTHING, reject);
  return last.type === OPTION_REPLY.ACK;
}

async function askContexts(
  handshake: ClientHandshake,
  options: NegotiateOptions,
): Promise<Map<string, number>> {
  const contexts = new Map<string, number>();
  if (options.metaContexts.length === 0) return contexts;
  const request = encodeMetaRequest(options.exportName, options.metaContexts);
  const last = await handshake.ask(OPTION.SET_META_CONTEXT, request, (reply) => {
    const context = reply.type === OPTION_REPLY.META_CONTEXT ? parseMetaContext(reply.data) : undefined;
    if (context === undefined) throw new NbdProtocolError('malformed answer to SET_META_CONTEXT');
    addContext(contexts, context, options.metaContexts);
  });
  return last.type === OPTION_REPLY.ACK ? contexts : new Map();
}

function addContext(
  contexts: Map<string, number>,
  { id, name }: { id: number; name: string },
  asked: readonly string[],
): void {
  if (!asked.includes(name)) throw new NbdProtocolError(`meta context ${name} was not asked for`);
  const isKnownId = [...contexts.values()].includes(id);
  // nbdkit 1.32 answers a doubled query twice; the client never doubles one.
  if (isKnownId || contexts.has(name)) throw new NbdProtocolError(`meta context ${name} given twice`);
  contexts.set(name, id);
}

async function go(handshake: ClientHandshake, exportName: string): Promise<ExportLimits> {
  const reader = new ExportInfoReader();
  const request = encodeInfoRequest(exportName, [INFO.BLOCK_SIZE]);
  const last = await handshake.ask(OPTION.GO, request, (reply) => {
    if (reply.type !== OPTION_REPLY.INFO) throw new NbdProtocolError('malformed answer to GO');
    reader.take(reply.data);
  });
  if (last.type !== OPTION_REPLY.ACK) throw refusal(last, `export ${exportName}`);
  return reader.finish();
}

function refusal(reply: OptionReply, what: string): Error {
  const name = optionReplyName(reply.type);
  if (reply.type === OPTION_REPLY.ERR_SHUTDOWN) return new NbdConnectionLost(`${what}: ${name}`);
  return new NbdRefused(name, what);
}

function reject(reply: OptionReply): never {
  throw new NbdProtocolError(`unexpected reply ${optionReplyName(reply.type)}`);
}
