/** A small world with proxies, for the tests of HotAdd: the source's disks on a datastore that all hosts reach. */
import { DEFAULT_SETTINGS } from '../../../simulator/domain/default-settings.ts';
import type { ServerSpec } from '../../../simulator/domain/inventory.ts';
import type { HotAddRequest } from '../../../simulator/domain/hot-add-api.ts';
import type { WorldSettings } from '../../../simulator/domain/world-api.ts';
import { GRAIN, SERVER, type SmallWorld, emptyDisk, finish, serverSpec, smallWorld } from './small-world.ts';

export const PROXY = 'proxy-1';
export const OTHER_PROXY = 'proxy-2';

export function proxySpec(id: string, more: Partial<ServerSpec> = {}): ServerSpec {
  return serverSpec({
    id,
    vmId: `48219000345${id.length}${id.at(-1)}`,
    name: id,
    osName: 'Backup Proxy',
    disks: [emptyDisk('ide0', 4 * GRAIN)],
    ...more,
  });
}

type ProxyWorldOptions = NonNullable<Parameters<typeof smallWorld>[1]> & {
  readonly proxyHostId?: string;
  readonly taskMs?: Partial<WorldSettings['taskMs']>;
};

/** Two disks, `ide0` and `virtio0`, of a server that runs; the proxies run as well. */
export function proxyWorld(
  source: Partial<ServerSpec> = {},
  { proxyHostId = 'host-a', taskMs, ...more }: ProxyWorldOptions = {},
): SmallWorld {
  const disks = [emptyDisk('ide0', 16 * GRAIN), emptyDisk('virtio0', 8 * GRAIN + 512)];
  const place = { hostId: proxyHostId };
  const servers = [serverSpec({ disks, ...source }), proxySpec(PROXY, place), proxySpec(OTHER_PROXY, place)];
  const settings = { taskMs: { ...DEFAULT_SETTINGS.taskMs, ...taskMs }, ...more.settings };
  return smallWorld(servers, { ...more, settings });
}

/** `uuid` of a disk. */
export function uuidOf({ world }: SmallWorld, deviceId: string, server = SERVER): string {
  const disk = world.servers.get(server).disks.find((candidate) => candidate.deviceId === deviceId);
  if (disk === undefined) throw new Error(`no disk ${deviceId}`);
  return disk.uuid;
}

/** A snapshot of the source, and a backup resource that runs. */
export async function lease(small: SmallWorld): Promise<{ snapshotId: string; resourceId: string }> {
  const { world } = small;
  const made = world.snapshots.create(SERVER, { name: 's', description: '' }, 'me');
  await finish(small, made);
  const resource = world.backupResources.create(
    { serverId: SERVER, type: 'backup', lockTimeSeconds: 600 },
    'me',
  );
  await finish(small, resource);
  return { snapshotId: made.snapshotId, resourceId: resource.resourceId };
}

export async function restoreLease(small: SmallWorld): Promise<{ resourceId: string }> {
  const { world } = small;
  const resource = world.backupResources.create(
    { serverId: SERVER, type: 'restore', lockTimeSeconds: 600 },
    'me',
  );
  await finish(small, resource);
  return resource;
}

export function clones(small: SmallWorld, snapshotId: string, ...deviceIds: string[]): HotAddRequest[] {
  return deviceIds.map((deviceId) => ({ diskId: uuidOf(small, deviceId), purpose: 'backup', snapshotId }));
}

export function liveDisks(small: SmallWorld, ...deviceIds: string[]): HotAddRequest[] {
  return deviceIds.map((deviceId) => ({ diskId: uuidOf(small, deviceId), purpose: 'restore' }));
}

export async function bytesOf(
  { world }: SmallWorld,
  diskId: string,
  offset: number,
  length: number,
  proxy = PROXY,
): Promise<string> {
  const pieces = await world.hotAdd.device(proxy, diskId)?.read(offset, length);
  return Buffer.concat(pieces ?? []).toString();
}
