import { ApiError } from '../../../src/contract/errors.ts';
import type { HandlersOf } from '../call.ts';
import { findServer } from '../find-server.ts';
import { pageOfItems } from '../list-page.ts';
import { serverDetail } from '../views/server-detail-view.ts';
import { itemOfDate, serverItem } from '../views/server-item-view.ts';
import { parseServerConfig } from './parse-server-config.ts';
import { serverFilter } from './server-filters.ts';
import { isSet } from './switches.ts';

const NEWEST = '20240725';

export const SERVER_HANDLERS: HandlersOf<
  | 'servers.list'
  | 'servers.get'
  | 'servers.start'
  | 'servers.stop'
  | 'servers.edit'
  | 'servers.delete'
  | 'servers.create-from-config'
> = {
  'servers.list': ({ world, query, date = NEWEST }) => {
    const servers = world.servers.list().filter(serverFilter(query));
    return pageOfItems(servers, (server) => itemOfDate(serverItem(world, server), date), query);
  },
  'servers.get': ({ world, params: { server_id: id = '' }, date }) =>
    // Paths of HCI have no date.
    serverDetail(world, date === undefined ? findServer(world, id) : world.servers.get(id)),
  'servers.start': ({ world, params, actor }) => ({
    task_id: world.servers.start(params.server_id ?? '', actor).taskId,
  }),
  'servers.stop': ({ world, params, body, actor }) => ({
    task_id: world.servers.stop(params.server_id ?? '', { force: isSet(body.force) }, actor).taskId,
  }),
  'servers.edit': ({ world, params, body, actor }) => {
    const change = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.description === undefined ? {} : { description: body.description }),
      ...(body.os_name === undefined ? {} : { osName: body.os_name }),
    };
    return { task_id: world.servers.edit(params.server_id ?? '', change, actor).taskId };
  },
  'servers.delete': ({ world, params, actor }) => ({
    task_id: world.servers.delete(params.server_id ?? '', actor).taskId,
  }),
  'servers.create-from-config': ({ world, body, actor }) => {
    const config = parseServerConfig(body);
    if (!world.pools.some(({ id }) => id === config.poolId))
      throw new ApiError('INVALID_PARAMETER', 'az_id: no such resource pool');
    const { taskId, serverId } = world.servers.createFromConfig(config, actor);
    return { task_id: taskId, uuid: serverId };
  },
};
