import { describe, expect, it } from 'vitest';
import { createTestbed } from './api-testbed.ts';

describe('the calls of a backup, one after the other', () => {
  it('reach from CBT to the release of everything', async () => {
    const { call, finish, server, world } = createTestbed();
    const server_id = server.id;
    const cbt = await call('cbt.set', { server_id }, { body: { type: 'enable' } });
    expect(cbt).toMatchObject({ status: 200, body: { code: 0, message: '' } });
    expect(await finish(cbt.body.data.task_id)).toBe('finish');

    const created = await call('snapshots.create', { server_id }, { body: { name: 'bk', snap_type: 'vs' } });
    expect(created.status).toBe(201);
    expect(await finish(created.body.data.task_id)).toBe('finish');
    const snapshot_id = String(created.body.data.resource_id);

    const detail = await call('snapshots.get', { server_id, snapshot_id });
    expect(detail.body.data.checkpoint_id).toMatch(/^[1-9]\d+$/);

    const resource = await call(
      'backup-resources.create',
      {},
      { body: { server_id, type: 'backup', lock_time: 600 } },
    );
    expect(resource.status).toBe(200);
    const backup_resources_id = String(resource.body.data.resource_id);
    expect(await finish(resource.body.data.task_id)).toBe('finish');
    const running = await call('backup-resources.get', { backup_resources_id });
    expect(running.body.data).toMatchObject({ server_id, status: 'running' });

    const query = {
      disk_id: server.disks[0]?.deviceId ?? '',
      snapshot_id,
      checkpoint_id: '0',
      start_offset: '0',
    };
    const areas = await call('cbt.changed-areas', { server_id }, { query });
    expect(areas.body.data.changed_area).not.toEqual([]);

    const released = await call('backup-resources.delete', { backup_resources_id });
    expect(released.status).toBe(200);
    expect(await finish(released.body.data.task_id)).toBe('finish');
    const removed = await call('snapshots.delete', { server_id, snapshot_id });
    expect(removed.status).toBe(200);
    expect(await finish(removed.body.data.task_id)).toBe('finish');
    expect(world.snapshots.list(server_id)).toEqual([]);
  });
});
