import type { HandlersOf } from '../call.ts';

export const BACKUP_HANDLERS: HandlersOf<
  | 'cbt.status'
  | 'cbt.set'
  | 'cbt.changed-areas'
  | 'backup-resources.create'
  | 'backup-resources.get'
  | 'backup-resources.renew'
  | 'backup-resources.delete'
  | 'backup-resources.supports'
  | 'backup-resources.overview'
> = {
  'cbt.status': ({ world, params }) => {
    const { serverId, isEnabled, disks } = world.cbt.status(params.server_id ?? '');
    return {
      server_id: serverId,
      is_enabled: isEnabled,
      disks: disks.map((disk) => ({ id: disk.deviceId, is_enabled: disk.isEnabled })),
    };
  },
  'cbt.set': ({ world, params, body, actor }) => ({
    task_id: world.cbt.set(params.server_id ?? '', body.type, body.disk_ids, actor).taskId,
  }),
  'cbt.changed-areas': ({ world, params, query }) => {
    const { startOffset, length, areas } = world.cbt.changedAreas(params.server_id ?? '', {
      deviceId: query.disk_id,
      snapshotId: query.snapshot_id,
      checkpointId: query.checkpoint_id,
      startOffset: query.start_offset,
    });
    return {
      start_offset: startOffset,
      length,
      changed_area: areas.map((area) => ({ start: area.start, length: area.length })),
    };
  },
  'backup-resources.create': ({ world, body, actor }) => {
    const { resourceId, taskId } = world.backupResources.create(
      {
        serverId: body.server_id,
        type: body.type,
        lockTimeSeconds: body.lock_time,
        ...(body.host_id ? { hostId: body.host_id } : {}),
      },
      actor,
    );
    return { resource_id: resourceId, task_id: taskId };
  },
  'backup-resources.get': ({ hosted, world, params }) => {
    const resource = world.backupResources.get(params.backup_resources_id ?? '');
    return {
      server_id: resource.serverId,
      status: resource.status,
      ca_cert: hosted.caCertBase64(resource.clusterId),
      remain_time: resource.remainSeconds,
      host_id: resource.hostId,
    };
  },
  'backup-resources.renew': ({ world, params, body, actor }) => ({
    task_id: world.backupResources.renew(params.backup_resources_id ?? '', body.lock_time, actor).taskId,
  }),
  'backup-resources.delete': ({ world, params, actor }) => ({
    task_id: world.backupResources.delete(params.backup_resources_id ?? '', actor).taskId,
  }),
  'backup-resources.supports': ({ world, query }) => {
    const { versions, transportModes } = world.backupResources.supports(query.server_id);
    return { versions, transport_modes: transportModes };
  },
  'backup-resources.overview': ({ world }) => {
    const counts = world.backupResources.countByHost();
    return world.hosts.map(({ id }) => ({
      host_id: id,
      count: [...counts].find(([host]) => host === id)?.[1] ?? 0,
    }));
  },
};
