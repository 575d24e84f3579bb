/** The servers that a user has named or tagged. */
import type { Json } from '../../src/kernel/journal.ts';
import type { ScpClient, ServerItem } from '../../src/sdk/scp-client-api.ts';
import { at, envelopeOf, listOf } from './read-answer.ts';
import { createRawGet, type LiveAccess } from './live-client.ts';

export interface ServerChoice {
  /** Names or ids. */
  readonly names: readonly string[];
  readonly tags: readonly string[];
}

/** @throws RangeError for a name that no server has, or that several have; for a tag that no server bears */
export async function findServers(
  client: ScpClient,
  access: LiveAccess,
  { names, tags }: ServerChoice,
): Promise<readonly ServerItem[]> {
  const found = new Map<string, ServerItem>();
  for (const name of names) {
    const server = await findOne(client, name);
    found.set(server.id, server);
  }
  if (tags.length > 0)
    for (const id of await findTagged(access, tags)) {
      const server = await client.serverById(id);
      if (server !== undefined) found.set(id, server);
    }
  return [...found.values()];
}

async function findOne(client: ScpClient, name: string): Promise<ServerItem> {
  const named = await client.serversNamed(name);
  if (named.length > 1)
    throw new RangeError(`${named.length} servers are called ${name}; give the id of one`);
  const server = named[0] ?? (await client.serverById(name));
  if (server === undefined) throw new RangeError(`no server is called ${name}, and none has it as its id`);
  return server;
}

const PAGE = 100;

async function findTagged(access: LiveAccess, tags: readonly string[]): Promise<readonly string[]> {
  const get = createRawGet(access);
  const ids: string[] = [];
  const unseen = new Set(tags);
  for (let page = 0; ; page++) {
    const { body } = await get('servers.list', { query: { page_num: page, page_size: PAGE } });
    const { data } = envelopeOf(body);
    for (const item of listAt(data, 'data')) {
      const borne = listAt(item, 'tags').map((tag) => at(tag, 'name'));
      const hits = tags.filter((tag) => borne.includes(tag));
      for (const tag of hits) unseen.delete(tag);
      const id = at(item, 'id');
      if (hits.length > 0 && typeof id === 'string') ids.push(id);
    }
    const next = at(data, 'next_page_num');
    if (typeof next !== 'string' || next === '') break;
  }
  const [missing] = unseen;
  if (missing !== undefined) throw new RangeError(`no server bears the tag ${missing}`);
  return ids;
}

const listAt = (value: Json | undefined, key: string): readonly Json[] => listOf(at(value, key));
