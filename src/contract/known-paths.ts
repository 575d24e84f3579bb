/**
 * Every path of the vendor's OpenAPI 6.11.1, with its methods. What is here and not in `operations.ts` answers 501,
 * so that the coverage of the simulator can be counted.
 * @source SCP OpenAPI 6.11.1, paths
 * @fidelity documented
 */
export const KNOWN_PATHS: readonly string[] = [
  'GET /janus/20180725/accelerators/azs/{az_id}/gpu',
  'GET /janus/20180725/accelerators/azs/{az_id}/gpu/support-type',
  'GET /janus/20180725/azs',
  'PUT /janus/20180725/azs/{az_id}/ani/flow',
  'GET,POST /janus/20180725/azs/{az_id}/g2hproxy',
  'DELETE,GET,PUT /janus/20180725/azs/{az_id}/g2hproxy/{proxy_id}',
  'GET /janus/20180725/azs/{az_id}/storage-policies',
  'POST /janus/20180725/backup-resources',
  'GET /janus/20180725/backup-resources/supports',
  'DELETE,GET,PUT /janus/20180725/backup-resources/{backup_resources_id}',
  'GET /janus/20180725/clusters/{cluster_id}/files/download',
  'POST /janus/20180725/clusters/{cluster_id}/files/upload',
  'GET /janus/20180725/clusters/{cluster_id}/password',
  'POST /janus/20180725/consistency-groups/{cg_id}/snapshots',
  'DELETE,PUT /janus/20180725/consistency-groups/{cg_id}/snapshots/{snap_id}',
  'POST /janus/20180725/consistency-groups/{cg_id}/snapshots/{snap_id}/recovery',
  'GET /janus/20180725/hosts/{host_id}/interfaces',
  'POST /janus/20180725/images',
  'POST /janus/20180725/images/action',
  'PUT /janus/20180725/images/{image_id}',
  'PUT /janus/20180725/images/{image_id}/upload',
  'GET /janus/20180725/licenses/clusters/{cluster_id}/summary',
  'GET /janus/20180725/platform',
  'POST /janus/20180725/projects/{project_id}/azs',
  'DELETE /janus/20180725/projects/{project_id}/azs/{az_id}',
  'POST /janus/20180725/servers/action',
  'POST /janus/20180725/servers/config',
  'POST /janus/20180725/servers/groups',
  'DELETE,PUT /janus/20180725/servers/groups/{group_id}',
  'GET,POST /janus/20180725/servers/tags',
  'DELETE,PUT /janus/20180725/servers/tags/{tag_id}',
  'DELETE /janus/20180725/servers/{server_id}',
  'GET,POST /janus/20180725/servers/{server_id}/backups',
  'DELETE,GET,PUT /janus/20180725/servers/{server_id}/backups/{backup_id}',
  'POST /janus/20180725/servers/{server_id}/backups/{backup_id}/recover',
  'GET /janus/20180725/servers/{server_id}/cbt/changed-areas',
  'GET,PUT /janus/20180725/servers/{server_id}/cbt/status',
  'PUT /janus/20180725/servers/{server_id}/config',
  'POST /janus/20180725/servers/{server_id}/merge-backup-data',
  'POST /janus/20180725/servers/{server_id}/migrate',
  'POST /janus/20180725/servers/{server_id}/rebase-backing-file',
  'POST /janus/20180725/servers/{server_id}/reboot',
  'POST /janus/20180725/servers/{server_id}/remote-consoles',
  'POST /janus/20180725/servers/{server_id}/restore',
  'POST /janus/20180725/servers/{server_id}/server-password',
  'POST /janus/20180725/servers/{server_id}/snapshots/action',
  'DELETE,GET,PUT /janus/20180725/servers/{server_id}/snapshots/{snapshot_id}',
  'POST /janus/20180725/servers/{server_id}/snapshots/{snapshot_id}/recovery',
  'POST /janus/20180725/servers/{server_id}/start',
  'POST /janus/20180725/servers/{server_id}/stop',
  'POST /janus/20180725/servers/{server_id}/suspend',
  'GET,POST /janus/20180725/snapshots/policies',
  'GET /janus/20180725/snapshots/policies/settings',
  'DELETE,PUT /janus/20180725/snapshots/policies/{snapshot_policy_id}',
  'POST /janus/20180725/storages/attachnfs',
  'GET /janus/20180725/storages/physical-disks',
  'PUT /janus/20180725/storages/physical-disks/{volume_id}',
  'GET /janus/20180725/storages/tags',
  'DELETE /janus/20180725/storages/{storage_id}',
  'GET /janus/20180725/system/version',
  'GET,POST /janus/20180725/tasks',
  'GET,PUT /janus/20180725/tasks/{task_id}',
  'GET,POST /janus/20180725/volumes',
  'DELETE,GET /janus/20180725/volumes/{volume_id}',
  'GET /janus/20190725/clusters/{cluster_id}',
  'POST /janus/20190725/consistency-groups/{cg_id}/snapshots/{snap_id}/clone',
  'POST /janus/20190725/servers/{server_id}/allocation',
  'POST /janus/20190725/servers/{server_id}/clone',
  'POST /janus/20190725/servers/{server_id}/snapshots',
  'GET /janus/20200725/azs/{az_id}',
  'GET /janus/20200725/images',
  'GET /janus/20200725/storages',
  'GET /janus/20210725/clusters',
  'PUT /janus/20210725/servers/{server_id}',
  'GET /janus/20210725/servers/{server_id}/snapshots',
  'GET /janus/20220725/accelerators/azs/{az_id}/gpu/slice-types',
  'POST /janus/20220725/servers',
  'GET /janus/20240725/hosts',
  'GET /janus/20240725/servers',
  'GET /janus/20240725/servers/{server_id}',
  'POST /janus/20240725/storages/actions/attach',
  'GET /janus/20240725/storages/actions/check-datastore',
  'GET,POST /janus/20240725/storages/servers',
  'POST /janus/20240725/storages/servers/actions/target-authenticate',
  'DELETE,PUT /janus/20240725/storages/servers/{server_id}',
  'GET /janus/public-key',
  'GET /janus/v2/public-key',
  'DELETE /janus/v20180725/images/{image_id}',
];

/** Whether the product knows this call, whatever the simulator does with it. `method` in upper case. */
export function isKnownCall(method: string, path: string): boolean {
  return matchers().some((known) => known.methods.includes(method) && known.path.test(path));
}

let cache: readonly { methods: readonly string[]; path: RegExp }[] | undefined;

function matchers(): readonly { methods: readonly string[]; path: RegExp }[] {
  cache ??= KNOWN_PATHS.map((line) => {
    const [methods = '', template = ''] = line.split(' ');
    return { methods: methods.split(','), path: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`) };
  });
  return cache;
}
