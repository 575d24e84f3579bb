/**
 * A client that says exactly what a test tells it to, and reads the answers with a reader of its own, so that a
 * mistake of the project's decoders can't hide one of its encoders.
 */
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { NbdWorld } from './nbd-world.ts';

const OPTION_REPLIES: Readonly<Record<number, string>> = {
  1: 'ACK',
  2: 'SERVER',
  3: 'INFO',
  4: 'META',
  0x80000001: 'ERR_UNSUP',
  0x80000002: 'ERR_POLICY',
  0x80000003: 'ERR_INVALID',
  0x80000005: 'ERR_TLS_REQD',
  0x80000006: 'ERR_UNKNOWN',
  0x80000007: 'ERR_SHUTDOWN',
  0x80000009: 'ERR_TOO_BIG',
};
const ERRORS: Readonly<Record<number, string>> = {
  0: 'OK',
  1: 'EPERM',
  5: 'EIO',
  22: 'EINVAL',
  28: 'ENOSPC',
  75: 'EOVERFLOW',
  95: 'ENOTSUP',
};

/** An option, header and data. */
export function option(code: number, data: Buffer | string = '', announcedBytes?: number): Buffer {
  const body = Buffer.from(data);
  const header = Buffer.alloc(16);
  header.write('IHAVEOPT', 0, 'latin1');
  header.writeUInt32BE(code, 8);
  header.writeUInt32BE(announcedBytes ?? body.length, 12);
  return Buffer.concat([header, body]);
}

export function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, 2 * index);
  return bytes;
}

export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u32(bytes.length), bytes]);
}

/** Data of GO and INFO. */
export function infoData(name: string | Buffer, ...infos: number[]): Buffer {
  return Buffer.concat([text(name), u16(infos.length, ...infos)]);
}

/** Data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export function metaData(name: string, ...queries: string[]): Buffer {
  return Buffer.concat([text(name), u32(queries.length), ...queries.map(text)]);
}

export const GO = (name = 'disk', ...infos: number[]): Buffer => option(7, infoData(name, ...infos));
export const STRUCTURED = option(8);
export const ABORT = option(2);
export const SET_META = (...queries: string[]): Buffer => option(10, metaData('disk', ...queries));

export interface RawRequest {
  readonly type: number;
  readonly flags?: number;
  readonly cookie?: string;
  readonly offset?: number | bigint;
  readonly length?: number;
  readonly payload?: Buffer;
  readonly magic?: number;
}

export function request(raw: RawRequest): Buffer {
  const header = Buffer.alloc(28);
  header.writeUInt32BE(raw.magic ?? 0x25609513, 0);
  header.writeUInt16BE(raw.flags ?? 0, 4);
  header.writeUInt16BE(raw.type, 6);
  header.write((raw.cookie ?? 'cookie').padEnd(8, '.'), 8, 'latin1');
  header.writeBigUInt64BE(BigInt(raw.offset ?? 0), 16);
  header.writeUInt32BE(raw.length ?? 0, 24);
  return Buffer.concat([header, raw.payload ?? Buffer.alloc(0)]);
}

export class RawClient {
  readonly #world: NbdWorld;
  readonly #stream: Duplex;
  #received = Buffer.alloc(0);
  #isClosed = false;

  private constructor(world: NbdWorld, stream: Duplex) {
    this.#world = world;
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    const close = (): void => {
      this.#isClosed = true;
    };
    stream.on('error', close).on('end', close).on('close', close);
  }

  /** Connects, without reading or saying anything. */
  static async connect(world: NbdWorld): Promise<RawClient> {
    const client = new RawClient(world, await world.dial(new AbortController().signal));
    await world.clock.drain();
    return client;
  }

  /** Connects, takes the greeting and says `clientFlags`. */
  static async greet(world: NbdWorld, clientFlags = 3): Promise<RawClient> {
    const client = await RawClient.connect(world);
    client.take(18);
    await client.say(u32(clientFlags));
    return client;
  }

  /** Connects and opens `disk`. */
  static async open(
    world: NbdWorld,
    options: { structured?: boolean; contexts?: string[] } = {},
  ): Promise<RawClient> {
    const client = await RawClient.greet(world);
    if (options.structured ?? true) await client.say(STRUCTURED);
    if (options.contexts) await client.say(SET_META(...options.contexts));
    await client.say(GO());
    if (!client.optionReplies().endsWith('ACK')) throw new Error('GO was refused');
    return client;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get receivedBytes(): number {
    return this.#received.length;
  }

  /** Sends bytes in one write and lets the server work until it has nothing left to do. */
  async say(...parts: Buffer[]): Promise<void> {
    if (!this.#stream.destroyed) this.#stream.write(Buffer.concat(parts));
    await this.#world.clock.drain();
  }

  /** Goes on over TLS, after the answer to STARTTLS was taken. */
  async upgrade(ca: string): Promise<RawClient> {
    this.#stream.removeAllListeners('data');
    // Bytes handed over at once would end the handshake inside of `connect`.
    this.#stream.cork();
    const secured = tls.connect({ socket: this.#stream, ca, host: '127.0.0.1' });
    const client = new RawClient(this.#world, secured);
    this.#stream.uncork();
    await this.#world.clock.drain();
    if (!secured.authorized) throw new Error(`the server is not trusted: ${secured.authorizationError}`);
    return client;
  }

  /** Closes this side only. */
  async endInput(): Promise<void> {
    this.#stream.end();
    await this.#world.clock.drain();
  }

  /** Breaks off. */
  async reset(): Promise<void> {
    this.#stream.destroy(new Error('reset'));
    await this.#world.clock.drain();
  }

  /** Stops taking what the server sends. */
  stopReading(): void {
    this.#stream.pause();
  }

  take(bytes: number): Buffer {
    if (this.#received.length < bytes)
      throw new Error(`only ${this.#received.length} of ${bytes} bytes came`);
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  /** The replies to options so far: `INFO,INFO,ACK`; ends with `CLOSED` when the server hung up. */
  optionReplies(): string {
    const names: string[] = [];
    while (this.#received.length >= 20) {
      const header = this.take(20);
      if (header.readBigUInt64BE(0) !== 0x3e889045565a9n) throw new Error('wrong option reply magic');
      const type = header.readUInt32BE(12);
      names.push(OPTION_REPLIES[type] ?? `?${type.toString(16)}`);
      this.take(header.readUInt32BE(16));
    }
    return this.#withState(names);
  }

  /**
   * The replies to requests so far: `sr:DATA512,simple:OK`. Simple replies to READ carry `simpleBytes` bytes.
   * Every cookie must be the one that `request` sends by default, or begin with `cookie`.
   */
  replies(simpleBytes = 0): string {
    const names: string[] = [];
    while (this.#received.length >= 16) names.push(this.#reply(simpleBytes));
    return this.#withState(names);
  }

  #withState(names: string[]): string {
    if (this.#received.length > 0) names.push(`REST${this.#received.length}`);
    if (this.#isClosed) names.push('CLOSED');
    return names.join(',');
  }

  #reply(simpleBytes: number): string {
    const magic = this.#received.readUInt32BE(0);
    if (magic === 0x67446698) return this.#simple(simpleBytes);
    if (magic !== 0x668e33ef) throw new Error(`wrong reply magic ${magic.toString(16)}`);
    return this.#chunk();
  }

  #simple(simpleBytes: number): string {
    const header = this.take(16);
    checkCookie(header);
    const errno = header.readUInt32BE(4);
    if (errno === 0 && simpleBytes > 0) return `simple:DATA${this.take(simpleBytes).length}`;
    return `simple:${ERRORS[errno] ?? errno}`;
  }

  #chunk(): string {
    const header = this.take(20);
    checkCookie(header);
    const more = (header.readUInt16BE(4) & 1) === 0 ? '+' : '';
    const payload = this.take(header.readUInt32BE(16));
    return `sr:${chunkText(header.readUInt16BE(6), payload)}${more}`;
  }
}

function checkCookie(header: Buffer): void {
  const cookie = header.toString('latin1', 8, 16);
  if (!cookie.startsWith('cookie')) throw new Error(`cookie came back as ${cookie}`);
}

function chunkText(type: number, payload: Buffer): string {
  switch (type) {
    case 0:
      return 'NONE';
    case 1:
      return `DATA${payload.length - 8}`;
    case 2:
      return `HOLE${payload.readUInt32BE(8)}`;
    case 5:
      return `STATUS${(payload.length - 4) / 8}`;
    case 0x8001:
      return ERRORS[payload.readUInt32BE(0)] ?? String(payload.readUInt32BE(0));
    default:
      return `?${type}`;
  }
}
