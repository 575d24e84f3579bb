/** Tasks as the API shows them. */
import type { TaskData, TaskItem } from '../../../src/contract/schemas/tasks.ts';
import { formatLocalMicros } from '../../../src/contract/timestamps.ts';
import type { Task } from '../../domain/world-api.ts';
import { PROJECT, stableUuid } from './derived.ts';

/** The action in words, as the console shows it. @fidelity assumed */
const ACTION_WORDS: Readonly<Record<Task['action'], string>> = {
  start: 'Power on',
  stop: 'Power off',
  'snapshot.create': 'Create snapshot',
  'snapshot.edit': 'Edit snapshot',
  'snapshot.delete': 'Delete snapshot',
  'snapshot.recovery': 'Recover snapshot',
  'cbt.set': 'Set CBT',
  'backup-resource.create': 'Create backup resource',
  'backup-resource.renew': 'Renew backup resource',
  'backup-resource.delete': 'Delete backup resource',
  'server.create': 'Create virtual machine',
  'server.delete': 'Delete virtual machine',
  'server.edit': 'Edit virtual machine',
  'hotadd.add': 'Hot-add disks',
  'hotadd.remove': 'Remove hot-added disks',
  'guest.exec': 'Run command in guest',
};

const coreOf = (task: Task) => ({
  action: ACTION_WORDS[task.action],
  object_type: task.objectType,
  begin_time: formatLocalMicros(task.beginMs),
  end_time: task.endMs === undefined ? '' : formatLocalMicros(task.endMs),
  progress: task.progress,
  status: task.status,
  creator_id: USER_ID,
  description: task.description,
  project_id: PROJECT.id,
  user_id: USER_ID,
  user_ip: '127.0.0.1',
});

const USER_ID = stableUuid('user');

export const taskData = (task: Task): TaskData => ({
  task_id: task.id,
  ...coreOf(task),
  object_id: task.objectId,
  object_name: task.objectName,
  cancelable: 0,
  entities: { object_id: task.objectId, sub_tasks_total: 0, sub_tasks: [] },
});

export const taskItem = (task: Task): TaskItem => ({
  id: task.id,
  ...coreOf(task),
  object_id: task.objectId,
  az_id: task.poolId ?? '',
});
