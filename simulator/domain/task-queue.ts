/**
 * Tasks: everything that takes its time.
 *
 * A task waits for a tenth of its duration, then does its work, and has its effect at its end. A task on a server
 * keeps the server busy until then. Some tasks wait for somebody else at their end (a guest that must let go of a
 * disk): they stay `doing` until they are told how it went.
 *
 * Invariants: `begin` and `finish` run at most once, and `finish` not when `begin` failed; an error from either makes
 * the task a failure and nothing else; a task ends once, and `ended` runs then.
 *
 * @source SCP OpenAPI 6.11.1, tasks: status and progress (-2 waiting, 0..99 doing, 100 finish, -1 failure)
 * @fidelity documented; durations assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { IdSource, TaskId } from '../../src/kernel/ids.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import type { Agenda } from './agenda.ts';
import { type RunningTask, type TaskPlan, type TaskRecord, progressOf, viewTask } from './task-record.ts';
import type { Task, Tasks } from './world-api.ts';

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
    this.#agenda.at(task.doingMs, () => this.#begin(task));
    this.#agenda.at(task.dueMs, () => this.#finish(task));
    return task.id;
  }

  list(): readonly Task[] {
    this.#agenda.settle();
    return [...this.#tasks.values()].map((task) => viewTask(task, this.#agenda.now()));
  }

  /** @throws NOT_FOUND */
  get(id: string): Task {
    this.#agenda.settle();
    const task = this.#tasks.get(id as TaskId);
    if (task === undefined) throw new ApiError('NOT_FOUND', `task ${id}`);
    return viewTask(task, this.#agenda.now());
  }

  #begin(task: TaskRecord): void {
    this.#move(task, 'doing');
    this.#run(task, () => task.plan.begin?.(this.#running(task)));
  }

  #finish(task: TaskRecord): void {
    if (task.endMs !== undefined) return;
    this.#freeServer(task);
    this.#run(task, () => {
      task.plan.finish(this.#running(task));
      if (task.plan.endsLater !== true) this.#end(task, 'finish', '');
    });
  }

  #run(task: TaskRecord, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#end(task, 'failure', error.message);
    }
  }

  #running(task: TaskRecord): RunningTask {
    return {
      id: task.id,
      step: (what) => {
        if (task.endMs === undefined) this.#note(task, what);
      },
      end: (failure) => this.#end(task, failure === undefined ? 'finish' : 'failure', failure?.message ?? ''),
    };
  }

  #freeServer({ id, plan: { server } }: TaskRecord): void {
    if (server?.runningTaskId === id) server.runningTaskId = undefined;
  }

  #end(task: TaskRecord, status: 'finish' | 'failure', description: string): void {
    if (task.endMs !== undefined) return;
    this.#freeServer(task);
    task.endMs = this.#agenda.now();
    task.description = description;
    this.#move(task, status);
    task.plan.ended?.();
  }

  #move(task: TaskRecord, status: Task['status']): void {
    task.status = status;
    this.#note(task);
  }

  #note(task: TaskRecord, description = task.description): void {
    const { plan } = task;
    this.#journal.append({
      type: 'task',
      task: task.id,
      action: plan.action,
      status: task.status,
      progress: progressOf(task, this.#agenda.now()),
      ...(plan.server && { server: plan.server.id }),
      object: plan.subjectId ?? plan.objectId,
      ...(description !== '' && { description }),
    });
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
