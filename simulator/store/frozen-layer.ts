/** A disk as it was at one moment, and what a live disk and a frozen one have in common. */
import { type ContentSource, readPieces } from './content-reader.ts';
import { ALLOCATED_ZERO, HOLE } from './content-value.ts';
import type { FrozenExtents } from './extent-map.ts';

export type AllocationKind = 'data' | 'zero' | 'hole';

/** What can be read of a disk or of a frozen layer. */
export interface DiskContent {
  readonly sizeBytes: number;
  /** What the blocks hold, for allocation and differences; values are opaque but for `allocationOf`. */
  readonly extents: FrozenExtents;
  read(offset: number, length: number): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
}

export function allocationOf(value: number): AllocationKind {
  return value === HOLE ? 'hole' : value === ALLOCATED_ZERO ? 'zero' : 'data';
}

/** A disk as it was. */
export class FrozenLayer implements DiskContent {
  readonly source: ContentSource;

  constructor(source: ContentSource) {
    this.source = source;
  }

  get sizeBytes(): number {
    return this.source.sizeBytes;
  }

  get extents(): FrozenExtents {
    return this.source.map;
  }

  read(offset: number, length: number): readonly Uint8Array[] | Promise<readonly Uint8Array[]> {
    return readPieces(this.source, offset, length, false);
  }

  /** Frees what only this layer reached. Pieces read before stay valid. */
  release(): void {
    this.source.pool.drop(this.source.map);
  }
}
