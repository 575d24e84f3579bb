/**
 * Changed-block tracking of a server: which disks keep a history, and which checkpoints it still answers for.
 *
 * The intuition: a server counts snapshot intervals (`inc_id`) within a version (`version_id`). A disk's history
 * begins when CBT is enabled on it or reset; a checkpoint from before that says nothing about the disk. A revert or a
 * restore makes the history worthless until a reset.
 *
 * Invariants: all disks of a server share the counters, so one checkpoint stands for the whole snapshot; a checkpoint
 * is never issued twice with another meaning.
 *
 * @source product documentation, CBT chapters; on-host CBT records of HCI 6.12 (formula)
 * @fidelity formula observed; growth rules assumed: an interval per snapshot, a version per reset and per enabling
 *   after all disks were off
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { DeviceId } from '../../src/kernel/ids.ts';
import { ChangedBlocks, checkpointId } from '../store/changed-blocks.ts';
import { answerChangedAreas } from './changed-areas.ts';
import type { VirtualDisk } from './virtual-disk.ts';
import type { Cbt, CbtStatus } from './world-api.ts';
import { type ServerRecord, type WorldState, diskOf, refuseBusy, serverOf } from './world-state.ts';

type CbtChange = 'enable' | 'disable' | 'reset';

export function createCbt(state: WorldState): Cbt {
  return {
    status: (serverId) => viewCbt(serverOf(state, serverId)),
    set(serverId, type, deviceIds, actor) {
      const server = serverOf(state, serverId);
      const disks = chosenDisks(server, type, deviceIds);
      refuseBusy(server);
      const taskId = state.tasks.start({
        action: 'cbt.set',
        objectType: 'VM',
        objectId: server.id,
        objectName: server.name,
        server,
        durationMs: state.settings.taskMs['cbt.set'],
        finish: () => changeCbt(state, server, type, disks, `${type} by ${actor}`),
      });
      return { taskId };
    },
    changedAreas: (serverId, query) => answerChangedAreas(state.settings, serverOf(state, serverId), query),
    expire: (serverId, why) => expireCbt(state, serverOf(state, serverId), why),
  };
}

/** The history of every tracked disk is worthless from now on. */
export function expireCbt(state: WorldState, server: ServerRecord, why: string): void {
  const live = server.disks.filter((disk) => disk.changes !== undefined && !disk.changes.isExpired);
  for (const disk of live) disk.changes?.expire();
  if (live.length > 0) noteCbt(state, server, 'expired', live, why);
}

/** Starts a history on disks that have none, or a new one on those that have. */
export function beginHistory(server: ServerRecord, disks: readonly VirtualDisk[]): void {
  const { cbt } = server;
  if (server.disks.every((disk) => disk.changes === undefined)) beginVersion(server);
  for (const disk of disks) disk.changes = new ChangedBlocks(++cbt.era, cbt.versionId, cbt.incId);
}

/** The checkpoint that a snapshot taken now gets; 0 when no disk is tracked. */
export function nextCheckpoint(server: ServerRecord): number {
  const isTracked = server.disks.some((disk) => disk.changes !== undefined);
  return isTracked ? checkpointId(server.cbt.versionId, server.cbt.incId) : 0;
}

function beginVersion(server: ServerRecord): void {
  server.cbt.versionId++;
  server.cbt.incId = 1;
}

function chosenDisks(
  server: ServerRecord,
  type: CbtChange,
  deviceIds: readonly string[] | undefined,
): readonly VirtualDisk[] {
  // @source SCP OpenAPI 6.11.1, cbt/status: disk_ids is ignored for reset @fidelity documented
  if (type === 'reset' || deviceIds === undefined) return server.disks;
  return deviceIds.map((deviceId) => diskOf(server, deviceId));
}

function changeCbt(
  state: WorldState,
  server: ServerRecord,
  type: CbtChange,
  disks: readonly VirtualDisk[],
  why: string,
): void {
  switch (type) {
    case 'enable':
      return enable(state, server, disks, why);
    case 'disable':
      return disable(state, server, disks, why);
    case 'reset':
      return reset(state, server, why);
  }
}

function enable(state: WorldState, server: ServerRecord, disks: readonly VirtualDisk[], why: string): void {
  const untracked = disks.filter((disk) => disk.changes === undefined);
  if (untracked.length === 0) return;
  beginHistory(server, untracked);
  noteCbt(state, server, 'enabled', untracked, why);
}

function disable(state: WorldState, server: ServerRecord, disks: readonly VirtualDisk[], why: string): void {
  const tracked = disks.filter((disk) => disk.changes !== undefined);
  for (const disk of tracked) disk.changes = undefined;
  if (tracked.length > 0) noteCbt(state, server, 'disabled', tracked, why);
}

function reset(state: WorldState, server: ServerRecord, why: string): void {
  const tracked = server.disks.filter((disk) => disk.changes !== undefined);
  if (tracked.length === 0) throw new ApiError('CBT_DISABLED', server.name);
  beginVersion(server);
  beginHistory(server, tracked);
  noteCbt(state, server, 'reset', tracked, why);
}

function noteCbt(
  state: WorldState,
  server: ServerRecord,
  to: 'enabled' | 'disabled' | 'reset' | 'expired',
  disks: readonly VirtualDisk[],
  why: string,
): void {
  state.journal.append({
    type: 'state',
    entity: 'cbt',
    id: server.id,
    to,
    server: server.id,
    why,
    detail: { versionId: server.cbt.versionId, devices: disks.map((disk): DeviceId => disk.deviceId) },
  });
}

function viewCbt(server: ServerRecord): CbtStatus {
  const disks = server.disks.map((disk) => ({
    deviceId: disk.deviceId,
    isEnabled: disk.changes !== undefined,
  }));
  return { serverId: server.id, isEnabled: disks.some((disk) => disk.isEnabled), disks };
}
