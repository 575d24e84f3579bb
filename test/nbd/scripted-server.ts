/** A server that says exactly what a test tells it to; where the test is silent it is honest. */
import { duplexPair, type Duplex } from 'node:stream';
import type { NbdDial } from '../../src/nbd/index.ts';
import { text, u16, u32 } from './raw-client.ts';

export const SCRIPTED_BYTES = 1024 * 1024;
/** HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES. */
const FLAGS = 0b110_1101;

export interface ScriptedRequest {
  readonly type: number;
  readonly cookie: Buffer;
  readonly offset: number;
  readonly length: number;
}

export interface Script {
  readonly greeting?: Buffer;
  /** Answers to options by their number. */
  readonly options?: Readonly<Record<number, Buffer>>;
  /** The answer to a request; `close` hangs up after it. Default: nothing is ever said. */
  readonly answer?: (request: ScriptedRequest, connection: number) => Buffer | { close: Buffer };
}

export class ScriptedServer {
  readonly #script: Script;
  connections = 0;
  /** Types of the requests that came, over all connections. */
  readonly requests: number[] = [];

  constructor(script: Script) {
    this.#script = script;
  }

  readonly dial: NbdDial = async () => {
    const [client, server] = duplexPair();
    this.#serve(server, ++this.connections);
    return client;
  };

  #serve(stream: Duplex, connection: number): void {
    let input = Buffer.alloc(0);
    let state: 'flags' | 'options' | 'requests' = 'flags';
    const take = (bytes: number): Buffer => {
      const taken = input.subarray(0, bytes);
      input = input.subarray(bytes);
      return taken;
    };
    const step = (): boolean => {
      const bytes = nextFrameBytes(state, input);
      if (input.length < bytes) return false;
      const frame = take(bytes);
      if (state === 'requests') this.#answer(stream, frame, connection);
      else if (state === 'flags') state = 'options';
      else if (this.#answerOption(stream, frame.readUInt32BE(8)) === GO) state = 'requests';
      return true;
    };
    stream.on('error', () => undefined);
    stream.write(this.#script.greeting ?? GREETING);
    stream.on('data', (chunk: Buffer) => {
      input = Buffer.concat([input, chunk]);
      while (step());
    });
  }

  #answerOption(stream: Duplex, code: number): number {
    stream.write(this.#script.options?.[code] ?? HONEST[code] ?? optionReply(code, 0x80000001));
    return code;
  }

  #answer(stream: Duplex, header: Buffer, connection: number): void {
    const request: ScriptedRequest = {
      type: header.readUInt16BE(6),
      cookie: Buffer.from(header.subarray(8, 16)),
      offset: Number(header.readBigUInt64BE(16)),
      length: header.readUInt32BE(24),
    };
    this.requests.push(request.type);
    const answer = this.#script.answer?.(request, connection);
    if (answer === undefined) return;
    if (Buffer.isBuffer(answer)) stream.write(answer);
    else stream.end(answer.close);
  }
}

const GO = 7;
const WRITE = 1;

/** How long the next thing is that a client says; its header's length while that is not there. */
function nextFrameBytes(state: 'flags' | 'options' | 'requests', input: Buffer): number {
  if (state === 'flags') return 4;
  const headerBytes = state === 'options' ? 16 : 28;
  if (input.length < headerBytes) return headerBytes;
  if (state === 'options') return headerBytes + input.readUInt32BE(12);
  return headerBytes + (input.readUInt16BE(6) === WRITE ? input.readUInt32BE(24) : 0);
}

export function greeting(flags: number, magic = 'NBDMAGIC', optionMagic = 'IHAVEOPT'): Buffer {
  return Buffer.concat([Buffer.from(magic + optionMagic), u16(flags)]);
}

const GREETING = greeting(3);

export function optionReply(
  code: number,
  type: number,
  data: Buffer | string = '',
  announced?: number,
): Buffer {
  const body = Buffer.from(data);
  return Buffer.concat([u32(0x3e889, 0x45565a9, code, type, announced ?? body.length), body]);
}

export const ack = (code: number): Buffer => optionReply(code, 1);

export function infoExport(sizeBytes: bigint | number, flags = FLAGS): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(sizeBytes));
  return optionReply(7, 3, Buffer.concat([u16(0), size, u16(flags)]));
}

export function infoSizes(min: number, preferred: number, max: number): Buffer {
  return optionReply(7, 3, Buffer.concat([u16(3), u32(min, preferred, max)]));
}

export function metaContext(id: number, name: string): Buffer {
  return optionReply(10, 4, Buffer.concat([u32(id), Buffer.from(name)]));
}

const HONEST: Readonly<Record<number, Buffer>> = {
  3: Buffer.concat([optionReply(3, 2, text('disk')), ack(3)]),
  7: Buffer.concat([infoExport(SCRIPTED_BYTES), ack(7)]),
  8: ack(8),
  10: Buffer.concat([metaContext(1, 'base:allocation'), ack(10)]),
};

export function simple(cookie: Buffer, errno = 0, data = Buffer.alloc(0)): Buffer {
  return Buffer.concat([u32(0x67446698, errno), cookie, data]);
}

export function chunk(
  cookie: Buffer,
  type: number,
  payload: Buffer,
  isDone = true,
  announced?: number,
): Buffer {
  return Buffer.concat([
    u32(0x668e33ef),
    u16(isDone ? 1 : 0, type),
    cookie,
    u32(announced ?? payload.length),
    payload,
  ]);
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export const dataPayload = (offset: number | bigint, bytes: number): Buffer =>
  Buffer.concat([u64(offset), Buffer.alloc(bytes, 0x5a)]);
export const holePayload = (offset: number, bytes: number): Buffer =>
  Buffer.concat([u64(offset), u32(bytes)]);
