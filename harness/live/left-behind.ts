/** Asks a live platform whether anything of a run is still there. */
import type { ScpClient, ServerItem } from '../../src/sdk/scp-client-api.ts';
import { isNotFound } from '../../src/sdk/scp-error.ts';
import type { Own } from './guard.ts';

export interface LeftBehindOptions {
  /** One that only reads. */
  readonly client: ScpClient;
  readonly tag: string;
  readonly servers: readonly ServerItem[];
  readonly own: Own;
  /** Ids of servers whose tracking was off before. */
  readonly tracked: readonly string[];
}

/** One line for each thing; empty is right. */
export async function findLeftBehind(options: LeftBehindOptions): Promise<readonly string[]> {
  const { client, tag, servers, own, tracked } = options;
  const left: string[] = [];
  for (const server of servers)
    for (const { name, id } of await client.snapshots(server.id))
      if (name.startsWith(`${tag}-`)) left.push(`snapshot ${name} (${id}) of ${server.name}`);
  for (const id of own.resources) {
    const status = await lockStatus(client, id);
    if (HOLDS.has(status)) left.push(`backup resource ${id}, ${status}`);
  }
  for (const id of own.servers) {
    const server = await client.serverById(id);
    if (server !== undefined) left.push(`server ${server.name} (${id})`);
  }
  for (const id of tracked) {
    const { enabledDisks } = await client.cbtStatus(id);
    if (enabledDisks.size > 0) left.push(`change tracking of ${id}, which was off before`);
  }
  return left;
}

const HOLDS: ReadonlySet<string> = new Set(['pending', 'running', 'occupied']);

async function lockStatus(client: ScpClient, id: string): Promise<string> {
  try {
    return (await client.backupResource(id)).status;
  } catch (error) {
    if (isNotFound(error)) return 'gone';
    throw error;
  }
}
