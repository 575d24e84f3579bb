/** Snapshots as the API shows them: list and detail differ in types and in the shape of the time. */
import type { SnapshotDetail, SnapshotListItem } from '../../../src/contract/schemas/snapshots.ts';
import { formatUtc, formatWithOffset } from '../../../src/contract/timestamps.ts';
import type { Snapshot, World } from '../../domain/world-api.ts';
import { vmconf } from './vmconf-view.ts';

export const snapshotItem = (snapshot: Snapshot): SnapshotListItem => ({
  id: snapshot.id,
  name: snapshot.name,
  description: snapshot.description,
  created_at: formatUtc(snapshot.createdAtMs),
  type: snapshot.type,
  status: snapshot.status,
  parent_id: snapshot.parentId,
  is_latest: snapshot.isLatest ? 1 : 0,
  is_protected: snapshot.isProtected ? 1 : 0,
  quiesced: snapshot.isQuiesced ? 1 : 0,
  disks: snapshot.disks.map(({ storageFile, sizeBytes }) => ({
    id: storageFile.slice(storageFile.indexOf(':') + 1),
    size: sizeBytes,
    type: 'qcow2',
  })),
});

export const snapshotDetail = (world: World, snapshot: Snapshot): SnapshotDetail => ({
  id: snapshot.id,
  name: snapshot.name,
  description: snapshot.description,
  checkpoint_id: String(snapshot.checkpointId),
  created_at: formatWithOffset(snapshot.createdAtMs),
  is_protected: snapshot.isProtected,
  type: snapshot.type,
  vmconf: vmconf(world, snapshot.server),
});
