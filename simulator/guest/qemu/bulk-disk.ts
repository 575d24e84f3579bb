/**
 * Memory of this process that a guest sees as a disk: large pieces go between it and the guest's other disks by the
 * hypervisor, without passing through the guest's processor. src/guest-channel/README.md says why.
 */
import { MAX_PIECE_BYTES } from '../../../src/guest-channel/channel-frame.ts';
import { Permits } from '../../../src/nbd/client/permits.ts';
import type { ExportDevice } from '../../nbd/export-device.ts';

/** Serial of the disk in the guest. */
export const BULK_SERIAL = 'backlot-bulk';

/** Pieces under way at once: one being filled, one on its way out, and as many waiting. */
const SLOTS = 4;

/** Room for one piece, for the time that it is needed. */
export interface BulkSlot {
  /** Where it lies on the disk. */
  readonly offset: number;
  readonly bytes: Buffer;
  release(): void;
}

export class BulkDisk {
  readonly #memory = Buffer.alloc(SLOTS * MAX_PIECE_BYTES);
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, slot) => slot);
  readonly #permits = new Permits(SLOTS);

  /** Waits until there is room. */
  async take(): Promise<BulkSlot> {
    await this.#permits.acquire();
    const slot = this.#free.pop() ?? 0;
    const offset = slot * MAX_PIECE_BYTES;
    return {
      offset,
      bytes: this.#memory.subarray(offset, offset + MAX_PIECE_BYTES),
      release: () => {
        this.#free.push(slot);
        this.#permits.release();
      },
    };
  }

  /** The same memory as the guest's disk. */
  readonly device: ExportDevice = {
    sizeBytes: SLOTS * MAX_PIECE_BYTES,
    isReadOnly: false,
    // Not a copy: whoever fills a slot waits until the guest has read it.
    read: (offset, length) => [this.#memory.subarray(offset, offset + length)],
    write: (offset, data) => this.#memory.set(data, offset),
    zero: (offset, length) => void this.#memory.fill(0, offset, offset + length),
    trim: () => undefined,
    flush: () => undefined,
    metaContexts: ['base:allocation'],
    blockStatus: (_context, _offset, length) => [{ lengthBytes: length, flags: 0 }],
  };
}
