/**
 * The life of a backup resource once it exists: granted, renewed, over.
 *
 * Every end, whatever its cause, goes through `endResource`: it frees the server and the snapshot, judges whether a
 * restore is whole, detaches what was hot-added under it, and cuts the connections.
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { HostId } from '../../src/kernel/ids.ts';
import { type BackupResourceEvent, isEnded, nextStatus } from './backup-resource-machine.ts';
import { detachWhere } from './hot-added-disk.ts';
import type { ResourceRecord, WorldState } from './world-state.ts';

/** Everything that a host's disappearance ends. */
export function failResourcesOn(state: WorldState, hostId: string): void {
  for (const resource of state.resources.values())
    if (resource.hostId === hostId && !isEnded(resource.status))
      endResource(state, resource, 'host-lost', `host ${hostId} is offline`);
}

/** A resource's export is being served. */
export function isServing(resource: ResourceRecord): boolean {
  return resource.status === 'running';
}

export function grant(state: WorldState, resource: ResourceRecord): void {
  // It may have been deleted or pre-empted while it was pending.
  if (isEnded(resource.status)) throw new ApiError('RESOURCE_GONE', resource.status);
  move(state, resource, 'granted', 'the server is locked');
  armDeadline(state, resource);
}

export function refuseHeld(state: WorldState, resource: ResourceRecord): never {
  if (!isEnded(resource.status)) endResource(state, resource, 'refused', 'another holder has the server');
  throw new ApiError('RESOURCE_OCCUPIED', resource.server.name);
}

/** Its task has come to nothing. */
export function breakPending(state: WorldState, resource: ResourceRecord): void {
  if (resource.status === 'pending') endResource(state, resource, 'broken', 'its task came to nothing');
}

export function renewResource(
  state: WorldState,
  resource: ResourceRecord,
  lockTimeMs: number,
  actor: string,
): void {
  resource.lockTimeMs = lockTimeMs;
  if (resource.status === 'running') armDeadline(state, resource);
  move(state, resource, 'renewed', `renewed by ${actor}`);
}

function armDeadline(state: WorldState, resource: ResourceRecord): void {
  resource.deadline?.cancel();
  resource.deadline = state.agenda.at(state.agenda.now() + resource.lockTimeMs, () =>
    endResource(state, resource, 'deadline-passed', 'lock_time is over'),
  );
  tellLease(state, resource);
}

function tellLease({ interference }: WorldState, { id, server, deadline }: ResourceRecord): void {
  interference.leaseChanged({ resourceId: id, serverId: server.id, deadlineMs: deadline?.atMs });
}

/** The one way out of pending and running. */
export function endResource(
  state: WorldState,
  resource: ResourceRecord,
  event: BackupResourceEvent,
  why: string,
  actor?: string,
): void {
  const { server } = resource;
  resource.deadline?.cancel();
  resource.deadline = undefined;
  tellLease(state, resource);
  move(state, resource, event, why);
  detachWhere(state, (disk) => disk.resource === resource, `its backup resource is ${resource.status}`);
  if (server.holder === resource) server.holder = undefined;
  resource.snapshot?.users.delete(resource);
  if (resource.hasWritten) judgeRestore(state, resource, event === 'deleted' && actor === resource.owner);
  for (const connection of resource.connections) connection.cut(why);
  resource.connections.clear();
  const forgetAtMs = state.agenda.now() + state.settings.endedResourceKeptSeconds * 1000;
  state.agenda.at(forgetAtMs, () => state.resources.delete(resource.id));
}

/** A restore counts as whole only when the one who wrote it says that it is done, in time. */
function judgeRestore(state: WorldState, resource: ResourceRecord, isComplete: boolean): void {
  const { server } = resource;
  if (server.isRestoreIncomplete === !isComplete) return;
  server.isRestoreIncomplete = !isComplete;
  state.journal.append({
    type: 'state',
    entity: 'server',
    id: server.id,
    to: isComplete ? 'restore-complete' : 'restore-incomplete',
    server: server.id,
    detail: { resource: resource.id },
  });
}

function move(state: WorldState, resource: ResourceRecord, event: BackupResourceEvent, why: string): void {
  const from = resource.status;
  const to = nextStatus(from, event);
  if (to === undefined) throw new Error(`a backup resource that is ${from} cannot be ${event}`);
  resource.status = to;
  noteResource(state, resource, from, why);
}

export function noteResource(
  state: WorldState,
  resource: ResourceRecord,
  from: string | undefined,
  why: string,
): void {
  state.journal.append({
    type: 'state',
    entity: 'backup-resource',
    id: resource.id,
    ...(from !== undefined && { from }),
    to: resource.status,
    server: resource.server.id,
    why,
    detail: {
      type: resource.type,
      host: resource.hostId,
      lockTimeSeconds: resource.lockTimeMs / 1000,
      ...(resource.snapshot && { snapshot: resource.snapshot.id }),
    },
  });
}

export function loadByHost(state: WorldState): ReadonlyMap<HostId, number> {
  const load = new Map<HostId, number>();
  for (const { hostId, status } of state.resources.values())
    if (!isEnded(status)) load.set(hostId, (load.get(hostId) ?? 0) + 1);
  return load;
}
