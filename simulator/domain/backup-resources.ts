/**
 * Backup resources: the lease under which a backup product reads or writes a server's disks.
 *
 * The intuition: a resource locks the server and starts the NBD service of its disks on one host. It lives as long as
 * it is renewed; at the deadline itself it is over, and its connections are cut. So a dead backup product cannot keep
 * a server locked.
 *
 * A create call for a server that is already held is accepted; its task fails and the resource reads `occupied`,
 * because clients learn of it by polling. Type backup exports the newest usable snapshot of the moment of the call.
 *
 * Invariants: a server has at most one holder; a snapshot is `in use` exactly while a pending or running resource
 * exports it; an ended resource has no connections.
 *
 * @source SCP OpenAPI 6.11.1, backup-resources; product documentation, backup resources
 * @fidelity documented; `occupied`, the choice of the snapshot and that renewal replaces the time are assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { ClusterId, HostId, ResourceId, TaskId } from '../../src/kernel/ids.ts';
import {
  breakPending,
  endResource,
  grant,
  loadByHost,
  noteResource,
  refuseHeld,
  renewResource,
} from './backup-lease.ts';
import { isEnded } from './backup-resource-machine.ts';
import { supportsOf } from './backup-supports.ts';
import { refuseIneligible } from './eligibility.ts';
import { isLent } from './hot-added-disk.ts';
import { chooseHost } from './host-choice.ts';
import { viewResource } from './views.ts';
import type { BackupResources, TaskAction } from './world-api.ts';
import {
  type ResourceRecord,
  type ServerRecord,
  type SnapshotRecord,
  type WorldState,
  refuseBusy,
  serverOf,
} from './world-state.ts';

type CreateRequest = Parameters<BackupResources['create']>[0];

const LOCK_TIME_SECONDS = { least: 60, most: 7200 } as const;

export function createBackupResources(state: WorldState): BackupResources {
  return {
    list() {
      state.agenda.settle();
      return [...state.resources.values()].map((resource) => viewResource(resource, state.agenda.now()));
    },
    get: (id) => viewResource(resourceOf(state, id), state.agenda.now()),
    create: (request, actor) => createResource(state, request, actor),
    renew(id, lockTimeSeconds, actor) {
      const resource = activeResource(state, id);
      checkLockTime(lockTimeSeconds);
      renewResource(state, resource, lockTimeSeconds * 1000, actor);
      return { taskId: startTask(state, 'backup-resource.renew', resource, true) };
    },
    delete(id, actor) {
      const resource = activeResource(state, id);
      endResource(state, resource, 'deleted', `deleted by ${actor}`, actor);
      return { taskId: startTask(state, 'backup-resource.delete', resource, true) };
    },
    supports: (serverId) => supportsOf(state, serverOf(state, serverId)),
    expireNow(id) {
      const resource = activeResource(state, id);
      endResource(
        state,
        resource,
        resource.status === 'running' ? 'deadline-passed' : 'preempted',
        'expired now',
      );
    },
    preempt(serverId) {
      const { holder } = serverOf(state, serverId);
      if (holder !== undefined) endResource(state, holder, 'preempted', 'a platform job took the server');
    },
    occupy(serverId, seconds) {
      const server = serverOf(state, serverId);
      server.occupiedUntilMs = Math.max(server.occupiedUntilMs, state.agenda.now() + seconds * 1000);
      state.journal.append({
        type: 'state',
        entity: 'server',
        id: server.id,
        to: 'occupied',
        server: server.id,
        detail: { seconds },
      });
    },
    countByHost() {
      state.agenda.settle();
      return loadByHost(state);
    },
  };
}

function createResource(
  state: WorldState,
  request: CreateRequest,
  actor: string,
): ReturnType<BackupResources['create']> {
  checkLockTime(request.lockTimeSeconds);
  const server = serverOf(state, request.serverId);
  refuseIneligible(server);
  const isHeld = server.holder !== undefined || server.occupiedUntilMs > state.agenda.now();
  if (!isHeld) refuseBusy(server);
  if (!isHeld) refusePower(server, request.type);
  if (request.type === 'restore' && !isHeld && isLent(state, server))
    throw new ApiError('DISK_ATTACHED', `disks of ${server.name}`);
  const resource = openResource(state, server, request, actor, isHeld);
  const taskId = startTask(state, 'backup-resource.create', resource, isHeld, {
    finish: () => (isHeld ? refuseHeld(state, resource) : grant(state, resource)),
    undo: () => breakPending(state, resource),
  });
  return { taskId, resourceId: resource.id };
}

function openResource(
  state: WorldState,
  server: ServerRecord,
  request: CreateRequest,
  owner: string,
  isHeld: boolean,
): ResourceRecord {
  const datastoreIds = server.disks.map((disk) => disk.spec.datastoreId);
  const host = chooseHost(state, datastoreIds, request.hostId, loadByHost(state));
  const snapshot = request.type === 'backup' && !isHeld ? newestSnapshot(server) : undefined;
  const resource: ResourceRecord = {
    id: `${state.ids.uuid()}:${state.ids.uuid()}` as ResourceId,
    server,
    type: request.type,
    status: 'pending',
    lockTimeMs: request.lockTimeSeconds * 1000,
    deadline: undefined,
    hostId: host.id as HostId,
    clusterId: host.clusterId as ClusterId,
    owner,
    snapshot,
    connections: new Set(),
    hasWritten: false,
  };
  state.resources.set(resource.id, resource);
  if (!isHeld) server.holder = resource;
  snapshot?.users.add(resource);
  noteResource(state, resource, undefined, `created by ${owner}`);
  return resource;
}

/** @throws UNKNOWN_SNAPSHOT when the server has none that is ready */
function newestSnapshot(server: ServerRecord): SnapshotRecord {
  const ready = [...server.snapshots.values()].filter((snapshot) => snapshot.status === 'normal');
  const newest = ready.at(-1);
  if (newest === undefined) throw new ApiError('UNKNOWN_SNAPSHOT', 'the server has no snapshot to back up');
  return newest;
}

/** @source product documentation, agentless backup: running or shut down; a restore needs it off @fidelity documented */
function refusePower(server: ServerRecord, type: 'backup' | 'restore'): void {
  const isRight = server.status === 'stopped' || (type === 'backup' && server.status === 'running');
  if (!isRight) throw new ApiError('SERVER_STATE', server.status);
}

function startTask(
  state: WorldState,
  action: TaskAction,
  resource: ResourceRecord,
  leavesServerFree: boolean,
  work: { finish: () => void; undo?: () => void } = { finish: () => undefined },
): TaskId {
  return state.tasks.start({
    action,
    objectType: 'VM',
    objectId: resource.server.id,
    subjectId: resource.id,
    objectName: resource.server.name,
    server: resource.server,
    durationMs: state.settings.taskMs[action],
    leavesServerFree,
    ...work,
  });
}

/** @throws RESOURCE_GONE */
function resourceOf(state: WorldState, id: string): ResourceRecord {
  state.agenda.settle();
  const resource = state.resources.get(id as ResourceId);
  if (resource === undefined) throw new ApiError('RESOURCE_GONE', id);
  return resource;
}

/** @throws RESOURCE_GONE also for one that has ended */
function activeResource(state: WorldState, id: string): ResourceRecord {
  const resource = resourceOf(state, id);
  if (isEnded(resource.status)) throw new ApiError('RESOURCE_GONE', resource.status);
  return resource;
}

function checkLockTime(seconds: number): void {
  const { least, most } = LOCK_TIME_SECONDS;
  if (!Number.isInteger(seconds) || seconds < least || seconds > most)
    throw new ApiError('INVALID_PARAMETER', `lock_time must be an integer from ${least} to ${most}`);
}
