/** A block device, or a file that stands for one, opened to be read and written at any offset. */
import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { DeviceGone, DeviceSilent, type OpenDisk } from '../engine/proxy-agent.ts';
import type { Clock } from '../kernel/clock.ts';

export interface FileDeviceOptions {
  readonly path: string;
  /** What it is, for errors. */
  readonly what: string;
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly clock: Clock;
  /** A request that the kernel has not answered for so long fails with `DeviceSilent`. No limit when absent. */
  readonly requestTimeoutMs?: number | undefined;
}

/** Zeros are written in pieces of this size where nothing better is at hand. */
const ZERO_BYTES = 1024 * 1024;
/**
 * What the kernel says of a device that was taken away while it was open. EINVAL: nbdfuse says so of a read in flight when
 * its server goes; a range outside of the device never gets that far.
 */
const GONE = new Set([
  'ENXIO',
  'ENODEV',
  'ENOTCONN',
  'ENOENT',
  'ESTALE',
  'ENOMEDIUM',
  'EINVAL',
  'ECONNABORTED',
]);
/** A device that fails because it goes has lost its name no later than so long after its last read. */
const LAST_SIGHT_MS = 500;
const LOOK_MS = 20;

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
  #isSilent = false;

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

  /**
   * The descriptor is closed when nothing is under way any more: its number may soon be another file's. Nobody waits
   * for a device that does not answer.
   */
  async close(): Promise<void> {
    const closed = Promise.allSettled(this.#running)
      .then(() => this.#file.close())
      // The file of a mount that is gone fails to close, and is closed.
      .catch(() => undefined);
    if (!this.#isSilent) await closed;
  }

  async #run<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const end = (): void => void this.#running.delete(work);
    work.then(end, end);
    return this.#inTime(orGone(this.#options, work));
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    const { clock, requestTimeoutMs, what } = this.#options;
    if (requestTimeoutMs === undefined) return work;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = clock.setTimer(clock.now() + requestTimeoutMs, () => {
      this.#isSilent = true;
      reject(new DeviceSilent(`${what} has not answered for ${requestTimeoutMs / 1000} s`));
    });
    work.then(resolve, reject).finally(() => timer.cancel());
    return promise;
  }

  #check(offset: number, length: number, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (offset < 0 || length < 0 || offset + length > this.info.sizeBytes)
      throw new RangeError(
        `[${offset}, +${length}) is not inside ${this.#options.what}, ${this.info.sizeBytes} bytes`,
      );
  }
}

/** An I/O error of a device whose name goes too is the end of the device, not a bad block. */
async function orGone<T>({ path, what }: FileDeviceOptions, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (GONE.has(code) || (await vanishes(path)))
      throw new DeviceGone(`${what} is gone: ${code}`, { cause: error });
    throw error;
  }
}

/** The system takes the name away a moment after the device itself. */
async function vanishes(path: string): Promise<boolean> {
  for (let waitedMs = 0; existsSync(path); waitedMs += LOOK_MS) {
    if (waitedMs >= LAST_SIGHT_MS) return false;
    await setTimeout(LOOK_MS);
  }
  return true;
}
