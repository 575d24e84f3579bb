/**
 * The changed-areas query: which parts of a snapshot's disk differ from an earlier checkpoint.
 *
 * Answers come in pages: each covers a range of the disk from the asked offset on and says how much it covers; the
 * next query starts at their sum. Areas are absolute, sorted, merged, made of whole blocks (the last one is cut at
 * the end of the disk).
 *
 * @source SCP OpenAPI 6.11.1, changed-areas; product documentation, CBT
 * @fidelity documented; the meaning of `length`, the page size and the errors except the expired one are assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { DeviceId, SnapshotId } from '../../src/kernel/ids.ts';
import { type FrozenChanges, checkpointId, splitCheckpoint } from '../store/changed-blocks.ts';
import type { ChangedAreas, WorldSettings } from './world-api.ts';
import { type ServerRecord, type SnapshotDisk, diskOf } from './world-state.ts';

export interface ChangedAreasQuery {
  readonly deviceId: string;
  readonly snapshotId: string;
  readonly checkpointId: number;
  readonly startOffset: number;
}

/** At most so many checkpoints are offered as NBD dirty bitmaps; the newest. */
const MAX_LISTED_CHECKPOINTS = 64;

/** @throws CBT_EXPIRED, CBT_DISABLED, CBT_BAD_CHECKPOINT, CBT_BAD_OFFSET, UNKNOWN_DISK, UNKNOWN_SNAPSHOT */
export function answerChangedAreas(
  settings: WorldSettings,
  server: ServerRecord,
  query: ChangedAreasQuery,
): ChangedAreas {
  const disk = snapshotDisk(server, query.snapshotId, query.deviceId);
  const { sizeBytes } = disk.layer;
  const { startOffset } = query;
  if (!Number.isSafeInteger(startOffset) || startOffset < 0 || startOffset > sizeBytes)
    throw new ApiError('CBT_BAD_OFFSET', `start_offset ${startOffset}, disk size ${sizeBytes}`);
  refuseCheckpoint(server, query.deviceId, disk.changes, query.checkpointId);
  return collectAreas(settings, disk, query.checkpointId, startOffset);
}

/** Sees the block ranges that changed since `checkpoint`, in order; neighbours may touch. 0 sees all allocated ones. */
export function visitChanged(
  disk: SnapshotDisk,
  checkpoint: number,
  fromBlock: number,
  toBlock: number,
  see: (start: number, end: number) => boolean,
): void {
  if (checkpoint === 0) {
    disk.layer.extents.visit(fromBlock, toBlock, see);
    return;
  }
  const { incId } = splitCheckpoint(checkpoint);
  disk.changes?.marks.visit(fromBlock, toBlock, (start, end, mark) => mark <= incId || see(start, end));
}

/** Checkpoints older than the snapshot that its disk can be compared with, oldest first. */
export function validCheckpoints(server: ServerRecord, deviceId: DeviceId, disk: SnapshotDisk): number[] {
  const { changes } = disk;
  const live = server.disks.find((candidate) => candidate.deviceId === deviceId)?.changes;
  if (changes === undefined || live === undefined || live.isExpired || live.era !== changes.era) return [];
  const first = Math.max(changes.firstIncId, changes.incId - MAX_LISTED_CHECKPOINTS);
  return Array.from({ length: changes.incId - first }, (_, at) =>
    checkpointId(changes.versionId, first + at),
  );
}

function snapshotDisk(server: ServerRecord, snapshotId: string, deviceId: string): SnapshotDisk {
  const snapshot = server.snapshots.get(snapshotId as SnapshotId);
  if (snapshot?.status !== 'normal') throw new ApiError('UNKNOWN_SNAPSHOT', snapshotId);
  const disk = snapshot.disks.get(deviceId as DeviceId);
  if (disk === undefined) throw new ApiError('UNKNOWN_DISK', deviceId);
  return disk;
}

function refuseCheckpoint(
  server: ServerRecord,
  deviceId: string,
  taken: FrozenChanges | undefined,
  checkpoint: number,
): void {
  const live = diskOf(server, deviceId).changes;
  if (live === undefined || taken === undefined) throw new ApiError('CBT_DISABLED', deviceId);
  // Even checkpoint 0 is refused until the reset: the message asks for it, and nothing else cures it.
  if (live.isExpired) throw new ApiError('CBT_EXPIRED');
  if (checkpoint === 0) return;
  if (!Number.isSafeInteger(checkpoint) || checkpoint < 0) throw badCheckpoint(checkpoint);
  const { versionId, incId } = splitCheckpoint(checkpoint);
  if (versionId === 0 || incId === 0 || versionId > server.cbt.versionId) throw badCheckpoint(checkpoint);
  if (versionId < live.versionId || taken.era !== live.era) throw new ApiError('CBT_EXPIRED');
  if (incId > taken.incId) throw badCheckpoint(checkpoint);
  if (incId < taken.firstIncId) throw new ApiError('CBT_EXPIRED');
}

function badCheckpoint(checkpoint: number): ApiError {
  return new ApiError('CBT_BAD_CHECKPOINT', `checkpoint_id ${checkpoint}`);
}

function collectAreas(
  settings: WorldSettings,
  disk: SnapshotDisk,
  checkpoint: number,
  startOffset: number,
): ChangedAreas {
  const grain = settings.granularityBytes;
  const { sizeBytes } = disk.layer;
  const blockCount = Math.ceil(sizeBytes / grain);
  // At the end of a disk of odd size there is nothing left, not the rest of the last block.
  const fromBlock = startOffset === sizeBytes ? blockCount : Math.floor(startOffset / grain);
  const coverBlocks = Math.floor(settings.changedAreasCoverBytes / grain);
  let toBlock = Math.min(fromBlock + coverBlocks, blockCount);
  const areas: { start: number; length: number }[] = [];
  let openStart = -1;
  let openEnd = -1;
  const close = (): void => {
    if (openStart < 0) return;
    const start = openStart * grain;
    areas.push({ start, length: Math.min(openEnd * grain, sizeBytes) - start });
  };
  visitChanged(disk, checkpoint, fromBlock, toBlock, (start, end) => {
    if (start === openEnd) {
      openEnd = end;
      return true;
    }
    close();
    openStart = -1;
    if (areas.length === settings.changedAreasPerPage) {
      toBlock = start;
      return false;
    }
    openStart = start;
    openEnd = end;
    return true;
  });
  close();
  return { startOffset, length: Math.min(toBlock * grain, sizeBytes) - startOffset, areas };
}
