/** The moment of a snapshot: the disks are frozen, the change history closes an interval. */
import { ApiError } from '../../src/contract/errors.ts';
import type { DeviceId, SnapshotId } from '../../src/kernel/ids.ts';
import type { Json } from '../../src/kernel/journal.ts';
import { nextCheckpoint } from './cbt.ts';
import { freezeServer } from './views.ts';
import type { Snapshot } from './world-api.ts';
import type { ServerRecord, SnapshotDisk, SnapshotRecord, WorldState } from './world-state.ts';

export interface SnapshotWish {
  readonly name: string;
  readonly description: string;
  readonly type: Snapshot['type'];
  readonly isQuiesced: boolean;
}

/** @throws SNAPSHOT_LIMIT */
export function takeSnapshot(state: WorldState, server: ServerRecord, wish: SnapshotWish): SnapshotRecord {
  if (server.snapshots.size >= state.settings.snapshotLimit)
    throw new ApiError('SNAPSHOT_LIMIT', `${state.settings.snapshotLimit} snapshots`);
  const checkpointId = nextCheckpoint(server);
  const snapshot: SnapshotRecord = {
    ...wish,
    id: state.ids.uuid() as SnapshotId,
    serverId: server.id,
    status: 'creating',
    createdAtMs: state.agenda.now(),
    parentId: server.currentSnapshotId,
    isProtected: false,
    checkpointId,
    disks: freezeDisks(server),
    server: freezeServer(server),
    users: new Set(),
  };
  if (checkpointId !== 0) server.cbt.incId++;
  server.snapshots.set(snapshot.id, snapshot);
  server.currentSnapshotId = snapshot.id;
  noteSnapshot(state, snapshot, undefined, 'creating');
  return snapshot;
}

export function setSnapshotStatus(state: WorldState, snapshot: SnapshotRecord, to: Snapshot['status']): void {
  const from = snapshot.status;
  snapshot.status = to;
  noteSnapshot(state, snapshot, from, to);
}

export function noteSnapshot(
  state: WorldState,
  snapshot: SnapshotRecord,
  from: string | undefined,
  to: string,
  why?: string,
): void {
  state.journal.append({
    type: 'state',
    entity: 'snapshot',
    id: snapshot.id,
    ...(from !== undefined && { from }),
    to,
    server: snapshot.serverId,
    ...(why !== undefined && { why }),
    ...(from === undefined && { detail: detailOf(snapshot) }),
  });
}

/** What rules have to know of a snapshot, since answers that tell it are too long for the journal. */
function detailOf({ name, checkpointId, disks }: SnapshotRecord): Json {
  const frozen = Array.from(disks, ([id, { layer, changes }]) => ({
    id,
    bytes: layer.sizeBytes,
    cbt: changes === undefined ? 'off' : 'on',
  }));
  return { name, checkpointId, disks: frozen };
}

function freezeDisks(server: ServerRecord): ReadonlyMap<DeviceId, SnapshotDisk> {
  return new Map(
    server.disks.map((disk) => [
      disk.deviceId,
      {
        layer: disk.image.freeze(),
        changes: disk.changes?.freeze(),
        storageFile: disk.spec.storageFile,
      },
    ]),
  );
}
