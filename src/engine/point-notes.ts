/** What the engine remembers with a restore point: what an incremental or a restore needs of it. */
import type { Json } from '../kernel/journal.ts';
import type { Transport } from './engine-api.ts';

export interface PointNotes {
  readonly snapshotId: string;
  /** 0 when changes were not tracked. */
  readonly checkpointId: number;
  /** Disks whose changes since `checkpointId` can be asked for. */
  readonly trackedDisks: readonly string[];
  readonly transport: Transport;
  /** It was to be compared with its source after the commit; it counts for nothing before that is done. */
  readonly isToBeVerified?: true;
  readonly poolId: string;
  /** The server's configuration at the snapshot, as the platform gave it. */
  readonly vmconf: { readonly [key: string]: Json };
}

export function writePointNotes(notes: PointNotes): { readonly [key: string]: Json } {
  return { version: 1, ...(notes as unknown as { readonly [key: string]: Json }) };
}

/** `undefined` when the point was made by something else, or by a newer version. */
export function readPointNotes(engine: { readonly [key: string]: Json }): PointNotes | undefined {
  const { version, snapshotId, checkpointId, trackedDisks, vmconf } = engine;
  const isMine =
    version === 1 &&
    typeof snapshotId === 'string' &&
    typeof checkpointId === 'number' &&
    Array.isArray(trackedDisks) &&
    typeof vmconf === 'object' &&
    vmconf !== null;
  return isMine ? (engine as unknown as PointNotes) : undefined;
}

/** `checkpoint_id = version * 2^32 + increment`. @fidelity observed */
export function versionOfCheckpoint(checkpointId: number): number {
  return Math.floor(checkpointId / 2 ** 32);
}
