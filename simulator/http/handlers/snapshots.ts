import { ApiError } from '../../../src/contract/errors.ts';
import type { Snapshot, World } from '../../domain/world-api.ts';
import type { HandlersOf } from '../call.ts';
import { snapshotDetail, snapshotItem } from '../views/snapshot-view.ts';
import { isSet } from './switches.ts';

const RESERVED_NAME = 'current';

/** @throws INVALID_PARAMETER */
function snapshotName(name: string): string {
  if (name === RESERVED_NAME) throw new ApiError('INVALID_PARAMETER', `name: "${RESERVED_NAME}" is reserved`);
  return name;
}

/** The HCI path names no server. */
function findSnapshot(world: World, serverId: string | undefined, snapshotId: string): Snapshot {
  if (serverId !== undefined) return world.snapshots.get(serverId, snapshotId);
  for (const { id } of world.servers.list()) {
    const snapshot = world.snapshots.list(id).find((one) => one.id === snapshotId);
    if (snapshot !== undefined) return snapshot;
  }
  throw new ApiError('NOT_FOUND', snapshotId);
}

export const SNAPSHOT_HANDLERS: HandlersOf<
  | 'snapshots.create'
  | 'snapshots.list'
  | 'snapshots.get'
  | 'snapshots.edit'
  | 'snapshots.delete'
  | 'snapshots.batch-delete'
  | 'snapshots.recovery'
> = {
  'snapshots.create': ({ world, params, body, date, actor }) => {
    const options = {
      name: snapshotName(body.name),
      description: body.description ?? '',
      ...(body.snap_type === undefined || body.snap_type === '' ? {} : { type: body.snap_type }),
      isQuiesced: isSet(body.quiesced),
    };
    const { taskId, snapshotId } = world.snapshots.create(params.server_id ?? '', options, actor);
    return date === '20180725' ? { task_id: taskId } : { task_id: taskId, resource_id: snapshotId };
  },
  'snapshots.list': ({ world, params }) => world.snapshots.list(params.server_id ?? '').map(snapshotItem),
  'snapshots.get': ({ world, params }) =>
    snapshotDetail(world, findSnapshot(world, params.server_id, params.snapshot_id ?? '')),
  'snapshots.edit': ({ world, params, body, actor }) => {
    const change = {
      name: snapshotName(body.name),
      ...(body.description === undefined ? {} : { description: body.description }),
      ...(body.is_protected === undefined ? {} : { isProtected: isSet(body.is_protected) }),
    };
    const { server_id: serverId = '', snapshot_id: snapshotId = '' } = params;
    return { task_id: world.snapshots.edit(serverId, snapshotId, change, actor).taskId };
  },
  'snapshots.delete': ({ world, params, actor }) => {
    const { server_id: serverId = '', snapshot_id: snapshotId = '' } = params;
    return { task_id: world.snapshots.delete(serverId, [snapshotId], actor).taskId };
  },
  'snapshots.batch-delete': ({ world, params, body, actor }) => ({
    task_id: world.snapshots.delete(params.server_id ?? '', body.snapshot_ids, actor).taskId,
  }),
  'snapshots.recovery': ({ world, params, body, actor }) => {
    const { server_id: serverId = '', snapshot_id: snapshotId = '' } = params;
    const options = { backup: isSet(body.backup), powerOn: isSet(body.power_on) };
    return { task_id: world.snapshots.recover(serverId, snapshotId, options, actor).taskId };
  },
};
