/** Snapshots, changed blocks, backup resources and tasks, from the platform's fields to the SDK's. */
import type { Json } from '../kernel/journal.ts';
import { FieldReader } from './field-reader.ts';
import { ProtocolError } from './protocol-error.ts';
import type {
  BackupResource,
  BackupResourceStatus,
  CbtStatus,
  ChangedAreas,
  SnapshotDetail,
  SnapshotItem,
  Task,
} from './scp-client-api.ts';

export function readTask(data: unknown): Task {
  const fields = new FieldReader('tasks.get', data);
  return {
    id: fields.string('task_id'),
    action: fields.stringOr('action', ''),
    status: fields.string('status'),
    progress: fields.numberOr('progress', 0),
    description: fields.stringOr('description', ''),
  };
}

export function readSnapshotItem(item: FieldReader): SnapshotItem {
  return {
    id: item.string('id'),
    name: item.string('name'),
    description: item.stringOr('description', ''),
    type: item.stringOr('type', '').toLowerCase(),
    status: item.stringOr('status', 'normal'),
    isLatest: item.flag('is_latest'),
  };
}

/** The checkpoint comes as a string here and goes back as an integer; it exceeds 32 bits but not 2^53. */
export function readSnapshotDetail(data: unknown): SnapshotDetail {
  const fields = new FieldReader('snapshots.get', data);
  const vmconf = fields.object('vmconf');
  return {
    id: fields.string('id'),
    name: fields.string('name'),
    checkpointId: fields.integer('checkpoint_id'),
    deviceIds: vmconf.object('hardware_option').list('disks', readDeviceId),
    vmconf: fields.json('vmconf') as { readonly [key: string]: Json },
  };
}

/** The document's text and its schema disagree about the name of the slot. */
function readDeviceId(disk: FieldReader): string {
  return disk.has('device_id') ? disk.string('device_id') : disk.string('id');
}

/** Switched off for the server means switched off for every disk, whatever the disks say. */
export function readCbtStatus(data: unknown): CbtStatus {
  const fields = new FieldReader('cbt.status', data);
  const disks = fields.list('disks', (disk) => ({
    id: disk.string('id'),
    isEnabled: fields.flag('is_enabled') && disk.flag('is_enabled'),
  }));
  const enabled = disks.filter((disk) => disk.isEnabled);
  return {
    areAllEnabled: enabled.length === disks.length,
    enabledDisks: new Set(enabled.map((disk) => disk.id)),
    disabledDisks: new Set(disks.filter((disk) => !disk.isEnabled).map((disk) => disk.id)),
  };
}

export function readChangedAreas(data: unknown): ChangedAreas {
  const fields = new FieldReader('cbt.changed-areas', data);
  return {
    startOffset: fields.integer('start_offset'),
    length: fields.integer('length'),
    areas: fields.listOr('changed_area', (area) => ({
      start: area.integer('start'),
      length: area.integer('length'),
    })),
  };
}

const RESOURCE_STATUS: readonly BackupResourceStatus[] = [
  'pending',
  'running',
  'expired',
  'occupied',
  'cancelled',
  'released',
  'failed',
];

export function readBackupResource(data: unknown): BackupResource {
  const fields = new FieldReader('backup-resources.get', data);
  const text = fields.string('status');
  const status = RESOURCE_STATUS.find((known) => known === text);
  if (status === undefined) throw new ProtocolError('backup-resources.get', 'status', `is ${text}`);
  return {
    serverId: fields.stringOr('server_id', ''),
    status,
    remainSeconds: fields.numberOr('remain_time', 0),
    caCert: fields.stringOr('ca_cert', ''),
    hostId: fields.stringOr('host_id', '') || undefined,
  };
}
