import { ApiError } from '../../../src/contract/errors.ts';
import { HOT_ADD_OPERATIONS } from '../../../src/contract/operations/hot-add.ts';
import type { GuestExecResult } from '../../../src/contract/schemas/hot-add.ts';
import type { Server, World } from '../../domain/world-api.ts';
import { refuseOlderPool } from '../authorize.ts';
import type { HandlersOf } from '../call.ts';
import { findServer } from '../find-server.ts';
import { parseHciHotAdd, parseHotAdd, refuseTwice } from './parse-hot-add.ts';

const DEFAULT_EXEC_SECONDS = 60;

type Params = Readonly<Record<string, string>>;

/** @throws NOT_FOUND, UNKNOWN_PATH where its pool is too old */
function serverOfCall(
  world: World,
  { server_id: id = '' }: Params,
  operation: keyof typeof HOT_ADD_OPERATIONS,
): Server {
  const server = operation.startsWith('hci.') ? findServer(world, id) : world.servers.get(id);
  refuseOlderPool(world, server.poolId, HOT_ADD_OPERATIONS[operation].minVersion);
  return server;
}

/** @throws NOT_FOUND for a task that is none of a command in this server */
function execResult(world: World, server: Server, taskId: string): GuestExecResult {
  const result = world.guest.execResult(taskId);
  const { serverId, status } = world.tasks.get(taskId);
  if (serverId !== server.id) throw new ApiError('NOT_FOUND', `command of task ${taskId}`);
  return { status, exit_code: result?.exitCode ?? -1, output: result?.output ?? '' };
}

export const HOT_ADD_HANDLERS: HandlersOf<keyof typeof HOT_ADD_OPERATIONS> = {
  'hot-add.add': ({ world, params, body, actor }) => {
    const proxy = serverOfCall(world, params, 'hot-add.add');
    return { task_id: world.hotAdd.add(proxy.id, parseHotAdd(body), actor).taskId };
  },
  'hot-add.remove': ({ world, params, body, actor }) => {
    const proxy = serverOfCall(world, params, 'hot-add.remove');
    return { task_id: world.hotAdd.remove(proxy.id, refuseTwice('disk_ids', body.disk_ids), actor).taskId };
  },
  'hci.hot-add.add': ({ world, params, body, actor }) => {
    const proxy = serverOfCall(world, params, 'hci.hot-add.add');
    return { task_id: world.hotAdd.add(proxy.id, parseHciHotAdd(body), actor).taskId };
  },
  'hci.hot-add.remove': ({ world, params, body, actor }) => {
    const proxy = serverOfCall(world, params, 'hci.hot-add.remove');
    return { task_id: world.hotAdd.remove(proxy.id, refuseTwice('diskIds', body.diskIds), actor).taskId };
  },
  'guest.exec': ({ world, params, body, actor }) => {
    const server = serverOfCall(world, params, 'guest.exec');
    const seconds = body.timeout ?? DEFAULT_EXEC_SECONDS;
    return { task_id: world.guest.exec(server.id, body.command, seconds, actor).taskId };
  },
  'guest.exec-result': ({ world, params }) => {
    const server = serverOfCall(world, params, 'guest.exec-result');
    return execResult(world, server, params.task_id ?? '');
  },
};
