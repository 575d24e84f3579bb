/** The guests of backup proxies: what the platform attached, and what the guests show. */
import { join } from 'node:path';
import { PROXY_OS_NAME } from '../../src/contract/assumed.ts';
import { byIdName, BY_ID, proxyFolder } from '../../src/kernel/guest-folder.ts';
import type { GuestDevice } from '../guest/guest-api.ts';
import { attachDisks, detachDisks } from './attach-disks.ts';
import type { ControlCall, ControlRoute } from './control-api.ts';
import { worldOf } from './find-world.ts';

export const PROXY_ROUTES: readonly ControlRoute[] = [
  {
    method: 'GET',
    path: '/worlds/:world/guests',
    summary:
      'Lists the backup proxies: disks that the platform attached, devices that the guest shows, and where to open them',
    run: listGuests,
  },
  {
    method: 'POST',
    path: '/worlds/:world/guests/:proxy/attach',
    summary:
      'Hot-adds linked clones of a server’s disks to a running proxy, as a backup product would; waits until the guest shows them',
    body: {
      type: 'object',
      required: ['server'],
      properties: {
        server: { type: 'string', description: 'id or name of the server whose disks they are' },
        snapshot: { type: 'string', description: 'id of one of its snapshots; a new one when absent' },
      },
    },
    run: attach,
  },
  {
    method: 'POST',
    path: '/worlds/:world/guests/:proxy/detach',
    summary: 'Takes all hot-added disks off the proxy; waits until its guest has let them go',
    run: detach,
  },
];

async function attach(call: ControlCall) {
  const stage = worldOf(call);
  const { world } = stage;
  const { server, snapshot } = call.body as { server: string; snapshot?: string };
  const proxy = world.servers.find(call.params['proxy'] ?? '');
  const { snapshotId, disks } = await attachDisks(stage, proxy, world.servers.find(server), snapshot);
  const guest = listGuests(call).find(({ id }) => id === proxy.id);
  const devices = guest?.devices.filter(({ diskId }) => disks.includes(diskId)) ?? [];
  return { proxy: proxy.name, snapshot: snapshotId, devices };
}

async function detach(call: ControlCall) {
  const stage = worldOf(call);
  const proxy = stage.world.servers.find(call.params['proxy'] ?? '');
  await detachDisks(stage, proxy);
  return { proxy: proxy.name, devices: [] };
}

function listGuests(call: ControlCall) {
  const { world, guests } = worldOf(call);
  world.settle();
  const folder = call.host.guestFolder?.(world.id);
  return world.servers
    .list()
    .filter(({ osName }) => osName === PROXY_OS_NAME)
    .map(({ id, name, status }) => {
      const root = folder === undefined ? undefined : proxyFolder(folder, name);
      return {
        id,
        name,
        status,
        ...(root === undefined ? {} : { folder: root }),
        attached: world.hotAdd.list(id),
        devices: guests.devices(id).map((device) => ({ ...device, ...pathOf(root, device) })),
      };
    });
}

/** Under the level qemu there is nothing at these places: a real guest has its devices inside. */
function pathOf(root: string | undefined, { name, serial }: GuestDevice): { readonly path?: string } {
  if (root === undefined) return {};
  const link = byIdName(name, serial);
  return { path: link === undefined ? join(root, 'dev', name) : join(root, BY_ID, link) };
}
