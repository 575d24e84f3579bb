/**
 * Snapshots of servers: a tree of frozen disks.
 *
 * The content is that of the instant at which the create call takes effect; the task that follows only makes the
 * snapshot usable. Deleting one hands its children to its parent and frees what nobody else reaches.
 *
 * Invariants: `currentSnapshotId` names the snapshot that the live disks grew from, or nothing; every `parentId`
 * names an existing snapshot or nothing; a snapshot in use by a backup resource stays.
 *
 * @source SCP OpenAPI 6.11.1, snapshots; product documentation, snapshots
 * @fidelity documented; the instant of the content, refusal of protected ones and of running servers at recovery
 *   are assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { SnapshotId, TaskId } from '../../src/kernel/ids.ts';
import { countDifferences } from '../store/extent-differences.ts';
import { recoverSnapshot } from './recover-snapshot.ts';
import { refuseNoSnapshot, refuseOffline } from './storage-state.ts';
import { noteSnapshot, setSnapshotStatus, takeSnapshot } from './take-snapshot.ts';
import { viewSnapshot } from './views.ts';
import type { Snapshot, Snapshots, TaskAction } from './world-api.ts';
import {
  type ServerRecord,
  type SnapshotRecord,
  type WorldState,
  refuseBusy,
  serverOf,
} from './world-state.ts';

const MAX_TEXT_LENGTH = 90;

export function createSnapshots(state: WorldState): Snapshots {
  return {
    list(serverId) {
      const server = serverOf(state, serverId);
      return [...server.snapshots.values()].map((snapshot) => viewSnapshot(server, snapshot));
    },
    get(serverId, snapshotId) {
      const server = serverOf(state, serverId);
      return viewSnapshot(server, snapshotOf(server, snapshotId));
    },
    create(serverId, options) {
      const server = serverOf(state, serverId);
      checkText(options.name, options.description);
      const type = snapshotType(server, options.type);
      refuseBusy(server);
      refuseRestoreLock(server);
      refuseNoSnapshot(state, server);
      const isQuiesced = options.isQuiesced === true && server.vmtools === 1;
      const snapshot = takeSnapshot(state, server, { ...options, type, isQuiesced });
      const taskId = startTask(state, 'snapshot.create', server, snapshot, {
        finish: () => setSnapshotStatus(state, snapshot, 'normal'),
        undo: () => removeSnapshot(state, server, snapshot),
      });
      return { taskId, snapshotId: snapshot.id };
    },
    edit(serverId, snapshotId, change) {
      const server = serverOf(state, serverId);
      const snapshot = snapshotOf(server, snapshotId);
      checkText(change.name, change.description ?? '');
      refuseBusy(server);
      const finish = (): void => {
        snapshot.name = change.name;
        snapshot.description = change.description ?? snapshot.description;
        snapshot.isProtected = change.isProtected ?? snapshot.isProtected;
      };
      const taskId = startTask(state, 'snapshot.edit', server, snapshot, { finish });
      return { taskId };
    },
    delete: (serverId, snapshotIds) => deleteSnapshots(state, serverOf(state, serverId), snapshotIds),
    recover(serverId, snapshotId, options, actor) {
      const server = serverOf(state, serverId);
      return recoverSnapshot(state, server, snapshotOf(server, snapshotId), options, actor);
    },
  };
}

function deleteSnapshots(
  state: WorldState,
  server: ServerRecord,
  snapshotIds: readonly string[],
): { taskId: TaskId } {
  if (snapshotIds.length === 0) throw new ApiError('INVALID_PARAMETER', 'snapshot_ids');
  const doomed = [...new Set(snapshotIds)].map((id) => snapshotOf(server, id));
  for (const snapshot of doomed) refuseDelete(snapshot);
  refuseBusy(server);
  refuseOffline(state, server);
  const [first] = doomed;
  if (first === undefined) throw new ApiError('INVALID_PARAMETER', 'snapshot_ids');
  const mergeMs = mergeDurationMs(state, server, doomed);
  for (const snapshot of doomed) setSnapshotStatus(state, snapshot, 'deleting');
  const finish = (): void => {
    for (const snapshot of doomed) removeSnapshot(state, server, snapshot);
  };
  const undo = (): void => {
    for (const snapshot of doomed) setSnapshotStatus(state, snapshot, 'normal');
  };
  return { taskId: startTask(state, 'snapshot.delete', server, first, { finish, undo }, mergeMs) };
}

function refuseDelete(snapshot: SnapshotRecord): void {
  if (snapshot.isProtected) throw new ApiError('SNAPSHOT_PROTECTED', snapshot.name);
  if (snapshot.users.size > 0) throw new ApiError('SNAPSHOT_IN_USE', snapshot.name);
}

/** Merging copies what was written between the snapshot and whatever came after it. */
function mergeDurationMs(state: WorldState, server: ServerRecord, doomed: readonly SnapshotRecord[]): number {
  const { mergeBytesPerSecond, granularityBytes } = state.settings;
  if (mergeBytesPerSecond === 0) return 0;
  let blocks = 0;
  for (const snapshot of doomed) blocks += blocksSince(server, snapshot);
  return Math.ceil((blocks * granularityBytes * 1000) / mergeBytesPerSecond);
}

function blocksSince(server: ServerRecord, snapshot: SnapshotRecord): number {
  const child = [...server.snapshots.values()].find((candidate) => candidate.parentId === snapshot.id);
  let blocks = 0;
  for (const [deviceId, disk] of snapshot.disks) {
    const live = server.disks.find((candidate) => candidate.deviceId === deviceId)?.image.extents;
    const next = child?.disks.get(deviceId)?.layer.extents ?? live;
    if (next !== undefined) blocks += countDifferences(disk.layer.extents, next, 2 ** 32);
  }
  return blocks;
}

function removeSnapshot(state: WorldState, server: ServerRecord, snapshot: SnapshotRecord): void {
  server.snapshots.delete(snapshot.id);
  for (const child of server.snapshots.values())
    if (child.parentId === snapshot.id) child.parentId = snapshot.parentId;
  if (server.currentSnapshotId === snapshot.id) server.currentSnapshotId = snapshot.parentId;
  for (const disk of snapshot.disks.values()) disk.layer.release();
  noteSnapshot(state, snapshot, snapshot.status, 'deleted');
}

function startTask(
  state: WorldState,
  action: TaskAction,
  server: ServerRecord,
  snapshot: SnapshotRecord,
  work: { finish: () => void; undo?: () => void },
  extraMs = 0,
): TaskId {
  return state.tasks.start({
    action,
    objectType: 'snapshot',
    objectId: snapshot.id,
    objectName: snapshot.name,
    server,
    durationMs: state.settings.taskMs[action] + extraMs,
    ...work,
  });
}

function snapshotOf(server: ServerRecord, snapshotId: string): SnapshotRecord {
  const snapshot = server.snapshots.get(snapshotId as SnapshotId);
  if (snapshot === undefined) throw new ApiError('NOT_FOUND', `snapshot ${snapshotId}`);
  return snapshot;
}

/** @source SCP OpenAPI 6.11.1, create snapshot: "current" is reserved, 90 characters @fidelity documented */
function checkText(name: string, description: string): void {
  if (name === '' || name === 'current' || name.length > MAX_TEXT_LENGTH)
    throw new ApiError('INVALID_PARAMETER', 'name');
  if (description.length > MAX_TEXT_LENGTH) throw new ApiError('INVALID_PARAMETER', 'description');
}

/** @source product documentation: a server holds snapshots of one kind only @fidelity documented */
function snapshotType(server: ServerRecord, asked: string | undefined): Snapshot['type'] {
  const [existing] = server.snapshots.values();
  if (asked === undefined || asked === '') return existing?.type ?? 'external_qcow2';
  const type = parseType(asked);
  if (existing !== undefined && existing.type !== type)
    throw new ApiError('INVALID_PARAMETER', `snap_type: the server has ${existing.type} snapshots`);
  return type;
}

function parseType(asked: string): Snapshot['type'] {
  // Requests say `vs`, answers `VS`.
  switch (asked.toLowerCase()) {
    case 'vs':
      return 'VS';
    case 'qcow2':
      return 'qcow2';
    case 'external_qcow2':
      return 'external_qcow2';
    default:
      throw new ApiError('INVALID_PARAMETER', 'snap_type');
  }
}

function refuseRestoreLock(server: ServerRecord): void {
  if (server.holder?.type === 'restore') throw new ApiError('SERVER_LOCKED', server.name);
}
