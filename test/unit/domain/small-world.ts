/** A small world on a virtual clock, for the tests of the domain. */
import { createIdSource } from '../../../src/kernel/ids.ts';
import { Journal } from '../../../src/kernel/journal.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { type WorldOptions, createWorld } from '../../../simulator/domain/create-world.ts';
import type { DiskSpec, InventorySpec, ServerSpec } from '../../../simulator/domain/inventory.ts';
import type { World } from '../../../simulator/domain/world-api.ts';

export const GRAIN = 65_536;
/** 2026-01-05T00:00:00Z. */
export const START_MS = 1_767_571_200_000;
export const SERVER = 'server-1';
export const DISK = 'ide0';

export interface SmallWorld {
  readonly world: World;
  readonly clock: VirtualClock;
  readonly journal: Journal;
}

export function emptyDisk(deviceId: string, sizeBytes: number, more: Partial<DiskSpec> = {}): DiskSpec {
  return {
    deviceId,
    sizeBytes,
    datastoreId: 'store-1',
    preallocate: 'off',
    content: { kind: 'empty' },
    ...more,
  };
}

export function serverSpec(more: Partial<ServerSpec> = {}): ServerSpec {
  return {
    id: SERVER,
    vmId: '4821900034517',
    name: 'erp-01',
    description: '',
    hostId: 'host-a',
    isRunning: true,
    sockets: 1,
    coresPerSocket: 2,
    memoryMb: 2048,
    osName: '',
    osKernel: 'linux',
    osDistribution: 'debian-12',
    vmtools: 1,
    disks: [emptyDisk(DISK, 16 * GRAIN)],
    networks: [{ vifId: 'net0', macAddress: 'fe:fc:fe:00:00:01', ipAddress: '192.0.2.10', name: 'lan' }],
    ...more,
  };
}

export function inventory(servers: readonly ServerSpec[]): InventorySpec {
  const host = (id: string, ip: string): InventorySpec['hosts'][number] => ({
    id,
    name: ip,
    ip,
    clusterId: 'cluster-1',
    cores: 16,
    memoryMb: 65_536,
    serialNumber: id,
  });
  const store = (id: string, hostIds: string[]): InventorySpec['datastores'][number] => ({
    id,
    name: id,
    type: 'vs',
    clusterId: 'cluster-1',
    hostIds,
    totalMb: 10_240,
  });
  return {
    pools: [{ id: 'pool-1', name: 'pool', description: '', version: '6.11.3', tag: 'private' }],
    clusters: [{ id: 'cluster-1', name: 'c', poolId: 'pool-1', ip: '127.0.0.1', version: '6.11.3' }],
    hosts: [host('host-a', '127.0.0.11'), host('host-b', '127.0.0.12'), host('host-c', '127.0.0.13')],
    datastores: [store('store-1', ['host-a', 'host-b', 'host-c']), store('store-2', ['host-b', 'host-c'])],
    servers,
    credentials: [{ username: 'svc', password: 'secret', accessKey: 'AK1', secretKey: 'SK1', role: 'admin' }],
  };
}

export function smallWorld(
  servers: readonly ServerSpec[] = [serverSpec()],
  more: Partial<Pick<WorldOptions, 'settings' | 'baseImages' | 'guestPort' | 'inventory'>> = {},
): SmallWorld {
  const clock = new VirtualClock(START_MS);
  const journal = new Journal({ now: () => clock.now() });
  const rng = createRng('small');
  const world = createWorld({
    id: 'world-1',
    seed: 'small',
    clock,
    ids: createIdSource(rng.fork('ids')),
    rng,
    journal,
    inventory: inventory(servers),
    ...more,
  });
  return { world, clock, journal };
}

/** Lets a task run to its end and returns how it ended. */
export async function finish(
  { world, clock }: SmallWorld,
  { taskId }: { taskId: string },
): Promise<{ status: string; description: string }> {
  for (let task = world.tasks.get(taskId); ; task = world.tasks.get(taskId)) {
    if (task.endMs !== undefined) return { status: task.status, description: task.description };
    await clock.advanceBy(50);
  }
}
