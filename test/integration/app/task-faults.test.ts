import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../../simulator/fault/fault-api.ts';
import { openSession, type Session } from './nbd-session.ts';

const plan = ({ hosted }: Session, spec: object): void => {
  hosted.faults.add({ id: 'it', ...spec } as FaultSpec);
};
const snapshots = ({ hosted, server }: Session) => hosted.world.snapshots.list(server.id);
const takeSnapshot = ({ hosted, server }: Session) =>
  hosted.world.snapshots.create(server.id, { name: 'one', description: '' }, 'test');

describe('a fault of a task', () => {
  it('lets a snapshot come to nothing: the task fails with its text, the snapshot is gone', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    plan(session, { on: 'task:snapshot.create', kind: 'task-fails', message: 'The storage is tired.' });
    const { taskId } = takeSnapshot(session);
    await session.clock.advanceBy(60_000);
    expect(session.hosted.world.tasks.get(taskId)).toMatchObject({
      status: 'failure',
      description: 'The storage is tired.',
    });
    expect(snapshots(session)).toEqual([]);
    expect(session.hosted.faults.list()).toMatchObject([{ id: 'it', fired: 1 }]);
  });

  it('reports the removal of a snapshot that is still there', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const { snapshotId } = takeSnapshot(session);
    await session.clock.advanceBy(60_000);
    plan(session, { on: 'task:snapshot.delete', kind: 'task-phantom', server: session.server.name });
    const remove = () => session.hosted.world.snapshots.delete(session.server.id, [snapshotId], 'test');
    const { taskId } = remove();
    await session.clock.advanceBy(60_000);
    expect(session.hosted.world.tasks.get(taskId).status).toBe('finish');
    expect(snapshots(session)).toMatchObject([{ id: snapshotId, status: 'normal' }]);
    remove();
    await session.clock.advanceBy(60_000);
    expect(snapshots(session)).toEqual([]);
  });

  it('holds a task until it is cleared', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    plan(session, { on: 'task:*', kind: 'task-hangs', step: 'doing' });
    const { taskId } = takeSnapshot(session);
    await session.clock.advanceBy(3_600_000);
    expect(session.hosted.world.tasks.get(taskId).status).toBe('waiting');
    expect(() => takeSnapshot(session)).toThrow('Another task is running');
    session.hosted.faults.clear('it');
    await session.clock.advanceBy(60_000);
    expect(session.hosted.world.tasks.get(taskId).status).toBe('finish');
    expect(snapshots(session)).toMatchObject([{ status: 'normal' }]);
  });

  it('makes a backup resource fail that was being created, and the server is free again', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    takeSnapshot(session);
    await session.clock.advanceBy(60_000);
    plan(session, { on: 'task:backup-resource.create', kind: 'task-phantom' });
    const { world } = session.hosted;
    const request = { serverId: session.server.id, type: 'backup', lockTimeSeconds: 600 } as const;
    const { resourceId } = world.backupResources.create(request, 'test');
    await session.clock.advanceBy(10_000);
    expect(world.backupResources.get(resourceId).status).toBe('failed');
    const again = world.backupResources.create(request, 'test');
    await session.clock.advanceBy(10_000);
    expect(world.backupResources.get(again.resourceId).status).toBe('running');
  });

  it('lets a server stay as it was when its start or stop comes to nothing', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const { servers } = session.hosted.world;
    const { id } = session.server;
    const before = servers.get(id);
    plan(session, { on: 'task:stop', kind: 'task-fails', message: 'no' });
    servers.stop(id, { force: true }, 'test');
    await session.clock.advanceBy(60_000);
    expect(servers.get(id)).toEqual(before);
  });

  it.each([
    [{ on: 'task:snapshot.creat', kind: 'task-hangs' }, 'no kind of task is called snapshot.creat'],
    [{ on: 'snapshots.create', kind: 'task-hangs' }, 'this fault strikes only at "task"'],
    [{ on: 'task:snapshot.create', kind: 'lose-reply' }, 'this fault strikes only at "rest", "nbd", "guest"'],
    [{ on: 'task:backup-resource.delete', kind: 'task-phantom' }, 'the call itself has this effect'],
    [{ on: 'task:stop', kind: 'delay', ms: 1, when: 'after' }, 'a task has no reply'],
    [{ on: 'task:stop', kind: 'task-hangs', step: 'later' }, 'step: must be one of waiting, doing, finish'],
    [{ on: 'nbd', kind: 'lose-reply', step: 'doing' }, 'step: only for faults on task'],
  ])('is refused as %j', async (spec, message) => {
    const session = await openSession();
    await using _ = session.simulator;
    expect(() => plan(session, spec)).toThrow(message);
  });
});
