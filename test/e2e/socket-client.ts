/** An NBD client on a real socket that says exactly what a test tells it to, and waits for the bytes of the answer. */
import { connect, type Socket } from 'node:net';
import { u32 } from '../nbd/raw-client.ts';

const OPTION_REPLIES: Readonly<Record<number, string>> = {
  1: 'ACK',
  2: 'SERVER',
  3: 'INFO',
  4: 'META',
  0x80000001: 'ERR_UNSUP',
  0x80000003: 'ERR_INVALID',
  0x80000006: 'ERR_UNKNOWN',
  0x80000009: 'ERR_TOO_BIG',
};
const ERRNOS: Readonly<Record<number, string>> = { 0: 'OK', 1: 'EPERM', 22: 'EINVAL', 28: 'ENOSPC' };
const CHUNKS: Readonly<Record<number, string>> = { 0: 'NONE', 1: 'DATA', 2: 'HOLE', 5: 'STATUS' };

export class SocketClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    const close = (): void => {
      this.#isClosed = true;
      this.#wake();
    };
    // A reset and an orderly end are both "the server hung up".
    socket.on('error', close).on('end', close).on('close', close);
  }

  static async connect(nbdUrl: string): Promise<SocketClient> {
    const { hostname, port } = new URL(nbdUrl);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const client = new SocketClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    return client;
  }

  /** Connected, greeted, client flags said. */
  static async greet(nbdUrl: string, clientFlags = 3): Promise<SocketClient> {
    const client = await SocketClient.connect(nbdUrl);
    const greeting = await client.take(18);
    if (greeting.toString('latin1', 0, 16) !== 'NBDMAGICIHAVEOPT') throw new Error('wrong greeting');
    client.say(u32(clientFlags));
    return client;
  }

  say(...parts: Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** @throws when the server hangs up before */
  async take(bytes: number): Promise<Buffer> {
    while (this.#received.length < bytes) {
      if (this.#isClosed) throw new Error('closed');
      await this.#something();
    }
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  /** The next final reply to an option: `ACK`, `ERR_INVALID` ...; `closed` where the server hangs up in its place. */
  async optionReply(): Promise<string> {
    return this.#orClosed(async () => {
      for (;;) {
        const header = await this.take(20);
        if (header.readBigUInt64BE(0) !== 0x3e889045565a9n) throw new Error('wrong option reply magic');
        const type = header.readUInt32BE(12);
        await this.take(header.readUInt32BE(16));
        const name = OPTION_REPLIES[type] ?? `?${type.toString(16)}`;
        if (!['SERVER', 'INFO', 'META'].includes(name)) return name;
      }
    });
  }

  /** The next reply to a request, all its chunks: `EINVAL`, `DATA`, `HOLE,DATA` ...; `closed` as above. */
  async reply(simpleBytes = 0): Promise<string> {
    return this.#orClosed(async () => {
      const magic = (await this.take(4)).readUInt32BE(0);
      if (magic === 0x67446698) return this.#simpleReply(simpleBytes);
      if (magic !== 0x668e33ef) throw new Error(`wrong reply magic ${magic.toString(16)}`);
      const rest = await this.take(16);
      const name = this.#chunkName(rest.readUInt16BE(2), await this.take(rest.readUInt32BE(12)));
      return (rest.readUInt16BE(0) & 1) === 1 ? name : `${name},${await this.reply()}`;
    });
  }

  /** Resolves when the server has hung up. */
  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#something();
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #simpleReply(bytes: number): Promise<string> {
    const errno = (await this.take(12)).readUInt32BE(0);
    if (errno === 0 && bytes > 0) await this.take(bytes);
    return ERRNOS[errno] ?? `errno ${errno}`;
  }

  #chunkName(type: number, payload: Buffer): string {
    if (type !== 0x8001) return CHUNKS[type] ?? `?${type}`;
    const errno = payload.readUInt32BE(0);
    return ERRNOS[errno] ?? `errno ${errno}`;
  }

  async #orClosed(work: () => Promise<string>): Promise<string> {
    try {
      return await work();
    } catch (error) {
      if (this.#isClosed) return 'closed';
      throw error;
    }
  }

  #something(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
