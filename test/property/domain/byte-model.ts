/**
 * What a server's disks must hold, told the simplest way: whole copies of arrays.
 *
 * It shares no code with the domain. Synthetic content is the one thing that it takes over (it reads it back once),
 * because nobody can guess it.
 */
import type { World } from '../../../simulator/domain/world-api.ts';

export interface ModelDisk {
  readonly deviceId: string;
  bytes: Uint8Array;
  /** Per block: it takes space. */
  allocated: boolean[];
  /** Blocks touched, by the number of snapshots that existed before. */
  touched: { readonly block: number; readonly interval: number }[];
  /** Raised by every enabling and reset; 0 while CBT is off. */
  epoch: number;
  isExpired: boolean;
}

export interface ModelSnapshot {
  readonly id: string;
  readonly interval: number;
  readonly checkpointId: number;
  readonly disks: ReadonlyMap<string, { bytes: Uint8Array; allocated: boolean[]; epoch: number }>;
}

export class ByteModel {
  readonly disks: ModelDisk[];
  /** Also the deleted ones: their checkpoints stay good. */
  readonly history: ModelSnapshot[] = [];
  readonly #grain: number;
  #epochs = 0;

  constructor(sizes: Readonly<Record<string, number>>, grain: number) {
    this.#grain = grain;
    this.disks = Object.entries(sizes).map(([deviceId, size]) => ({
      deviceId,
      bytes: new Uint8Array(size),
      allocated: Array.from({ length: Math.ceil(size / grain) }, () => false),
      touched: [],
      epoch: 0,
      isExpired: false,
    }));
  }

  write(disk: ModelDisk, offset: number, data: Uint8Array): void {
    disk.bytes.set(data, offset);
    for (let block = 0; block < disk.allocated.length; block++)
      if (data.length > 0 && block * this.#grain < offset + data.length && (block + 1) * this.#grain > offset)
        this.#touch(disk, block, true);
  }

  trim(disk: ModelDisk, offset: number, length: number): void {
    for (let block = 0; block < disk.allocated.length; block++) {
      const start = block * this.#grain;
      const end = Math.min(start + this.#grain, disk.bytes.length);
      if (start < offset || end > offset + length) continue;
      disk.bytes.fill(0, start, end);
      this.#touch(disk, block, false);
    }
  }

  snapshot(id: string, checkpointId: number): void {
    const disks = new Map(
      this.disks.map((disk) => [
        disk.deviceId,
        { bytes: disk.bytes.slice(), allocated: disk.allocated.slice(), epoch: disk.epoch },
      ]),
    );
    this.history.push({ id, interval: this.history.length, checkpointId, disks });
  }

  revert(snapshot: ModelSnapshot): void {
    for (const disk of this.disks) {
      const then = snapshot.disks.get(disk.deviceId);
      if (then === undefined) continue;
      disk.bytes = then.bytes.slice();
      disk.allocated = then.allocated.slice();
      disk.isExpired = disk.epoch !== 0;
    }
  }

  enable(disks: readonly ModelDisk[]): void {
    for (const disk of disks) if (disk.epoch === 0) this.#restart(disk);
  }

  disable(disks: readonly ModelDisk[]): void {
    for (const disk of disks) disk.epoch = 0;
  }

  reset(): void {
    for (const disk of this.disks) if (disk.epoch !== 0) this.#restart(disk);
  }

  /** The blocks that the query must name, or the error that it must answer. */
  changed(disk: ModelDisk, to: ModelSnapshot, from: ModelSnapshot | undefined): boolean[] | string {
    const then = to.disks.get(disk.deviceId);
    if (disk.epoch === 0 || then === undefined || then.epoch === 0) return 'CBT_DISABLED';
    if (disk.isExpired) return 'CBT_EXPIRED';
    if (from === undefined || from.checkpointId === 0) return then.allocated;
    if (then.epoch !== disk.epoch) return 'CBT_EXPIRED';
    if (from.interval > to.interval) return 'CBT_BAD_CHECKPOINT';
    if (from.disks.get(disk.deviceId)?.epoch !== disk.epoch) return 'CBT_EXPIRED';
    const blocks = disk.allocated.map(() => false);
    for (const { block, interval } of disk.touched)
      if (interval > from.interval && interval <= to.interval) blocks[block] = true;
    return blocks;
  }

  #restart(disk: ModelDisk): void {
    disk.epoch = ++this.#epochs;
    disk.isExpired = false;
  }

  #touch(disk: ModelDisk, block: number, isAllocated: boolean): void {
    disk.allocated[block] = isAllocated;
    disk.touched.push({ block, interval: this.history.length });
  }
}

/** All pages of a changed-areas query as blocks, or the code of its error. Checks the shape of every page. */
export function askChanged(
  world: World,
  query: { serverId: string; deviceId: string; snapshotId: string; checkpointId: number },
  sizeBytes: number,
): boolean[] | string {
  const grain = world.settings.granularityBytes;
  const blocks = Array.from({ length: Math.ceil(sizeBytes / grain) }, () => false);
  let last = -1;
  try {
    for (let at = 0; at < sizeBytes; ) {
      const page = world.cbt.changedAreas(query.serverId, { ...query, startOffset: at });
      if (page.length <= 0 || page.startOffset !== at) return 'a page that does not advance';
      if (page.areas.length > world.settings.changedAreasPerPage) return 'a page with too many areas';
      for (const area of page.areas) {
        const end = area.start + area.length;
        const isCut = end === sizeBytes || end % grain === 0;
        if (area.start % grain !== 0 || !isCut || area.length <= 0) return 'an area out of shape';
        if (area.start < last || area.start < at || end > at + page.length) return 'areas out of order';
        if (area.start === last && last !== at) return 'areas that touch within a page';
        for (let block = area.start / grain; block < Math.ceil(end / grain); block++) blocks[block] = true;
        last = end;
      }
      at += page.length;
    }
    return blocks;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
