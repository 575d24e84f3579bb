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
    let isTransmission = false;
    const take = (bytes: number): Buffer => {
      const taken = input.subarray(0, bytes);
      input = input.subarray(bytes);
      return taken;
    };
    stream.on('error', () => undefined);
    stream.write(this.#script.greeting ?? GREETING);
    let areFlagsRead = false;
    stream.on('data', (chunk: Buffer) => {
      input = Buffer.concat([input, chunk]);
      if (!areFlagsRead && input.length >= 4) {
        take(4);
        areFlagsRead = true;
      }
      while (!isTransmission && input.length >= 16 && input.length >= 16 + input.readUInt32BE(12)) {
        const code = input.readUInt32BE(8);
        take(16 + input.readUInt32BE(12));
        stream.write(this.#script.options?.[code] ?? HONEST[code] ?? optionReply(code, 0x80000001));
        isTransmission = code === 7;
      }
      while (isTransmission && input.length >= 28) this.#answer(stream, take(28), connection, take);
    });
  }

  #answer(stream: Duplex, header: Buffer, connection: number, take: (bytes: number) => Buffer): void {
    const request: ScriptedRequest = {
      type: header.readUInt16BE(6),
      cookie: Buffer.from(header.subarray(8, 16)),
      offset: Number(header.readBigUInt64BE(16)),
      length: header.readUInt32BE(24),
    };
    if (request.type === 1) take(request.length);
    this.requests.push(request.type);
    const answer = this.#script.answer?.(request, connection);
    if (answer === undefined) return;
    if (Buffer.isBuffer(answer)) stream.write(answer);
    else stream.end(answer.close);
  }
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
