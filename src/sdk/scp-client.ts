/** Builds the typed client of a platform. */
import type { Clock } from '../kernel/clock.ts';
import type { IdSource } from '../kernel/ids.ts';
import { type Authenticator, createKeyAuthenticator, createTokenAuthenticator } from './authenticator.ts';
import { type BoundCall, readMaybeTask, readTaskStarted } from './bound-call.ts';
import { type CallContext, createCaller, DEFAULT_RETRY } from './caller.ts';
import { FieldReader } from './field-reader.ts';
import { hotAddCalls } from './hot-add-calls.ts';
import type { HttpTransport } from './http-transport.ts';
import { readAllPages } from './paging.ts';
import { readDatastore, readHost, readServerItem } from './parse-inventory.ts';
import {
  readBackupResource,
  readCbtStatus,
  readChangedAreas,
  readSnapshotDetail,
  readSnapshotItem,
  readTask,
} from './parse-protection.ts';
import { createPasswordLogin } from './password-login.ts';
import type { ScpClient } from './scp-client-api.ts';
import { waitForTask } from './wait-for-task.ts';

export type ScpCredentials =
  | { readonly kind: 'ec2'; readonly accessKey: string; readonly secretKey: string }
  | { readonly kind: 'password'; readonly username: string; readonly password: string };

export interface ScpClientOptions {
  readonly transport: HttpTransport;
  readonly credentials: ScpCredentials;
  readonly clock: Clock;
  readonly ids: IdSource;
}

export function createScpClient(options: ScpClientOptions): ScpClient {
  const call = createCaller({ ...options, authenticator: createAuthenticator(options) });
  const bind = (context: CallContext): ScpClient => {
    const bound: BoundCall = (operation, spec = {}) => call(operation, spec, context);
    return {
      with: (change) => bind({ ...context, ...change }),
      ...inventoryCalls(bound),
      ...serverCalls(bound),
      ...hotAddCalls(bound),
      ...taskCalls(bound, options.clock, context.signal),
      ...snapshotCalls(bound),
      ...cbtCalls(bound),
      ...resourceCalls(bound),
    };
  };
  return bind({ retry: DEFAULT_RETRY });
}

function createAuthenticator(options: ScpClientOptions): Authenticator {
  const { credentials, clock } = options;
  if (credentials.kind === 'ec2') return createKeyAuthenticator(credentials, clock);
  const anonymous = createCaller({ ...options, authenticator: createKeyAuthenticator(NO_KEYS, clock) });
  return createTokenAuthenticator(createPasswordLogin(anonymous, credentials, { retry: DEFAULT_RETRY }));
}

/** The calls of a login carry no credentials. */
const NO_KEYS = { accessKey: '', secretKey: '' };

function inventoryCalls(call: BoundCall): Pick<ScpClient, 'hosts' | 'datastores'> {
  return {
    hosts: () => readAllPages(call, 'hosts.list', {}, readHost),
    datastores: () => readAllPages(call, 'storages.list', {}, readDatastore),
  };
}

function serverCalls(
  call: BoundCall,
): Pick<
  ScpClient,
  'serversNamed' | 'serverById' | 'startServer' | 'deleteServer' | 'createServerFromConfig'
> {
  return {
    async serversNamed(name) {
      // The platform's filter is fuzzy, so the exact comparison is ours.
      const found = await readAllPages(call, 'servers.list', { query_name: name }, readServerItem);
      return found.filter((server) => server.name === name);
    },
    async serverById(id) {
      const found = await readAllPages(call, 'servers.list', { ids: id }, readServerItem);
      return found.find((server) => server.id === id);
    },
    startServer: async (serverId) =>
      readTaskStarted('servers.start', await call('servers.start', { params: { server_id: serverId } })),
    async deleteServer(serverId) {
      const params = { server_id: serverId };
      return readMaybeTask('servers.delete', await call('servers.delete', { params, body: { force: 0 } }));
    },
    async createServerFromConfig(config) {
      const operation = 'servers.create-from-config';
      const fields = new FieldReader(operation, await call(operation, { body: config }));
      return { taskId: fields.string('task_id'), serverId: fields.string('uuid') };
    },
  };
}

function taskCalls(
  call: BoundCall,
  clock: Clock,
  signal: AbortSignal | undefined,
): Pick<ScpClient, 'task' | 'waitForTask'> {
  const task = async (taskId: string) => readTask(await call('tasks.get', { params: { task_id: taskId } }));
  return {
    task,
    waitForTask: (taskId, { timeoutMs }) => waitForTask(task, taskId, { clock, timeoutMs, signal }),
  };
}

function snapshotCalls(
  call: BoundCall,
): Pick<ScpClient, 'snapshots' | 'snapshot' | 'createSnapshot' | 'deleteSnapshot'> {
  const params = (serverId: string, snapshotId: string) => ({
    server_id: serverId,
    snapshot_id: snapshotId,
  });
  return {
    async snapshots(serverId) {
      const data = await call('snapshots.list', { params: { server_id: serverId } });
      return new FieldReader('snapshots.list', { data }).list('data', readSnapshotItem);
    },
    snapshot: async (serverId, snapshotId) =>
      readSnapshotDetail(await call('snapshots.get', { params: params(serverId, snapshotId) })),
    async createSnapshot(serverId, body) {
      const data = await call('snapshots.create', { params: { server_id: serverId }, body });
      const fields = new FieldReader('snapshots.create', data);
      return {
        taskId: fields.string('task_id'),
        snapshotId: fields.stringOr('resource_id', '') || undefined,
      };
    },
    deleteSnapshot: async (serverId, snapshotId) =>
      readMaybeTask(
        'snapshots.delete',
        await call('snapshots.delete', { params: params(serverId, snapshotId) }),
      ),
  };
}

function cbtCalls(call: BoundCall): Pick<ScpClient, 'cbtStatus' | 'setCbt' | 'changedAreas'> {
  return {
    cbtStatus: async (serverId) =>
      readCbtStatus(await call('cbt.status', { params: { server_id: serverId } })),
    async setCbt(serverId, type, deviceIds) {
      const body = { type, ...(deviceIds === undefined ? {} : { disk_ids: deviceIds }) };
      return readTaskStarted('cbt.set', await call('cbt.set', { params: { server_id: serverId }, body }));
    },
    async changedAreas(area) {
      const query = {
        disk_id: area.deviceId,
        snapshot_id: area.snapshotId,
        checkpoint_id: area.checkpointId,
        start_offset: area.startOffset,
      };
      return readChangedAreas(
        await call('cbt.changed-areas', { params: { server_id: area.serverId }, query }),
      );
    },
  };
}

function resourceCalls(
  call: BoundCall,
): Pick<
  ScpClient,
  | 'createBackupResource'
  | 'backupResource'
  | 'renewBackupResource'
  | 'deleteBackupResource'
  | 'transportModes'
> {
  const params = (resourceId: string) => ({ backup_resources_id: resourceId });
  return {
    async createBackupResource({ serverId, type, lockTimeSeconds }) {
      const body = { server_id: serverId, type, lock_time: lockTimeSeconds };
      const fields = new FieldReader(
        'backup-resources.create',
        await call('backup-resources.create', { body }),
      );
      return { resourceId: fields.string('resource_id'), taskId: fields.string('task_id') };
    },
    backupResource: async (resourceId) =>
      readBackupResource(await call('backup-resources.get', { params: params(resourceId) })),
    async renewBackupResource(resourceId, lockTimeSeconds) {
      const spec = { params: params(resourceId), body: { lock_time: lockTimeSeconds } };
      return readTaskStarted('backup-resources.renew', await call('backup-resources.renew', spec));
    },
    deleteBackupResource: async (resourceId) =>
      readMaybeTask(
        'backup-resources.delete',
        await call('backup-resources.delete', { params: params(resourceId) }),
      ),
    async transportModes(serverId) {
      const data = await call('backup-resources.supports', { query: { server_id: serverId } });
      return new FieldReader('backup-resources.supports', data).strings('transport_modes');
    },
  };
}
