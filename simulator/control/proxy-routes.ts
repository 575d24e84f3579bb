/** The guests of backup proxies: what the platform attached, and what the guests show. */
import { join } from 'node:path';
import { PROXY_OS_NAME } from '../../src/contract/assumed.ts';
import { byIdName, BY_ID, proxyFolder } from '../../src/kernel/guest-folder.ts';
import type { GuestDevice } from '../guest/guest-api.ts';
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
];

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
