/** Who races in a world: one actor per server that is backed up, named by a letter, and what its calls are. */
import { ASSUMED_PATHS, PROXY_OS_NAME } from '../../src/contract/assumed.ts';
import type { HttpRequest } from '../../src/sdk/http-transport.ts';
import type { World } from '../../simulator/domain/world-api.ts';
import type { Act, Step } from './schedule.ts';

export interface Actor {
  /** `A` for the first server. */
  readonly letter: string;
  readonly serverId: string;
  readonly serverName: string;
}

/** The servers of a world that are no proxies, in the order of its inventory. */
export function actorsOf(world: World): readonly Actor[] {
  return world.servers
    .list()
    .filter((server) => !isProxy(world, server.id))
    .map(({ id, name }, at) => ({ letter: letterOf(at), serverId: id, serverName: name }));
}

export function proxiesOf(world: World): readonly { readonly id: string; readonly name: string }[] {
  return world.servers.list().filter(({ id }) => isProxy(world, id));
}

/** Without P, who is the operator. */
const LETTERS = 'ABCDEFGHIJKLMNOQRSTUVWXYZ';

function letterOf(at: number): string {
  const letter = LETTERS[at];
  if (letter === undefined) throw new RangeError(`no more than ${LETTERS.length} servers can race`);
  return letter;
}

/**
 * Names the calls of one engine that are held at the gate; others are `undefined`. A call on disks belongs to the
 * server whose disks they are. A call on the power of a proxy names no server: it is of the job that spoke last.
 */
export function createClassifier(world: World): (request: HttpRequest) => Step | undefined {
  const owners = new Map(
    world.servers.list().flatMap((server) => server.disks.map((disk) => [disk.uuid, server.id] as const)),
  );
  const letters = new Map(actorsOf(world).map(({ serverId, letter }) => [serverId, letter]));
  let last = 'A';
  return (request) => {
    const call = CALLS.find(({ path }) => request.method === 'POST' && path.test(bare(request.path)));
    if (call === undefined) return undefined;
    const isPower = call.act === 'on' || call.act === 'off';
    if (isPower && !isProxy(world, call.path.exec(bare(request.path))?.[1] ?? '')) return undefined;
    const named = wordsOf(request.body).map((word) => letters.get(owners.get(word) ?? word));
    last = named.find((letter) => letter !== undefined) ?? last;
    return { actor: last, act: call.act };
  };
}

const CALLS: readonly { readonly act: Act; readonly path: RegExp }[] = [
  { act: '+', path: pathPattern(ASSUMED_PATHS.hotAdd) },
  { act: '-', path: pathPattern(ASSUMED_PATHS.hotRemove) },
  { act: '+', path: pathPattern(ASSUMED_PATHS.hciHotAdd) },
  { act: '-', path: pathPattern(ASSUMED_PATHS.hciHotRemove) },
  { act: '.', path: pathPattern('/janus/20180725/backup-resources') },
  { act: 'on', path: pathPattern('/janus/20180725/servers/{server_id}/start') },
  { act: 'off', path: pathPattern('/janus/20180725/servers/{server_id}/stop') },
];

function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}$`);
}

function bare(path: string): string {
  return path.split('?')[0] ?? '';
}

/** All texts in a body, however deep. */
function wordsOf(body: string | undefined): readonly string[] {
  const words: string[] = [];
  if (body !== undefined)
    JSON.parse(body, (_, value: unknown) => {
      if (typeof value === 'string') words.push(value);
    });
  return words;
}

function isProxy(world: World, serverId: string): boolean {
  const server = world.servers.list().find(({ id }) => id === serverId);
  return server !== undefined && server.osName === PROXY_OS_NAME;
}
