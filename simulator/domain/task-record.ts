/** What a task is to do, what is known of it, and how the outer layers see it. */
import type { ApiError } from '../../src/contract/errors.ts';
import type { TaskId } from '../../src/kernel/ids.ts';
import type { Appointment } from './agenda.ts';
import type { Task, TaskAction } from './world-api.ts';
import type { ServerRecord } from './world-state.ts';

export interface TaskPlan {
  readonly action: TaskAction;
  readonly objectType: string;
  readonly objectId: string;
  readonly objectName: string;
  /** What the journal calls the object, when the product names the server instead. */
  readonly subjectId?: string;
  /** Whose task it is, and which it keeps busy. */
  readonly server?: Pick<ServerRecord, 'id' | 'poolId' | 'runningTaskId'> | undefined;
  readonly poolId?: Task['poolId'] | undefined;
  readonly durationMs: number;
  /** The server stays usable for other tasks. */
  readonly leavesServerFree?: boolean;
  /** When the work begins. @throws ApiError to fail then */
  begin?(task: RunningTask): void;
  /** The effect. @throws ApiError to fail */
  finish(task: RunningTask): void;
  /** Takes back what the call itself has done, when somebody interferes before the effect. */
  undo?(): void;
  /** `finish` only begins the end: the task ends when `RunningTask.end` is called, perhaps never. */
  readonly endsLater?: true;
  /** The task has ended, whatever way. */
  ended?(): void;
}

/** A task as its own work sees it. */
export interface RunningTask {
  readonly id: TaskId;
  /** Says in the journal how far the work has come. */
  step(what: string): void;
  /** Ends it; the second call does nothing. */
  end(failure?: ApiError): void;
}

/** A task from its start on. */
export interface TaskRecord {
  readonly id: TaskId;
  readonly plan: TaskPlan;
  readonly beginMs: number;
  doingMs: number;
  dueMs: number;
  status: Task['status'];
  endMs: number | undefined;
  description: string;
  /** Its steps to come. */
  appointments: readonly Appointment[];
}

export function progressOf(task: TaskRecord, nowMs: number): number {
  switch (task.status) {
    case 'waiting':
      return -2;
    case 'finish':
      return 100;
    case 'failure':
    case 'canceled':
      return -1;
    case 'doing': {
      const span = Math.max(task.dueMs - task.doingMs, 1);
      return Math.min(99, Math.floor((99 * (nowMs - task.doingMs)) / span));
    }
  }
}

export function viewTask(task: TaskRecord, nowMs: number): Task {
  const { plan } = task;
  const poolId = plan.poolId ?? plan.server?.poolId;
  return {
    id: task.id,
    action: plan.action,
    status: task.status,
    progress: progressOf(task, nowMs),
    objectType: plan.objectType,
    objectId: plan.objectId,
    objectName: plan.objectName,
    ...(plan.server && { serverId: plan.server.id }),
    ...(poolId !== undefined && { poolId }),
    beginMs: task.beginMs,
    ...(task.endMs !== undefined && { endMs: task.endMs }),
    description: task.description,
  };
}
