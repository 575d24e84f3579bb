/** Where a call is, as a planned fault asks: which operation, which server, which disk. */
import type { Json } from '../../src/kernel/journal.ts';
import type { Server, World } from '../domain/world-api.ts';
import type { FaultPoint } from '../fault/fault-api.ts';
import type { RawCall } from './call.ts';

/** The server of a HotAdd call is its proxy. `actor`: access key or user name. */
export function pointOf(
  world: World,
  on: string,
  call: RawCall,
  body: Json | undefined,
  actor: string,
): FaultPoint {
  const named = serverIdOf(world, call, body);
  const server = named === undefined ? undefined : serverNamed(world, named, call);
  const serverId = server?.id ?? named;
  const deviceId = call.query.disk_id;
  const resourceId = call.params.backup_resources_id;
  return {
    on,
    actor,
    ...(resourceId === undefined ? {} : { resourceId }),
    ...(serverId ? { serverId } : {}),
    ...(server ? { serverName: server.name } : {}),
    ...(typeof deviceId === 'string' ? { deviceId } : {}),
  };
}

/** Servers whose backup resources a call works under: its own server, and the owners of disks that it names. */
export function holdersOf(
  world: World,
  serverId: string,
  call: RawCall,
  body: Json | undefined,
): ReadonlySet<string> {
  if (call.operation?.includes('hot-add') !== true) return new Set([serverId]);
  const diskIds = diskIdsOf(body);
  const owns = ({ disks }: Server): boolean =>
    disks.some(({ uuid, purpose }) => purpose === 'normal' && diskIds.has(uuid));
  return new Set(
    world.servers
      .list()
      .filter(owns)
      .map(({ id }) => id),
  );
}

/** Of adding and removing, at both doors; nothing is checked yet. */
function diskIdsOf(body: Json | undefined): ReadonlySet<unknown> {
  const fields = (body ?? {}) as { readonly [key: string]: unknown };
  const added = [fields.disks ?? []].flat() as readonly { disk_id?: unknown; diskId?: unknown }[];
  const removed = [fields.disk_ids ?? fields.diskIds ?? []].flat();
  return new Set([...added.map((disk) => disk?.disk_id ?? disk?.diskId), ...removed]);
}

function serverNamed(world: World, id: string, { path }: RawCall): Server | undefined {
  const isHci = path.startsWith('/hci/');
  return world.servers.list().find((server) => server.id === id || (isHci && server.vmId === id));
}

function serverIdOf(world: World, call: RawCall, body: Json | undefined): string | undefined {
  const { server_id: inPath, backup_resources_id: resourceId } = call.params;
  const inQuery = call.query.server_id;
  const inBody = (body as { server_id?: Json } | null | undefined)?.server_id;
  const named = inPath ?? (typeof inQuery === 'string' ? inQuery : inBody);
  if (typeof named === 'string') return named;
  return world.backupResources.list().find(({ id }) => id === resourceId)?.serverId;
}
