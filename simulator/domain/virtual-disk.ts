/** One disk of a server: its place, its content and, while CBT is on, its change history. */
import type { DatastoreId, DeviceId } from '../../src/kernel/ids.ts';
import { createRng } from '../../src/kernel/rng.ts';
import type { BaseImage } from '../store/base-image.ts';
import type { ChangedBlocks } from '../store/changed-blocks.ts';
import { DiskImage } from '../store/disk-image.ts';
import type { DiskContentSpec } from './inventory.ts';
import type { ServerDisk } from './world-api.ts';

export interface VirtualDiskSpec {
  readonly deviceId: DeviceId;
  readonly uuid: string;
  readonly sizeBytes: number;
  readonly datastoreId: DatastoreId;
  readonly preallocate: 'off' | 'metadata' | 'full';
  readonly storageFile: string;
  readonly content: DiskContentSpec;
}

/** More runs than this are made longer instead: what a world begins with must not cost a second. */
const MAX_INITIAL_RUNS = 65_536;

export class VirtualDisk {
  readonly spec: VirtualDiskSpec;
  /** Absent while CBT is off. */
  changes: ChangedBlocks | undefined;
  /** As others see it; made when somebody looks. */
  view: ServerDisk | undefined;
  readonly #blockBytes: number;
  readonly #worldSeed: string;
  readonly #openBase: (file: string) => BaseImage;
  #image: DiskImage | undefined;

  constructor(
    spec: VirtualDiskSpec,
    blockBytes: number,
    worldSeed: string,
    openBase: (file: string) => BaseImage,
  ) {
    this.spec = spec;
    this.#blockBytes = blockBytes;
    this.#worldSeed = worldSeed;
    this.#openBase = openBase;
  }

  get deviceId(): DeviceId {
    return this.spec.deviceId;
  }

  /** Made at first use: most disks of a big world are only ever listed. */
  get image(): DiskImage {
    this.#image ??= this.#createImage();
    return this.#image;
  }

  /** Bytes of allocated blocks; a disk that nobody touched yet tells what it is specified to hold. */
  get allocatedBytes(): number {
    const { content, sizeBytes } = this.spec;
    if (this.#image === undefined && content.kind === 'empty') return 0;
    if (this.#image === undefined && content.kind === 'image') return sizeBytes;
    return this.image.allocatedBytes;
  }

  /** As `allocatedBytes`, without making the image for it. */
  get usedBytesEstimate(): number {
    const { content, sizeBytes, preallocate } = this.spec;
    if (preallocate === 'full') return sizeBytes;
    if (this.#image !== undefined || content.kind !== 'synthetic') return this.allocatedBytes;
    return Math.round(sizeBytes * content.allocatedRatio);
  }

  release(): void {
    this.#image?.release();
  }

  #createImage(): DiskImage {
    const { sizeBytes, content, uuid } = this.spec;
    const rng = createRng(`${this.#worldSeed}/disk/${uuid}`);
    const image = new DiskImage({
      sizeBytes,
      blockBytes: this.#blockBytes,
      seed: (rng.u32() % 2 ** 21) * 2 ** 32 + rng.u32(),
      base: content.kind === 'image' ? this.#openBase(content.file) : undefined,
      onChanged: (first, count) => this.changes?.mark(first, count),
    });
    if (content.kind === 'synthetic')
      image.seedSynthetic(initialRuns(image.blockCount, content, this.#blockBytes, rng.float));
    return image;
  }
}

/** Runs of allocated blocks that together make up about the wanted share of the disk. */
function* initialRuns(
  blockCount: number,
  content: { readonly allocatedRatio: number; readonly runBytes: number },
  blockBytes: number,
  random: () => number,
): IterableIterator<{ start: number; count: number }> {
  const ratio = Math.min(Math.max(content.allocatedRatio, 0), 1);
  if (ratio === 0) return;
  const wanted = Math.max(content.runBytes / blockBytes, 1, (blockCount * ratio) / MAX_INITIAL_RUNS);
  const gap = (wanted * (1 - ratio)) / ratio;
  let owed = 0;
  for (let at = 0; at < blockCount; ) {
    // A gap of less than a block is owed to the next one, so that the share comes out right for short runs too.
    owed += random() * 2 * gap;
    const skip = Math.floor(owed);
    owed -= skip;
    const start = at + skip;
    const count = Math.min(Math.max(1, Math.round(random() * 2 * wanted)), blockCount - start);
    if (count > 0) yield { start, count };
    at = start + Math.max(count, 1);
  }
}
