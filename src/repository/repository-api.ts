/**
 * What the engines and the CLI ask of a repository of restore points.
 *
 * A restore point is always a complete image: an incremental references the unchanged chunks of its base.
 */
import type { Json } from '../kernel/journal.ts';

export interface PointDiskInfo {
  /** `ide0`, `virtio1`. */
  readonly deviceId: string;
  readonly sizeBytes: number;
}

/** What identifies a restore point and what an engine must remember with it. */
export interface PointInfo {
  /** Sorts by time: `20260203T040506Z-<8 hex>`. */
  readonly id: string;
  readonly serverId: string;
  readonly serverName: string;
  /** ms since the epoch, on the engine's clock. */
  readonly createdAtMs: number;
  readonly kind: 'full' | 'incremental';
  readonly baseId?: string;
  readonly disks: readonly PointDiskInfo[];
  /** Whatever the engine wants back at the next backup or restore: checkpoint, vmconf, transport, CBT per disk. */
  readonly engine: { readonly [key: string]: Json };
}

/** Who writes the point; see `PointInfo`. */
export interface NewPoint {
  readonly serverId: string;
  readonly serverName: string;
  readonly kind: 'full' | 'incremental';
  readonly baseId?: string;
  readonly disks: readonly PointDiskInfo[];
}

/** A point under construction. Nothing of it is visible before `commit`. */
export interface PointWriter {
  /**
   * Takes bytes of one disk. Ranges may come in any order, from several calls at once, and need not be aligned to
   * chunks; what is never written reads as the base's bytes (incremental) or as zeros (full). Zero ranges cost
   * nothing. Resolves when the writer can take more (backpressure), not when the bytes are stored.
   */
  write(deviceId: string, offset: number, data: Uint8Array): Promise<void>;
  /** The range reads as zeros. */
  writeZeros(deviceId: string, offset: number, length: number): Promise<void>;
  /**
   * Makes the point durable: all chunks first, the manifest last (temporary, sync, rename, sync of the folder).
   * After it resolves the point survives a power cut; when it rejects there is no point.
   */
  commit(engine: { readonly [key: string]: Json }): Promise<PointInfo>;
  /** Forgets the point; its chunks are swept by the next prune. */
  abort(): Promise<void>;
}

export interface PointReader {
  readonly info: PointInfo;
  /**
   * Bytes of a range, not to be written to; holes read as zeros.
   * @throws CorruptChunk when stored bytes do not match their hash
   */
  read(deviceId: string, offset: number, length: number): Promise<Uint8Array>;
  /** Data ranges of a disk, sorted, merged, chunk-granular; everything else is zeros. */
  dataRanges(deviceId: string): readonly { readonly offset: number; readonly length: number }[];
}

export interface VerifyReport {
  readonly points: readonly {
    readonly id: string;
    readonly chunks: number;
    readonly bytes: number;
    readonly problems: readonly string[];
  }[];
}

export interface PruneReport {
  readonly removedPoints: readonly string[];
  readonly removedChunks: number;
  readonly freedBytes: number;
  readonly keptPoints: number;
  /** Writers at work, because of which no chunk was swept; the next prune does it. Absent when the sweep took place. */
  readonly sweepPostponedBy?: readonly string[];
}

export interface Repository {
  /** All committed points, oldest first; rebuilt from the manifests, so a lost catalog costs nothing. */
  points(): Promise<readonly PointInfo[]>;
  /** The youngest committed point of a server. */
  latest(serverId: string): Promise<PointInfo | undefined>;
  begin(point: NewPoint): Promise<PointWriter>;
  /** @throws PointNotFound */
  open(pointId: string): Promise<PointReader>;
  /** Reads every chunk and compares with its hash. */
  verify(pointIds?: readonly string[]): Promise<VerifyReport>;
  /** Removes all but the youngest `keepLast` points of every server and every chunk that nobody references. */
  prune(options: { keepLast: number }): Promise<PruneReport>;
  /** Small engine notes that are not restore points (what a run has created), one JSON document per key, durable. */
  readNote(key: string): Promise<Json | undefined>;
  writeNote(key: string, value: Json): Promise<void>;
  removeNote(key: string): Promise<void>;
  noteKeys(): Promise<readonly string[]>;
}
