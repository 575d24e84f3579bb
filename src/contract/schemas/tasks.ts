/** Tasks. Times are local and do not say so; a failed task gives its reason in `description`. @source SCP OpenAPI 6.11.1, tasks */
import { anything, extend, integer, listOf, object, oneOf, type Static, text, zeroOne } from '../schema.ts';
import { PAGE_FIELDS } from './page.ts';

export const taskStatus = oneOf('waiting', 'doing', 'finish', 'failure', 'canceling', 'canceled');

const taskCore = object({
  action: text,
  object_type: text,
  begin_time: text,
  /** Empty while the task runs. */
  end_time: text,
  /** -2 waiting, 0 to 99 doing, 100 finished, -1 failed. */
  progress: integer,
  status: taskStatus,
  creator_id: text,
  description: text,
  project_id: text,
  user_id: text,
  user_ip: text,
});

/** A single task: it is called `task_id` here and `id` in the list. */
export const taskData = extend(taskCore, {
  task_id: text,
  object_id: text,
  object_name: text,
  cancelable: zeroOne,
  entities: object({ object_id: text, sub_tasks_total: integer, sub_tasks: listOf(anything) }),
});

export const taskItem = extend(taskCore, { id: text, object_id: text, az_id: text });

export const tasksQuery = object(
  {},
  {
    ...PAGE_FIELDS,
    object_id: text,
    object_type: text,
    status: taskStatus,
    az_id: text,
    project_id: text,
    user_id: text,
    user_ip: text,
    begin_time: text,
    end_time: text,
  },
);

export type TaskData = Static<typeof taskData>;
export type TaskItem = Static<typeof taskItem>;
