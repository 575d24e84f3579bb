import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../../simulator/fault/fault-api.ts';
import { openSession, type Session } from './nbd-session.ts';

const plan = ({ hosted }: Session, spec: object): void => {
  hosted.faults.add({ id: 'it', on: 'nbd', ...spec } as FaultSpec);
};
const fired = ({ hosted }: Session): number | undefined => hosted.faults.list()[0]?.fired;
const statusOf = ({ hosted }: Session, id: string) => hosted.world.backupResources.get(id).status;

describe('what befalls the world at a request for a disk’s bytes', () => {
  it.each([
    ['preempt', {}, 'cancelled'],
    ['expire-resource', {}, 'expired'],
    ['host-gone', { ms: 60_000 }, 'failed'],
    ['restart', {}, 'running'],
  ] as const)('%s: the connection breaks, the backup resource reads %s', async (kind, fields, status) => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource, { retries: 0 });
    plan(session, { kind, ...fields });
    await expect(session.clock.run(client.read(0, 512))).rejects.toThrow();
    expect(statusOf(session, resource.id)).toBe(status);
    expect(fired(session)).toBe(1);
  });

  it.each([60_000, 'cleared'] as const)('host-gone lasts until it is over (%s)', async (end) => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource, { retries: 0 });
    plan(session, { kind: 'host-gone', ms: end === 'cleared' ? 86_400_000 : end });
    await expect(session.clock.run(client.read(0, 512))).rejects.toThrow();
    const isOnline = () =>
      session.hosted.world.hosts.find(({ id }) => id === resource.hostId)?.isOnline ?? false;
    await session.clock.advanceBy(50_000);
    expect(isOnline()).toBe(false);
    if (end === 'cleared') session.hosted.faults.clear('it');
    else await session.clock.advanceBy(10_000);
    expect(isOnline()).toBe(true);
  });

  it('a datastore that is offline gives no byte, and takes no snapshot, until it is back', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource, { retries: 0 });
    const whole = () => session.clock.run(client.read(0, client.info.sizeBytes));
    plan(session, { kind: 'datastore-offline', ms: 60_000 });
    await expect(whole()).rejects.toThrow('EIO');
    const { world } = session.hosted;
    const snapshot = () => world.snapshots.create(session.server.id, { name: 'x', description: '' }, 'test');
    expect(snapshot).toThrow('No running host can access all disks');
    await session.clock.advanceBy(60_000);
    await whole();
    expect(snapshot).not.toThrow();
  });

  it('a full datastore is read but not written, and takes no snapshot', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const { world, faults } = session.hosted;
    world.servers.stop(session.server.id, { force: true }, 'test');
    await session.clock.advanceBy(60_000);
    const request = { serverId: session.server.id, type: 'restore', lockTimeSeconds: 600 } as const;
    const { resourceId } = world.backupResources.create(request, 'test');
    await session.clock.advanceBy(10_000);
    const client = await session.connect(world.backupResources.get(resourceId), { retries: 0 });
    plan(session, { kind: 'datastore-full', ms: 60_000 });
    await session.clock.run(client.read(0, 512));
    await expect(session.clock.run(client.write(0, Buffer.alloc(512, 7)))).rejects.toThrow('ENOSPC');
    faults.clear('it');
    await session.clock.run(client.write(0, Buffer.alloc(512, 7)));
    expect(fired(session)).toBeUndefined();
  });

  it('occupy: the next backup resource finds the server taken, for so long', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource, { retries: 0 });
    plan(session, { kind: 'occupy', seconds: 100 });
    await session.clock.run(client.read(0, 512));
    const { backupResources } = session.hosted.world;
    backupResources.delete(resource.id, 'test');
    const request = { serverId: session.server.id, type: 'backup', lockTimeSeconds: 600 } as const;
    const taken = backupResources.create(request, 'test').resourceId;
    await session.clock.advanceBy(10_000);
    expect(statusOf(session, taken)).toBe('occupied');
    await session.clock.advanceBy(100_000);
    const free = backupResources.create(request, 'test').resourceId;
    await session.clock.advanceBy(10_000);
    expect(statusOf(session, free)).toBe('running');
  });

  it('proxy-crash does not strike where no proxy holds a disk', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource);
    plan(session, { kind: 'proxy-crash' });
    await session.clock.run(client.read(0, 512));
    expect(fired(session)).toBe(0);
  });
});

describe('what befalls the world when a lease has so much left', () => {
  it('strikes at that instant', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    plan(session, { kind: 'preempt', on: 'lease', atRemaining: 30 });
    const resource = await session.lock();
    const { remainSeconds } = session.hosted.world.backupResources.get(resource.id);
    await session.clock.advanceBy((remainSeconds - 31) * 1000);
    expect(statusOf(session, resource.id)).toBe('running');
    await session.clock.advanceBy(1_000);
    expect(statusOf(session, resource.id)).toBe('cancelled');
    const at = session.hosted.world.journal.entries.find(({ type }) => type === 'fault.fired');
    expect(at).toMatchObject({ at: `lease ${session.server.id}` });
  });

  it('waits for the renewed term, and strikes leases that run already', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const { backupResources } = session.hosted.world;
    plan(session, { kind: 'expire-resource', on: 'lease', atRemaining: 30, server: session.server.name });
    await session.clock.advanceBy(300_000);
    backupResources.renew(resource.id, 600, 'test');
    await session.clock.advanceBy(569_000);
    expect(statusOf(session, resource.id)).toBe('running');
    await session.clock.advanceBy(1_000);
    expect(statusOf(session, resource.id)).toBe('expired');
  });

  it('does not strike a lease that is over before, nor one of another server', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    plan(session, { kind: 'restart', on: 'lease', atRemaining: 30 });
    session.hosted.faults.add({ kind: 'preempt', on: 'lease', atRemaining: 300, server: 'other' });
    const resource = await session.lock();
    await session.clock.advanceBy(400_000);
    expect(statusOf(session, resource.id)).toBe('running');
    session.hosted.world.backupResources.delete(resource.id, 'test');
    await session.clock.advanceBy(1_000_000);
    expect(session.hosted.faults.list().map((fault) => fault.fired)).toEqual([0, 0]);
  });
});

describe('what befalls the world at a step of a task', () => {
  it('comes before the step', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    plan(session, { kind: 'preempt', on: 'task:backup-resource.create', step: 'doing' });
    const { world } = session.hosted;
    world.snapshots.create(session.server.id, { name: 'one', description: '' }, 'test');
    await session.clock.advanceBy(60_000);
    const request = { serverId: session.server.id, type: 'backup', lockTimeSeconds: 600 } as const;
    const { resourceId, taskId } = world.backupResources.create(request, 'test');
    await session.clock.advanceBy(10_000);
    expect(statusOf(session, resourceId)).toBe('cancelled');
    expect(world.tasks.get(taskId).status).toBe('failure');
  });
});
