/**
 * Tasks: everything that takes its time.
 *
 * A task waits for a tenth of its duration, then does its work, and has its effect at its end. A task on a server
 * keeps the server busy until then.
 *
 * Invariants: `finish` runs once, at the task's end; an error from it makes the task a failure and nothing else.
 *
 * @source SCP OpenAPI 6.11.1, tasks: status and progress (-2 waiting, 0..99 doing, 100 finish, -1 failure)
 * @fidelity documented; durations assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { IdSource, TaskId } from '../../src/kernel/ids.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import type { Agenda } from './agenda.ts';
import type { Task, TaskAction, Tasks } from './world-api.ts';
import type { ServerRecord } from './world-state.ts';

export interface TaskPlan {
  readonly action: TaskAction;
  readonly objectType: string;
  readonly objectId: string;
  readonly objectName: string;
  /** What the journal calls the object, when the product names the server instead. */
  readonly subjectId?: string;
  readonly server?: ServerRecord | undefined;
  readonly poolId?: Task['poolId'] | undefined;
  readonly durationMs: number;
  /** The server stays usable for other tasks. */
  readonly leavesServerFree?: boolean;
  /** The effect. @throws ApiError to fail */
  finish(): void;
}

interface TaskRecord {
  readonly id: TaskId;
  readonly plan: TaskPlan;
  readonly beginMs: number;
  readonly doingMs: number;
  readonly dueMs: number;
  status: Task['status'];
  endMs: number | undefined;
  description: string;
}

/** Ended tasks beyond this are forgotten, oldest first. */
const KEPT_TASKS = 10_000;

export class TaskQueue implements Tasks {
  readonly #agenda: Agenda;
  readonly #ids: IdSource;
  readonly #journal: Journal;
  readonly #tasks = new Map<TaskId, TaskRecord>();

  constructor(agenda: Agenda, ids: IdSource, journal: Journal) {
    this.#agenda = agenda;
    this.#ids = ids;
    this.#journal = journal;
  }

  start(plan: TaskPlan): TaskId {
    const beginMs = this.#agenda.now();
    const task: TaskRecord = {
      id: this.#ids.uuid() as TaskId,
      plan,
      beginMs,
      doingMs: beginMs + Math.floor(plan.durationMs / 10),
      dueMs: beginMs + Math.ceil(plan.durationMs),
      status: 'waiting',
      endMs: undefined,
      description: '',
    };
    this.#tasks.set(task.id, task);
    this.#forgetOld();
    if (plan.leavesServerFree !== true && plan.server !== undefined) plan.server.runningTaskId = task.id;
    this.#note(task);
    this.#agenda.at(task.doingMs, () => this.#move(task, 'doing'));
    this.#agenda.at(task.dueMs, () => this.#finish(task));
    return task.id;
  }

  list(): readonly Task[] {
    this.#agenda.settle();
    return [...this.#tasks.values()].map((task) => this.#view(task));
  }

  /** @throws NOT_FOUND */
  get(id: string): Task {
    this.#agenda.settle();
    const task = this.#tasks.get(id as TaskId);
    if (task === undefined) throw new ApiError('NOT_FOUND', `task ${id}`);
    return this.#view(task);
  }

  #finish(task: TaskRecord): void {
    const { server } = task.plan;
    if (server?.runningTaskId === task.id) server.runningTaskId = undefined;
    try {
      task.plan.finish();
      this.#end(task, 'finish', '');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#end(task, 'failure', error.message);
    }
  }

  #end(task: TaskRecord, status: 'finish' | 'failure', description: string): void {
    task.endMs = this.#agenda.now();
    task.description = description;
    this.#move(task, status);
  }

  #move(task: TaskRecord, status: Task['status']): void {
    task.status = status;
    this.#note(task);
  }

  #note(task: TaskRecord): void {
    const { plan, description } = task;
    this.#journal.append({
      type: 'task',
      task: task.id,
      action: plan.action,
      status: task.status,
      progress: this.#progress(task),
      ...(plan.server && { server: plan.server.id }),
      object: plan.subjectId ?? plan.objectId,
      ...(description !== '' && { description }),
    });
  }

  #progress(task: TaskRecord): number {
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
        return Math.min(99, Math.floor((99 * (this.#agenda.now() - task.doingMs)) / span));
      }
    }
  }

  #view(task: TaskRecord): Task {
    const { plan } = task;
    const poolId = plan.poolId ?? plan.server?.poolId;
    return {
      id: task.id,
      action: plan.action,
      status: task.status,
      progress: this.#progress(task),
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

  #forgetOld(): void {
    if (this.#tasks.size <= KEPT_TASKS) return;
    for (const [id, task] of this.#tasks) {
      if (task.endMs === undefined) continue;
      this.#tasks.delete(id);
      if (this.#tasks.size <= KEPT_TASKS) return;
    }
  }
}
