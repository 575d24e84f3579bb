/** The agent's side of the channel over disks in memory, for tests of the asking side. */
import type { Duplex } from 'node:stream';
import { type ChannelDevice, formatDevices } from '../../../src/guest-channel/channel-devices.ts';
import { encodeFrame, FrameDecoder, requestPayloadBytes } from '../../../src/guest-channel/channel-frame.ts';

export interface FakeDisk extends Omit<ChannelDevice, 'sizeBytes'> {
  readonly bytes: Buffer;
}

export class FakeGuest {
  /** What the guest shows; tests take away and put in. */
  readonly disks: FakeDisk[] = [];
  /** Lines as they came in. */
  readonly asked: string[] = [];
  /** Answers are kept back as long as it is true. */
  isSilent = false;
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
    const decoder = new FrameDecoder({
      payloadBytes: requestPayloadBytes,
      onFrame: (words, payload) => this.#take(words, payload),
    });
    stream.on('data', (chunk: Buffer) => decoder.push(chunk));
    stream.on('error', () => undefined);
  }

  answer(id: string, status: string, payload: Uint8Array): void {
    this.#stream.write(encodeFrame([id, status, payload.length]));
    this.#stream.write(payload);
  }

  #take([id = '', op = '', name = '', ...more]: readonly string[], payload: Buffer): void {
    this.asked.push([op, name, ...more].join(' ').trim());
    if (this.isSilent) return;
    if (op === 'hello')
      return this.answer(id, 'ok', Buffer.from('backlot-agent 1 devices read write zero flush'));
    if (op === 'devices') return this.answer(id, 'ok', formatDevices(this.#list()));
    const [sequence, offset = 0, length = 0] = more.map(Number);
    const disk = this.disks.find((one) => one.name === name && Number(one.sequence) === sequence);
    if (disk === undefined) return this.answer(id, 'gone', Buffer.from(`${name}: no such disk\n`));
    if (offset % 512 !== 0 || length % 512 !== 0 || offset + length > disk.bytes.length)
      return this.answer(id, 'failed', Buffer.from(`${name}: Invalid argument`));
    if (op === 'write') payload.copy(disk.bytes, offset);
    if (op === 'zero') disk.bytes.fill(0, offset, offset + length);
    this.answer(id, 'ok', op === 'read' ? disk.bytes.subarray(offset, offset + length) : Buffer.alloc(0));
  }

  #list(): ChannelDevice[] {
    return this.disks.map(({ bytes, ...disk }) => ({ ...disk, sizeBytes: bytes.length }));
  }
}
