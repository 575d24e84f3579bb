/**
 * Power of a server.
 *
 * @source SCP OpenAPI 6.11.1, start and stop; product documentation, recovery: the server must be off while its disks
 *   are written
 * @fidelity documented; the transient states and the refusals' wording are assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { TaskId } from '../../src/kernel/ids.ts';
import { detachWhere, isLent } from './hot-added-disk.ts';
import type { ServerStatus } from './world-api.ts';
import { type ServerRecord, type WorldState, refuseBusy } from './world-state.ts';

/** From which states a server may be started or stopped. */
const ALLOWED = {
  start: ['stopped', 'suspended'],
  stop: ['running', 'suspended'],
} as const satisfies Record<string, readonly ServerStatus[]>;

/** A power cut does not wait for the guest. */
const FORCED_STOP_MS = 500;

/** @throws SERVER_BUSY, SERVER_LOCKED, SERVER_STATE, RESTORE_INCOMPLETE, DISK_ATTACHED (to a proxy) */
export function startServer(state: WorldState, server: ServerRecord): { taskId: TaskId } {
  refuseBusy(server);
  refuseState(server, ALLOWED.start);
  if (server.holder?.type === 'restore') throw new ApiError('SERVER_LOCKED', server.name);
  if (server.isRestoreIncomplete) throw new ApiError('RESTORE_INCOMPLETE', server.name);
  if (isLent(state, server)) throw new ApiError('DISK_ATTACHED', `disks of ${server.name}`);
  return runPowerTask(state, server, 'start', state.settings.taskMs.start);
}

/** @throws SERVER_BUSY, SERVER_STATE */
export function stopServer(state: WorldState, server: ServerRecord, force: boolean): { taskId: TaskId } {
  refuseBusy(server);
  refuseState(server, ALLOWED.stop);
  const { stop } = state.settings.taskMs;
  return runPowerTask(state, server, 'stop', force ? Math.min(stop, FORCED_STOP_MS) : stop);
}

/** Off at once, whatever it was doing; a task that works on it goes on to its end. */
export function crashServer(state: WorldState, server: ServerRecord): void {
  if (server.status !== 'stopped') setServerStatus(state, server, 'stopped', 'it crashed');
}

export function setServerStatus(
  state: WorldState,
  server: ServerRecord,
  to: ServerStatus,
  why: string,
): void {
  const from = server.status;
  server.status = to;
  // @source product documentation 6.11.3, HotAdd: powering the proxy off removes its hot-added disks
  if (to === 'stopped') detachWhere(state, (disk) => disk.proxy === server, 'the proxy is powered off');
  server.startedAtMs =
    to === 'running' ? state.agenda.now() : to === 'stopped' ? undefined : server.startedAtMs;
  state.journal.append({ type: 'state', entity: 'server', id: server.id, from, to, server: server.id, why });
}

function runPowerTask(
  state: WorldState,
  server: ServerRecord,
  action: 'start' | 'stop',
  durationMs: number,
): { taskId: TaskId } {
  const { status: before, startedAtMs } = server;
  setServerStatus(state, server, action === 'start' ? 'starting' : 'stopping', action);
  const taskId = state.tasks.start({
    action,
    objectType: 'VM',
    objectId: server.id,
    objectName: server.name,
    server,
    durationMs,
    finish: () => setServerStatus(state, server, action === 'start' ? 'running' : 'stopped', action),
    undo() {
      setServerStatus(state, server, before, `${action} came to nothing`);
      server.startedAtMs = startedAtMs;
    },
  });
  return { taskId };
}

function refuseState(server: ServerRecord, allowed: readonly ServerStatus[]): void {
  if (!allowed.includes(server.status)) throw new ApiError('SERVER_STATE', server.status);
}
