/** A disk, with something around each of its operations. */
import type { OpenDisk } from './proxy-agent.ts';

/** Does the work, and whatever belongs around it. */
export type Around = <T>(work: () => Promise<T>) => Promise<T>;

/** A class, because all that a getter in an object literal sees stays in memory until a full collection. */
export class DiskWithin implements OpenDisk {
  readonly info: OpenDisk['info'];
  readonly #disk: OpenDisk;
  readonly #around: Around;

  constructor(disk: OpenDisk, around: Around, info: OpenDisk['info'] = disk.info) {
    this.info = info;
    this.#disk = disk;
    this.#around = around;
  }

  get reconnects(): number {
    return this.#disk.reconnects;
  }

  read(...range: Parameters<OpenDisk['read']>): ReturnType<OpenDisk['read']> {
    return this.#around(() => this.#disk.read(...range));
  }

  write(...change: Parameters<OpenDisk['write']>): ReturnType<OpenDisk['write']> {
    return this.#around(() => this.#disk.write(...change));
  }

  writeZeroes(...change: Parameters<OpenDisk['writeZeroes']>): ReturnType<OpenDisk['writeZeroes']> {
    return this.#around(() => this.#disk.writeZeroes(...change));
  }

  flush(...how: Parameters<OpenDisk['flush']>): ReturnType<OpenDisk['flush']> {
    return this.#around(() => this.#disk.flush(...how));
  }

  blockStatus(...query: Parameters<OpenDisk['blockStatus']>): ReturnType<OpenDisk['blockStatus']> {
    return this.#around(() => this.#disk.blockStatus(...query));
  }

  close(): Promise<void> {
    return this.#around(() => this.#disk.close());
  }
}
