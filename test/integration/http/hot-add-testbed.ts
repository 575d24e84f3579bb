/** A proxy VM, a server whose disks it reaches, and the two doors through which disks are hot-added to it. */
import { operationPath } from '../../../src/contract/operations.ts';
import type { InventorySpec, ServerSpec } from '../../../simulator/domain/inventory.ts';
import type { Server } from '../../../simulator/domain/world-api.ts';
import { createProductApi } from '../../../simulator/http/product-api.ts';
import { type Answer, createTestbed, first, type Testbed, type TestbedOptions } from './api-testbed.ts';
import { signed } from './sign.ts';

/** A disk of an add, in SCP's names; `hciDisk` has HCI's. */
export interface DiskBody {
  readonly disk_id?: unknown;
  readonly application_type?: unknown;
  readonly snapshot_id?: unknown;
  readonly source_server_id?: unknown;
}

export interface Door {
  readonly name: 'SCP' | 'HCI';
  /** What an error's envelope is there. */
  refusal(status: number, message: unknown): unknown;
  add(disks: unknown, options?: DoorOptions): Promise<Answer>;
  remove(diskIds: unknown, options?: DoorOptions): Promise<Answer>;
}

interface DoorOptions {
  /** The proxy when absent. */
  readonly serverId?: string;
  readonly headers?: Record<string, string>;
}

export interface HotAddTestbed extends Testbed {
  readonly proxy: Server;
  readonly doors: Readonly<Record<Door['name'], Door>>;
  /** Ends the task of a call, and returns its status and reason. */
  outcome(answer: Answer): Promise<{ status: string; description: string }>;
  /** A snapshot of the server and a backup resource that runs. */
  lease(type?: 'backup' | 'restore'): Promise<{ snapshotId: string; resourceId: string }>;
  /** Clones of the snapshot for these slots of the server, or for all. */
  clones(snapshotId: string, ...deviceIds: string[]): DiskBody[];
  diskId(deviceId: string, server?: Server): string;
  attached(): string[];
}

export const DOORS = [{ door: 'SCP' }, { door: 'HCI' }] as const;

export function createHotAddTestbed(options: TestbedOptions = {}): HotAddTestbed {
  const testbed = createTestbed(options);
  const { world, call, finish, server } = testbed;
  const proxy = first(world.servers.list().filter(({ name }) => name === 'backup-proxy-1'));
  const diskId: HotAddTestbed['diskId'] = (deviceId, owner = server) =>
    first(owner.disks.filter((disk) => disk.deviceId === deviceId)).uuid;
  const done = async (answer: Answer): Promise<Record<string, unknown>> => {
    if ((await finish(answer.body.data.task_id)) !== 'finish') throw new Error(answer.body.message);
    return answer.body.data;
  };
  return {
    ...testbed,
    proxy,
    doors: { SCP: scpDoor(testbed, proxy), HCI: hciDoor(testbed, proxy) },
    diskId,
    async outcome({ body }) {
      const status = await finish(body.data.task_id);
      return { status, description: world.tasks.get(String(body.data.task_id)).description };
    },
    async lease(type = 'backup') {
      const server_id = server.id;
      const taken = await done(await call('snapshots.create', { server_id }, { body: { name: 's' } }));
      if (type === 'restore') await done(await call('servers.stop', { server_id }, { body: { force: 1 } }));
      const body = { server_id, type, lock_time: 600 };
      const made = await done(await call('backup-resources.create', {}, { body }));
      return { snapshotId: String(taken.resource_id), resourceId: String(made.resource_id) };
    },
    clones: (snapshot_id, ...deviceIds) =>
      (deviceIds.length === 0 ? server.disks.map((disk) => disk.deviceId as string) : deviceIds).map(
        (deviceId) => ({
          disk_id: diskId(deviceId),
          application_type: 'backup',
          snapshot_id,
          source_server_id: server.id,
        }),
      ),
    attached: () => world.hotAdd.list(proxy.id).map(({ id }) => id),
  };
}

/** The inventory with all proxies changed. */
export const withProxy =
  (change: (proxy: ServerSpec) => Partial<ServerSpec>) =>
  (inventory: InventorySpec): InventorySpec => ({
    ...inventory,
    servers: inventory.servers.map((one) => (one.osName === '' ? one : { ...one, ...change(one) })),
  });

/** The inventory in one pool of another version. */
export const withPoolVersion =
  (version: string) =>
  (inventory: InventorySpec): InventorySpec => ({
    ...inventory,
    pools: inventory.pools.map((pool) => ({ ...pool, version })),
  });

function scpDoor({ call }: Testbed, proxy: Server): Door {
  return {
    name: 'SCP',
    refusal: (status, message) => ({ errcode: String(status), message, data: {} }),
    add: (disks, { serverId = proxy.id, ...rest } = {}) =>
      call('hot-add.add', { server_id: serverId }, { body: { disks }, ...rest }),
    remove: (disk_ids, { serverId = proxy.id, ...rest } = {}) =>
      call('hot-add.remove', { server_id: serverId }, { body: { action: 'delete', disk_ids }, ...rest }),
  };
}

/** The listener of HCI, which has nothing else; servers are named by their HCI ids there. */
function hciDoor({ registry, clock, credential, world }: Testbed, proxy: Server): Door {
  const app = createProductApi({ worlds: registry, clock, surface: 'hci' });
  const hciId = (id: unknown): unknown => world.servers.list().find((one) => one.id === id)?.vmId ?? id;
  const post = async (
    operation: 'hci.hot-add.add' | 'hci.hot-add.remove',
    body: unknown,
    { serverId = proxy.id, headers = {} }: DoorOptions,
  ): Promise<Answer> => {
    const path = operationPath(operation, { server_id: String(hciId(serverId)) });
    const payload = JSON.stringify(body);
    const auth =
      'Authorization' in headers ? {} : signed({ method: 'POST', path, body: payload, ...credential });
    const reply = await clock.run(
      app.inject({
        method: 'POST',
        url: path,
        headers: { 'Content-Type': 'application/json', ...auth, ...headers },
        payload,
      }),
    );
    return { status: reply.statusCode, body: reply.json() };
  };
  const hciDisk = (disk: unknown): unknown => {
    if (typeof disk !== 'object' || disk === null || Array.isArray(disk)) return disk;
    const { disk_id, application_type, snapshot_id, source_server_id } = disk as DiskBody;
    return {
      diskId: disk_id,
      applicationType: application_type,
      snapshotId: snapshot_id,
      sourceVmId: hciId(source_server_id),
    };
  };
  return {
    name: 'HCI',
    refusal: (status, message) => ({ code: status, message, data: {} }),
    add: (disks, options = {}) =>
      post('hci.hot-add.add', { disks: Array.isArray(disks) ? disks.map(hciDisk) : disks }, options),
    remove: (diskIds, options = {}) => post('hci.hot-add.remove', { diskIds }, options),
  };
}
