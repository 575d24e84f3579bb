/** How servers come into being: from the inventory, or from a backed-up configuration. */
import { ApiError } from '../../src/contract/errors.ts';
import type { ClusterId, DatastoreId, DeviceId, HostId, PoolId, ServerId } from '../../src/kernel/ids.ts';
import { beginHistory } from './cbt.ts';
import type { DiskSpec, NetworkSpec, ServerSpec } from './inventory.ts';
import { VirtualDisk } from './virtual-disk.ts';
import type { ServerConfig } from './world-api.ts';
import type { HostRecord, ServerRecord, WorldState } from './world-state.ts';

type DiskPlan = Omit<DiskSpec, 'isCbtEnabled'>;

/** @throws RangeError when the inventory contradicts itself */
export function serverFromSpec(state: WorldState, spec: ServerSpec): ServerRecord {
  const host = state.hosts.find((candidate) => candidate.id === spec.hostId);
  if (host === undefined) throw new RangeError(`server ${spec.name}: unknown host ${spec.hostId}`);
  const nowMs = state.clock.now();
  const server: ServerRecord = {
    ...blankState(),
    ...placeOn(state, host),
    id: spec.id as ServerId,
    vmId: spec.vmId,
    name: spec.name,
    description: spec.description,
    status: spec.isRunning ? 'running' : 'stopped',
    sockets: spec.sockets,
    coresPerSocket: spec.coresPerSocket,
    memoryMb: spec.memoryMb,
    osName: spec.osName,
    osKernel: spec.osKernel,
    osDistribution: spec.osDistribution,
    vmtools: spec.vmtools,
    isTurboMode: spec.isTurboMode ?? false,
    isDesktopRevert: spec.isDesktopRevert ?? false,
    createdAtMs: nowMs,
    startedAtMs: spec.isRunning ? nowMs : undefined,
    disks: spec.disks.map((disk, index) => createDisk(state, disk, index)),
    networks: spec.networks,
    createdFrom: undefined,
  };
  const tracked = server.disks.filter((_, index) => spec.disks[index]?.isCbtEnabled === true);
  if (tracked.length > 0) beginHistory(server, tracked);
  return server;
}

export function serverFromConfig(
  state: WorldState,
  id: ServerId,
  config: ServerConfig,
  host: HostRecord,
): ServerRecord {
  return {
    ...blankState(),
    ...placeOn(state, host),
    id,
    vmId: String(state.rng.int(1_000_000_000_000, 9_999_999_999_999)),
    name: config.name,
    description: config.description,
    status: 'stopped',
    sockets: config.sockets,
    coresPerSocket: config.coresPerSocket,
    memoryMb: config.memoryMb,
    osName: '',
    osKernel: config.osKernel,
    osDistribution: config.osDistribution,
    vmtools: 0,
    isTurboMode: false,
    isDesktopRevert: false,
    createdAtMs: state.agenda.now(),
    startedAtMs: undefined,
    disks: config.disks.map((disk, index) =>
      createDisk(state, { ...disk, datastoreId: config.datastoreId, content: { kind: 'empty' } }, index),
    ),
    networks: config.networks.map((network) => withMac(state, network)),
    createdFrom: config.raw,
  };
}

function blankState(): Pick<
  ServerRecord,
  | 'cbt'
  | 'snapshots'
  | 'currentSnapshotId'
  | 'runningTaskId'
  | 'holder'
  | 'occupiedUntilMs'
  | 'isRestoreIncomplete'
  | 'hotAdded'
  | 'hotAddTaskId'
> {
  return {
    cbt: { versionId: 0, incId: 1, era: 0 },
    snapshots: new Map(),
    currentSnapshotId: '',
    runningTaskId: undefined,
    holder: undefined,
    occupiedUntilMs: 0,
    isRestoreIncomplete: false,
    hotAdded: [],
    hotAddTaskId: undefined,
  };
}

function placeOn(
  state: WorldState,
  host: HostRecord,
): Pick<ServerRecord, 'hostId' | 'clusterId' | 'poolId' | 'groupId'> {
  const cluster = state.clusters.find((candidate) => candidate.id === host.clusterId);
  if (cluster === undefined) throw new RangeError(`host ${host.id}: unknown cluster ${host.clusterId}`);
  return {
    hostId: host.id as HostId,
    clusterId: cluster.id as ClusterId,
    poolId: cluster.poolId as PoolId,
    groupId: `group-${cluster.id}`,
  };
}

function createDisk(state: WorldState, spec: DiskPlan, index: number): VirtualDisk {
  if (!state.datastores.some((store) => store.id === spec.datastoreId))
    throw new RangeError(`disk ${spec.deviceId}: unknown datastore ${spec.datastoreId}`);
  const { settings, seed, openBase } = state;
  return new VirtualDisk(
    {
      deviceId: spec.deviceId as DeviceId,
      uuid: state.ids.uuid(),
      sizeBytes: spec.sizeBytes,
      datastoreId: spec.datastoreId as DatastoreId,
      preallocate: spec.preallocate,
      storageFile: `${spec.datastoreId}:vm-disk-${index + 1}.qcow2`,
      content: spec.content,
    },
    settings.granularityBytes,
    seed,
    openBase,
  );
}

/** A given address is kept, as a restore wants it; else one is made up. @fidelity assumed */
function withMac(state: WorldState, network: NetworkSpec): NetworkSpec {
  if (network.macAddress !== '') return network;
  const tail = state.ids.hex(6).match(/../g) ?? [];
  return { ...network, macAddress: `fe:fc:fe:${tail.join(':')}` };
}

const MAX_DISK_BYTES = 2 ** 46;

/** @throws INVALID_PARAMETER naming the part of the configuration */
export function checkConfig(state: WorldState, config: ServerConfig): void {
  const isPool = state.pools.some((pool) => pool.id === config.poolId);
  if (!isPool) throw new ApiError('INVALID_PARAMETER', 'az_id');
  if (config.name === '') throw new ApiError('INVALID_PARAMETER', 'name');
  const store = state.datastores.find((candidate) => candidate.id === config.datastoreId);
  if (store === undefined) throw new ApiError('INVALID_PARAMETER', 'datastore_id');
  const names = new Set(config.disks.map((disk) => disk.deviceId));
  if (names.size !== config.disks.length || names.has(''))
    throw new ApiError('INVALID_PARAMETER', 'hardware_option.disks: device_id');
  for (const { sizeBytes } of config.disks)
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes > MAX_DISK_BYTES)
      throw new ApiError('INVALID_PARAMETER', 'hardware_option.disks: size');
}
