/**
 * Recovery from a snapshot: the disks hold again what they held then.
 *
 * @source SCP OpenAPI 6.11.1, snapshot recovery; product documentation, CBT: the checkpoint is invalid afterwards
 * @fidelity documented; that the server must be off and that only the disks go back (not the configuration) is assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { TaskId } from '../../src/kernel/ids.ts';
import { expireCbt } from './cbt.ts';
import { hasClone, isLent } from './hot-added-disk.ts';
import { setServerStatus } from './power.ts';
import { setSnapshotStatus, takeSnapshot } from './take-snapshot.ts';
import { type ServerRecord, type SnapshotRecord, type WorldState, refuseBusy } from './world-state.ts';

/** @throws SERVER_BUSY, SNAPSHOT_IN_USE, SERVER_LOCKED, SERVER_STATE, DISK_ATTACHED, SNAPSHOT_LIMIT */
export function recoverSnapshot(
  state: WorldState,
  server: ServerRecord,
  snapshot: SnapshotRecord,
  options: { readonly backup: boolean; readonly powerOn: boolean },
  actor: string,
): { taskId: TaskId } {
  refuseBusy(server);
  if (hasClone(state, snapshot)) throw new ApiError('SNAPSHOT_IN_USE', snapshot.name);
  if (server.holder !== undefined) throw new ApiError('SERVER_LOCKED', server.name);
  if (server.status !== 'stopped') throw new ApiError('SERVER_STATE', server.status);
  if (isLent(state, server)) throw new ApiError('DISK_ATTACHED', `disks of ${server.name}`);
  const saved = options.backup ? takeSnapshot(state, server, rescueWish(state, snapshot)) : undefined;
  const taskId = state.tasks.start({
    action: 'snapshot.recovery',
    objectType: 'VM',
    objectId: server.id,
    objectName: server.name,
    server,
    durationMs: state.settings.taskMs['snapshot.recovery'],
    finish: () => {
      if (saved !== undefined) setSnapshotStatus(state, saved, 'normal');
      revertDisks(state, server, snapshot);
      expireCbt(state, server, `recovered from snapshot ${snapshot.name} by ${actor}`);
      if (options.powerOn) powerOn(state, server);
    },
    undo: () => saved && setSnapshotStatus(state, saved, 'normal'),
  });
  return { taskId };
}

function rescueWish(state: WorldState, snapshot: SnapshotRecord): Parameters<typeof takeSnapshot>[2] {
  return {
    name: `before-recovery-${state.ids.hex(8)}`,
    description: '',
    type: snapshot.type,
    isQuiesced: false,
  };
}

function revertDisks(state: WorldState, server: ServerRecord, snapshot: SnapshotRecord): void {
  for (const disk of server.disks) {
    const then = snapshot.disks.get(disk.deviceId);
    if (then === undefined) continue;
    disk.image.revertTo(then.layer);
    state.journal.append({
      type: 'state',
      entity: 'disk',
      id: disk.spec.uuid,
      to: 'reverted',
      server: server.id,
      detail: { device: disk.deviceId, snapshot: snapshot.id },
    });
  }
  server.currentSnapshotId = snapshot.id;
  server.isRestoreIncomplete = snapshot.server.isRestoreIncomplete;
}

function powerOn(state: WorldState, server: ServerRecord): void {
  if (server.isRestoreIncomplete) throw new ApiError('RESTORE_INCOMPLETE', server.name);
  setServerStatus(state, server, 'running', 'powered on after recovery');
}
