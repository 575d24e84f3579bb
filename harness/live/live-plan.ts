/** What a live run would ask of the platform, call by call, from a look that changes nothing. */
import { operationOf, type OperationName, operationPath } from '../../src/contract/operations.ts';
import type { Json } from '../../src/kernel/journal.ts';
import type { ScpClient, ServerItem } from '../../src/sdk/scp-client-api.ts';
import type { Transport } from '../../src/engine/engine-api.ts';
import { type LiveSettings, RESTORED_NAME } from './live-settings.ts';

export interface PlannedCall {
  readonly method: string;
  /** What the platform will name only then stands in braces. */
  readonly path: string;
  readonly body?: Json;
  readonly operation: OperationName;
  readonly isChange: boolean;
  /** When there may be more than one, or none. */
  readonly times?: string;
}

export interface PlannedJob {
  readonly title: string;
  readonly calls: readonly PlannedCall[];
}

/** @throws ScpError, TransportError */
export async function planLiveRun(
  client: ScpClient,
  settings: LiveSettings,
  servers: readonly ServerItem[],
): Promise<readonly PlannedJob[]> {
  const jobs: PlannedJob[] = [];
  for (const server of servers) {
    const { disks } = await client.serverConfiguration(server.id);
    const tracking = await client.cbtStatus(server.id);
    const slots = disks.filter(({ purpose }) => purpose === 'normal').map(({ deviceId }) => deviceId);
    for (const [at, transport] of settings.transports.entries()) {
      const about = { server, slots, transport, settings };
      const enables = at === 0 && !tracking.areAllEnabled && !settings.leaveCbtAlone;
      const title = (what: string): string => `${what} of ${server.name} over ${transport}`;
      jobs.push({ title: title('full backup'), calls: backupCalls({ ...about, enables }) });
      jobs.push({ title: title('incremental backup'), calls: backupCalls({ ...about, enables: false }) });
      if (settings.restore)
        jobs.push({
          title: `restore of ${server.name} to ${RESTORED_NAME(settings, server.name, transport)}`,
          calls: restoreCalls(about),
        });
    }
    if (!tracking.areAllEnabled && !settings.leaveCbtAlone)
      jobs.push({
        title: `change tracking of ${server.name} as it was`,
        calls: [
          change('cbt.set', { server_id: server.id }, { type: 'disable' }),
          read('tasks.get', { task_id: '{task}' }, 'until the task ends'),
        ],
      });
  }
  return jobs;
}

interface About {
  readonly server: ServerItem;
  readonly slots: readonly string[];
  readonly transport: Transport;
  readonly settings: LiveSettings;
}

function backupCalls({ server, slots, transport, settings, enables }: About & { enables: boolean }) {
  const of = { server_id: server.id };
  const task = read('tasks.get', { task_id: '{task}' }, 'until each task ends');
  return [
    read('servers.list', {}),
    read('backup-resources.supports', {}),
    read('snapshots.list', of),
    read('cbt.status', of),
    ...(enables ? [change('cbt.set', of, { type: 'enable' }), task] : []),
    change('snapshots.create', of, {
      name: `${settings.tag}-{job}-1`,
      description: `${settings.tag} backup of ${server.name}`,
    }),
    task,
    read('snapshots.get', { ...of, snapshot_id: '{snapshot}' }),
    change('backup-resources.create', {}, lockBody(server.id, 'backup', settings)),
    read('backup-resources.get', RESOURCE, 'until the server is locked, and after each renewal'),
    read('hosts.list', {}),
    ...(transport === 'hotadd' ? hotAddCalls(server, slots, 'backup') : []),
    ...slots.map((slot) => read('cbt.changed-areas', of, `page by page, for ${slot}`)),
    renewal(settings),
    change('backup-resources.delete', RESOURCE),
    change('snapshots.delete', { ...of, snapshot_id: '{snapshot}' }),
    read('snapshots.list', of, 'until it is gone'),
  ];
}

function hotAddCalls(
  server: ServerItem,
  slots: readonly string[],
  purpose: 'backup' | 'restore',
): readonly PlannedCall[] {
  const proxy = { server_id: '{proxy}' };
  const disk = (slot: string) => ({
    disk_id: `{disk of ${slot}}`,
    application_type: purpose,
    source_server_id: server.id,
    ...(purpose === 'backup' ? { snapshot_id: '{snapshot}' } : {}),
  });
  return [
    { ...change('servers.start', proxy), times: 'if the proxy is off' },
    change('hot-add.add', proxy, { disks: slots.map(disk) }),
    change('hot-add.remove', proxy, { action: 'delete', disk_ids: slots.map((slot) => `{disk of ${slot}}`) }),
    { ...change('servers.stop', proxy, { force: 0 }), times: 'if this run has started it' },
  ];
}

function restoreCalls(about: About): readonly PlannedCall[] {
  const { server, slots, transport, settings } = about;
  const name = RESTORED_NAME(settings, server.name, transport);
  const restored: ServerItem = { ...server, id: '{new server}', name };
  return [
    read('storages.list', {}),
    change(
      'servers.create-from-config',
      {},
      {
        name,
        description: `... [restored by ${settings.tag}, run {job}]`,
        rest: 'the configuration in the restore point; network adapters are not connected',
      },
    ),
    read('tasks.get', { task_id: '{task}' }, 'until each task ends'),
    change('backup-resources.create', {}, lockBody(restored.id, 'restore', settings)),
    ...(transport === 'hotadd' ? hotAddCalls(restored, slots, 'restore') : []),
    renewal(settings),
    change('backup-resources.delete', RESOURCE),
    ...backupCalls({ ...about, server: restored, enables: !settings.leaveCbtAlone }),
    change('servers.delete', { server_id: restored.id }),
  ];
}

const RESOURCE = { backup_resources_id: '{backup resource}' };

const lockBody = (serverId: string, type: string, { lockTimeSeconds }: LiveSettings) => ({
  server_id: serverId,
  type,
  lock_time: lockTimeSeconds,
});

const renewal = ({ lockTimeSeconds }: LiveSettings): PlannedCall => ({
  ...change('backup-resources.renew', RESOURCE, { lock_time: lockTimeSeconds }),
  times: 'every 90 s as long as the job lasts',
});

type Params = Readonly<Record<string, string>>;

function read(operation: OperationName, params: Params, times?: string): PlannedCall {
  return { ...planned(operation, params), isChange: false, ...(times === undefined ? {} : { times }) };
}

function change(operation: OperationName, params: Params, body?: Json): PlannedCall {
  return { ...planned(operation, params), isChange: true, ...(body === undefined ? {} : { body }) };
}

function planned(operation: OperationName, params: Params): Omit<PlannedCall, 'isChange'> {
  const path = operationPath(operation, params)
    .replace(/%7B/gi, '{')
    .replace(/%7D/gi, '}')
    .replaceAll('%20', ' ');
  return { operation, method: operationOf(operation).method, path };
}
