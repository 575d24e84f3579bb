/** The client's calls round HotAdd: which proxy VM, what it holds, disks added and removed. */
import { HOT_ADD } from '../contract/assumed.ts';
import { type BoundCall, readTaskStarted } from './bound-call.ts';
import { readAllPages } from './paging.ts';
import { readServerConfiguration, readServerItem } from './parse-inventory.ts';
import type { HotAddRequest, ScpClient } from './scp-client-api.ts';

export function hotAddCalls(
  call: BoundCall,
): Pick<
  ScpClient,
  'serversOnHost' | 'serverConfiguration' | 'stopServer' | 'hotAddDisks' | 'hotRemoveDisks'
> {
  return {
    async serversOnHost(hostId) {
      const found = await readAllPages(call, 'servers.list', { host_id: hostId }, readServerItem);
      // A platform that does not know a filter takes it and ignores it.
      return found.filter((server) => server.hostId === hostId);
    },
    serverConfiguration: async (serverId) =>
      readServerConfiguration(await call('servers.get', { params: { server_id: serverId } })),
    async stopServer(serverId) {
      const spec = { params: { server_id: serverId }, body: { force: 0 } };
      return readTaskStarted('servers.stop', await call('servers.stop', spec));
    },
    async hotAddDisks(proxyId, disks) {
      const spec = { params: { server_id: proxyId }, body: { disks: disks.map(diskFields) } };
      return readTaskStarted('hot-add.add', await call('hot-add.add', spec));
    },
    async hotRemoveDisks(proxyId, diskIds) {
      const spec = {
        params: { server_id: proxyId },
        body: { action: HOT_ADD.removeAction, disk_ids: diskIds },
      };
      return readTaskStarted('hot-add.remove', await call('hot-add.remove', spec));
    },
  };
}

function diskFields({ diskId, purpose, snapshotId, sourceServerId }: HotAddRequest) {
  return {
    disk_id: diskId,
    application_type: HOT_ADD.applicationType[purpose],
    source_server_id: sourceServerId,
    ...(snapshotId !== undefined && { snapshot_id: snapshotId }),
  };
}
