/** The server that a job names, by id or by name. */
import type { ScpClient, ServerItem } from '../sdk/scp-client-api.ts';
import { Refusal } from './job-failed.ts';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** @throws Refusal when there is none, or several of that name */
export async function findServer(scp: ScpClient, nameOrId: string): Promise<ServerItem> {
  return onlyServer(await serversCalled(scp, nameOrId), nameOrId);
}

/** @throws Refusal when there is none, or several */
export function onlyServer(named: readonly ServerItem[], nameOrId: string): ServerItem {
  const [server, second] = named;
  if (server === undefined)
    throw new Refusal(
      `there is no server ${nameOrId}`,
      'check the name, and that the account may see the server',
    );
  if (second !== undefined)
    throw new Refusal(
      `${named.length} servers are named ${nameOrId}`,
      'give the id of the one that is meant',
    );
  return server;
}

/** The one of this id, or all of this name. */
export async function serversCalled(scp: ScpClient, nameOrId: string): Promise<readonly ServerItem[]> {
  const byId = UUID.test(nameOrId) ? await scp.serverById(nameOrId) : undefined;
  return byId === undefined ? scp.serversNamed(nameOrId) : [byId];
}
