/**
 * Commands in the guest of a running server, through vmtools.
 *
 * @source product documentation 6.11.3, set-up of backup proxies: a command is run in a guest that has vmtools
 * @fidelity documented that it exists; path, fields, limits and the moment at which it runs are assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import { whileHolding } from '../../src/kernel/clock.ts';
import type { TaskId } from '../../src/kernel/ids.ts';
import type { RunningTask } from './task-record.ts';
import type { GuestExecResult } from './hot-add-api.ts';
import type { Guest } from './world-api.ts';
import { type ServerRecord, type WorldState, serverOf } from './world-state.ts';

/** What a shell says of a command that it does not have. */
const NO_SHELL: GuestExecResult = { exitCode: 127, output: 'this guest has no shell\n' };
const MAX_TIMEOUT_SECONDS = 86_400;
const KEPT_RESULTS = 1_000;

export function createGuestExec(state: WorldState): Pick<Guest, 'exec' | 'execResult'> {
  const results = new Map<TaskId, GuestExecResult | undefined>();
  const keep = (taskId: TaskId, result: GuestExecResult | undefined): void => {
    results.set(taskId, result);
    const [oldest] = results.keys();
    if (results.size > KEPT_RESULTS && oldest !== undefined) results.delete(oldest);
  };
  return {
    exec(serverId, command, timeoutSeconds) {
      const server = serverOf(state, serverId);
      checkCommand(command, timeoutSeconds);
      refuseNoTools(server);
      const taskId = state.tasks.start({
        action: 'guest.exec',
        objectType: 'VM',
        objectId: server.id,
        objectName: server.name,
        server,
        durationMs: state.settings.taskMs['guest.exec'],
        leavesServerFree: true,
        endsLater: true,
        finish: (task) =>
          runCommand(state, server, { command, timeoutSeconds }, task, (result) => keep(task.id, result)),
      });
      keep(taskId, undefined);
      return { taskId };
    },
    execResult(taskId) {
      state.agenda.settle();
      if (!results.has(taskId as TaskId)) throw new ApiError('NOT_FOUND', `command of task ${taskId}`);
      return results.get(taskId as TaskId);
    },
  };
}

function checkCommand(command: string, timeoutSeconds: number): void {
  if (command === '') throw new ApiError('INVALID_PARAMETER', 'command');
  if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 1 || timeoutSeconds > MAX_TIMEOUT_SECONDS)
    throw new ApiError('INVALID_PARAMETER', `timeout must be an integer from 1 to ${MAX_TIMEOUT_SECONDS}`);
}

/** The tools of a server that is off do not run. */
function refuseNoTools(server: ServerRecord): void {
  if (server.status !== 'running') throw new ApiError('SERVER_STATE', server.status);
  if (server.vmtools !== 1) throw new ApiError('NO_VMTOOLS', server.name);
}

function runCommand(
  state: WorldState,
  server: ServerRecord,
  { command, timeoutSeconds }: { readonly command: string; readonly timeoutSeconds: number },
  task: RunningTask,
  keep: (result: GuestExecResult | undefined) => void,
): void {
  refuseNoTools(server);
  const answer = state.guestPort.exec?.(server.id, command) ?? NO_SHELL;
  let isOver = false;
  const end = (failure?: ApiError, result?: GuestExecResult): void => {
    if (isOver) return;
    isOver = true;
    deadline.cancel();
    keep(result);
    task.end(failure);
  };
  const deadline = state.agenda.at(state.agenda.now() + timeoutSeconds * 1000, () =>
    end(new ApiError('UNAVAILABLE', `the command did not end within ${timeoutSeconds} s`)),
  );
  if (!(answer instanceof Promise)) return end(undefined, answer);
  whileHolding(state.clock, () => answer).then(
    (result) => end(undefined, result),
    (error: unknown) => end(new ApiError('UNAVAILABLE', `the guest: ${String(error)}`)),
  );
}
