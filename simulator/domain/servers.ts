/** Servers (virtual machines): found, started, stopped, made from a configuration, edited, deleted. */
import { PROXY_OS_NAME } from '../../src/contract/assumed.ts';
import { ApiError } from '../../src/contract/errors.ts';
import type { DatastoreId, HostId, ServerId, TaskId } from '../../src/kernel/ids.ts';
import { isProxy } from './eligibility.ts';
import { detachWhere } from './hot-added-disk.ts';
import { candidateHosts, chooseHost } from './host-choice.ts';
import { startServer, stopServer } from './power.ts';
import { checkConfig, serverFromConfig } from './server-record.ts';
import { viewServer } from './views.ts';
import type { ServerConfig, Servers } from './world-api.ts';
import {
  type DatastoreRecord,
  type HostRecord,
  type ServerRecord,
  type WorldState,
  refuseBusy,
  serverOf,
} from './world-state.ts';

const BYTES_PER_MB = 2 ** 20;
const MAX_TEXT_LENGTH = 90;

export function createServers(state: WorldState): Servers {
  return {
    list() {
      state.agenda.settle();
      return [...state.servers.values()].map(viewServer);
    },
    get: (id) => viewServer(serverOf(state, id)),
    find: (idOrName) => viewServer(findServer(state, idOrName)),
    start: (id) => startServer(state, serverOf(state, id)),
    stop: (id, options) => stopServer(state, serverOf(state, id), options.force),
    createFromConfig: (config, actor) => createFromConfig(state, config, actor),
    edit(id, change) {
      const server = serverOf(state, id);
      if (change.name === '' || (change.name ?? '').length > MAX_TEXT_LENGTH)
        throw new ApiError('INVALID_PARAMETER', 'name');
      refuseBusy(server);
      refuseUnmarking(server, change.osName);
      return startTask(state, 'server.edit', server, () => {
        refuseUnmarking(server, change.osName);
        Object.assign(server, definedOf(change));
      });
    },
    delete(id, actor) {
      const server = serverOf(state, id);
      refuseBusy(server);
      if (server.holder !== undefined) throw new ApiError('SERVER_LOCKED', server.name);
      if (server.status !== 'stopped') throw new ApiError('SERVER_STATE', server.status);
      return startTask(state, 'server.delete', server, () => removeServer(state, server, actor));
    },
  };
}

/** A proxy with hot-added disks stays one. @throws DISK_ATTACHED */
function refuseUnmarking(server: ServerRecord, osName: string | undefined): void {
  if (osName === undefined || osName === PROXY_OS_NAME || !isProxy(server)) return;
  if (server.hotAdded.length > 0) throw new ApiError('DISK_ATTACHED', server.name);
}

/** MB in use on each datastore that has any in use. */
export function usedMbByDatastore(state: WorldState): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  for (const server of state.servers.values())
    for (const { spec, usedBytesEstimate } of server.disks)
      bytes.set(spec.datastoreId, (bytes.get(spec.datastoreId) ?? 0) + usedBytesEstimate);
  return new Map([...bytes].map(([id, used]) => [id, Math.ceil(used / BYTES_PER_MB)]));
}

function findServer(state: WorldState, idOrName: string): ServerRecord {
  state.agenda.settle();
  const byId = state.servers.get(idOrName as ServerId);
  if (byId !== undefined) return byId;
  const named = [...state.servers.values()].filter((server) => server.name === idOrName);
  const [server] = named;
  if (server === undefined) throw new ApiError('NOT_FOUND', `server ${idOrName}`);
  if (named.length > 1) throw new ApiError('NOT_FOUND', `${named.length} servers are named ${idOrName}`);
  return server;
}

/**
 * The new server is there, off and with empty disks, when its task ends.
 * @source SCP OpenAPI 6.11.1, servers/config @fidelity documented; the space check and the host are assumed
 */
function createFromConfig(
  state: WorldState,
  config: ServerConfig,
  actor: string,
): { taskId: TaskId; serverId: ServerId } {
  state.agenda.settle();
  checkConfig(state, config);
  refuseNoSpace(state, config);
  const host = placeServer(state, config);
  const serverId = state.ids.uuid() as ServerId;
  const server = serverFromConfig(state, serverId, config, host);
  const taskId = state.tasks.start({
    action: 'server.create',
    objectType: 'VM',
    objectId: serverId,
    objectName: config.name,
    poolId: server.poolId,
    durationMs: state.settings.taskMs['server.create'],
    finish() {
      state.servers.set(serverId, server);
      noteServer(state, server, 'stopped', `created from a configuration by ${actor}`);
    },
  });
  return { taskId, serverId };
}

/** @throws NO_HOST when no host of the pool reaches the datastore */
function placeServer(state: WorldState, config: ServerConfig): HostRecord {
  const load = new Map<HostId, number>();
  for (const server of state.servers.values()) load.set(server.hostId, (load.get(server.hostId) ?? 0) + 1);
  const datastoreIds = [config.datastoreId as DatastoreId];
  const poolOf = (host: HostRecord): string | undefined =>
    state.clusters.find((cluster) => cluster.id === host.clusterId)?.poolId;
  const isReached = candidateHosts(state, datastoreIds).some((host) => poolOf(host) === config.poolId);
  if (!isReached) throw new ApiError('NO_HOST', `datastore ${config.datastoreId} in the resource pool`);
  return chooseHost(state, datastoreIds, config.hostId, load);
}

/** Only what is allocated in full takes its space at once. */
function refuseNoSpace(state: WorldState, config: ServerConfig): void {
  const store = state.datastores.find(
    (candidate): candidate is DatastoreRecord => candidate.id === config.datastoreId,
  );
  const wanted = config.disks.filter((disk) => disk.preallocate === 'full');
  const wantedMb = wanted.reduce((sum, disk) => sum + disk.sizeBytes / BYTES_PER_MB, 0);
  if (store?.isFull === true) throw new ApiError('NO_SPACE', store.name);
  if (store !== undefined && wantedMb > store.totalMb - (usedMbByDatastore(state).get(store.id) ?? 0))
    throw new ApiError('NO_SPACE', store.name);
}

function removeServer(state: WorldState, server: ServerRecord, actor: string): void {
  detachWhere(state, ({ source }) => source === server, `${server.name} is deleted`);
  state.servers.delete(server.id);
  for (const snapshot of server.snapshots.values())
    for (const disk of snapshot.disks.values()) disk.layer.release();
  for (const disk of server.disks) disk.release();
  noteServer(state, server, 'deleted', `deleted by ${actor}`);
}

function noteServer(state: WorldState, server: ServerRecord, to: 'stopped' | 'deleted', why: string): void {
  state.journal.append({
    type: 'state',
    entity: 'server',
    id: server.id,
    ...(to === 'deleted' && { from: server.status }),
    to,
    server: server.id,
    why,
  });
}

function startTask(
  state: WorldState,
  action: 'server.edit' | 'server.delete',
  server: ServerRecord,
  finish: () => void,
): { taskId: TaskId } {
  const taskId = state.tasks.start({
    action,
    objectType: 'VM',
    objectId: server.id,
    objectName: server.name,
    server,
    durationMs: state.settings.taskMs[action],
    finish,
  });
  return { taskId };
}

function definedOf(change: { name?: string; description?: string; osName?: string }): Partial<ServerRecord> {
  const { name, description, osName } = change;
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(osName !== undefined && { osName }),
  };
}
