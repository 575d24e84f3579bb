/** Servers as the HCI calls name them: by the platform's id or by HCI's own. */
import { ApiError } from '../../src/contract/errors.ts';
import type { Server, World } from '../domain/world-api.ts';

/** HCI's own ids. @source SCP OpenAPI 6.11.1, servers, vm_id */
const HCI_ID = /^\d{13}$/;

/** @throws NOT_FOUND */
export function findServer(world: World, id: string): Server {
  if (!HCI_ID.test(id)) return world.servers.get(id);
  const server = world.servers.list().find(({ vmId }) => vmId === id);
  if (server === undefined) throw new ApiError('NOT_FOUND', `server ${id}`);
  return server;
}
