/** A block device, or a file that stands for one, opened to be read and written at any offset. */
import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { DeviceGone, type OpenDisk } from '../engine/proxy-agent.ts';

export interface FileDeviceOptions {
  readonly path: string;
  /** What it is, for errors. */
  readonly what: string;
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
}

/** Zeros are written in pieces of this size where nothing better is at hand. */
const ZERO_BYTES = 1024 * 1024;
/** What the kernel says of a device that was taken away while it was open. */
const GONE = new Set(['ENXIO', 'ENODEV', 'ENOTCONN', 'ENOENT', 'ESTALE', 'ENOMEDIUM']);

/** @throws DeviceGone */
export async function openFileDevice(options: FileDeviceOptions): Promise<OpenDisk> {
  const file = await orGone(options, open(options.path, options.isReadOnly ? 'r' : 'r+'));
  return new FileDevice(file, options);
}

class FileDevice implements OpenDisk {
  readonly info: OpenDisk['info'];
  readonly reconnects = 0;
  readonly #file: FileHandle;
  readonly #options: FileDeviceOptions;
  readonly #running = new Set<Promise<unknown>>();

  constructor(file: FileHandle, options: FileDeviceOptions) {
    const { sizeBytes, isReadOnly } = options;
    this.#file = file;
    this.#options = options;
    this.info = {
      sizeBytes,
      isReadOnly,
      flags: 0,
      minBlockBytes: 1,
      preferredBlockBytes: 64 * 1024,
      maxBlockBytes: 32 * 2 ** 20,
      metaContexts: [],
    };
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    this.#check(offset, length, signal);
    const buffer = Buffer.allocUnsafeSlow(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.#run(this.#file.read(buffer, at, length - at, offset + at));
      signal?.throwIfAborted();
      // The kernel cuts a read short only where the device ends, and the range was inside it when it was opened.
      if (bytesRead === 0) throw new DeviceGone(`${this.#options.what} ends at ${offset + at}`);
      at += bytesRead;
    }
    return buffer;
  }

  async write(
    offset: number,
    data: Uint8Array,
    options: { fua?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<void> {
    this.#check(offset, data.length, signal);
    for (let at = 0; at < data.length; ) {
      const left = data.length - at;
      const { bytesWritten } = await this.#run(this.#file.write(data, at, left, offset + at));
      signal?.throwIfAborted();
      at += bytesWritten;
    }
    if (options.fua === true) await this.flush();
  }

  async writeZeroes(
    offset: number,
    length: number,
    _options?: { noHole?: boolean },
    signal?: AbortSignal,
  ): Promise<void> {
    const zeros = Buffer.alloc(Math.min(length, ZERO_BYTES));
    for (let at = 0; at < length; at += zeros.length)
      await this.write(offset + at, zeros.subarray(0, Math.min(zeros.length, length - at)), {}, signal);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await this.#run(this.#file.sync());
  }

  async blockStatus(): Promise<never> {
    throw new RangeError(`${this.#options.what} can't be asked for its extents`);
  }

  /** Waits for what is under way: the descriptor's number may soon be another file's. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    // The file of a mount that is gone fails to close, and is closed.
    await this.#file.close().catch(() => undefined);
  }

  async #run<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await orGone(this.#options, work);
    } finally {
      this.#running.delete(work);
    }
  }

  #check(offset: number, length: number, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (offset < 0 || length < 0 || offset + length > this.info.sizeBytes)
      throw new RangeError(
        `[${offset}, +${length}) is not inside ${this.#options.what}, ${this.info.sizeBytes} bytes`,
      );
  }
}

/** An I/O error of a device whose name is gone too is the end of the device, not a bad block. */
async function orGone<T>({ path, what }: FileDeviceOptions, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (GONE.has(code) || !existsSync(path))
      throw new DeviceGone(`${what} is gone: ${code}`, { cause: error });
    throw error;
  }
}
