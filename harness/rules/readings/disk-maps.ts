/** What the platform said of the content of disks, and which disks a snapshot has. */
import type { AreaWalk, Observation, ResourceLife } from '../observation.ts';
import { listOf, numberOf } from '../read-json.ts';
import type { Attempt } from './attempts.ts';
import { type DiskIo, diskIoOf, WRITES } from './disk-io.ts';
import { type Range, rangeOf } from './ranges.ts';

/** Changed areas that the engine was told; `undefined` where it was not told all, or the journal does not say. */
export function areasOf({ queries, diskBytes }: AreaWalk): readonly Range[] | undefined {
  const areas: Range[] = [];
  let covered = 0;
  for (const { page, call } of queries) {
    if (page === undefined) continue;
    for (const area of listOf(call.reply?.data, 'changed_area')) {
      const length = numberOf(area, 'length') ?? 0;
      areas.push(rangeOf(numberOf(area, 'start') ?? 0, length));
    }
    covered = Math.max(covered, page.startOffset + page.length);
  }
  if (diskBytes === undefined || covered < diskBytes) return undefined;
  return areas.map(({ start, end }) => ({ start, end: Math.min(end, diskBytes) }));
}

/** The last walk over a disk by which an attempt was guided. */
export function walkOf(
  { walks }: Observation,
  { job }: Attempt,
  snapshot: string,
  disk: string,
): AreaWalk | undefined {
  const until = job.end?.n ?? Number.POSITIVE_INFINITY;
  return walks.findLast(
    (walk) => walk.snapshot === snapshot && walk.disk === disk && walk.n > job.n && walk.n < until,
  );
}

export interface SnapshotDiskOf {
  readonly attempt: Attempt;
  readonly disk: string;
  readonly bytes: number;
  readonly isTracked: boolean;
}

/** The disks of the snapshots from which attempts were made that count. */
export function disksBackedUp(seen: Observation, attempts: readonly Attempt[]): readonly SnapshotDiskOf[] {
  return attempts
    .filter(({ counts, job }) => counts && job.operation === 'backup')
    .flatMap((attempt) => {
      const snapshot = seen.snapshots.find(({ id }) => id === attempt.resource.snapshot);
      return (snapshot?.disks ?? []).map(({ id, bytes, isTracked }) => ({
        attempt,
        disk: id,
        bytes,
        isTracked,
      }));
    });
}

export function ioUnder(seen: Observation, { id }: ResourceLife, device: string): readonly DiskIo[] {
  return diskIoOf(seen).filter((io) => io.resource === id && io.device === device);
}

/** Ranges of the disk that were read with success, or whose allocation was. */
export function rangesLookedAt(io: readonly DiskIo[]): readonly Range[] {
  return io
    .filter(({ command, error }) => error === 0 && (command === 'READ' || command === 'BLOCK_STATUS'))
    .map(({ range }) => range);
}

/** Ranges that were written with success, or found to hold what they had to. */
export function rangesSettled(io: readonly DiskIo[]): readonly Range[] {
  return io
    .filter(({ command, error }) => error === 0 && (WRITES.has(command) || command === 'BLOCK_STATUS'))
    .map(({ range }) => range);
}
