/**
 * A device of a proxy's guest that is opened anew where it does not answer in time and is still there: a range is read
 * again, as over the network on a new connection. Storage that changes its path, or that is busy, stands still for
 * longer than a request may take; the proxy is not to blame for it.
 *
 * Reads only. What a write will still do for which nobody waits any more is not known.
 */
import { DeviceGone, DeviceSilent, type OpenDisk } from './proxy-agent.ts';

/** As often as the NBD client repeats a request. */
const REPEATS = 5;

export interface SteadyDeviceOptions {
  readonly disk: OpenDisk;
  /** Opens the same device again. @throws whatever says that it is not to be had any more */
  readonly reopen: () => Promise<OpenDisk>;
}

export function createSteadyDevice(options: SteadyDeviceOptions): OpenDisk {
  return new SteadyDevice(options);
}

interface Opened {
  readonly disk: Promise<OpenDisk>;
  isSilent: boolean;
}

class SteadyDevice implements OpenDisk {
  readonly info: OpenDisk['info'];
  readonly #reopen: SteadyDeviceOptions['reopen'];
  #opened: Opened;
  #reopened = 0;
  #isClosed = false;

  constructor({ disk, reopen }: SteadyDeviceOptions) {
    this.info = disk.info;
    this.#reopen = reopen;
    this.#opened = { disk: Promise.resolve(disk), isSilent: false };
  }

  get reconnects(): number {
    return this.#reopened;
  }

  read(...range: Parameters<OpenDisk['read']>): Promise<Buffer> {
    return this.#repeat(range[2], (disk) => disk.read(...range));
  }

  blockStatus(...query: Parameters<OpenDisk['blockStatus']>): ReturnType<OpenDisk['blockStatus']> {
    return this.#repeat(query[3], (disk) => disk.blockStatus(...query));
  }

  async write(...change: Parameters<OpenDisk['write']>): Promise<void> {
    await (await this.#opened.disk).write(...change);
  }

  async writeZeroes(...change: Parameters<OpenDisk['writeZeroes']>): Promise<void> {
    await (await this.#opened.disk).writeZeroes(...change);
  }

  async flush(...how: Parameters<OpenDisk['flush']>): Promise<void> {
    await (await this.#opened.disk).flush(...how);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const disk = await this.#opened.disk.catch(() => undefined);
    await disk?.close();
  }

  async #repeat<T>(signal: AbortSignal | undefined, request: (disk: OpenDisk) => Promise<T>): Promise<T> {
    for (let repeats = 0; ; repeats++) {
      const opened = this.#opened;
      try {
        return await request(await opened.disk);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof DeviceSilent) opened.isSilent = true;
        // With one request that is not answered, its neighbours lose the device too.
        const isWorthIt = opened.isSilent && error instanceof DeviceGone && repeats < REPEATS;
        if (!isWorthIt || this.#isClosed) throw error;
        if (this.#opened === opened) this.#opened = { disk: this.#openAnew(opened), isSilent: false };
      }
    }
  }

  async #openAnew({ disk: silent }: Opened): Promise<OpenDisk> {
    // Nobody waits for a device that says nothing.
    silent.then((disk) => disk.close()).catch(() => undefined);
    const disk = await this.#reopen();
    this.#reopened++;
    return disk;
  }
}
