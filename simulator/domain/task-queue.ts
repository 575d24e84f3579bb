/**
 * Tasks: everything that takes its time.
 *
 * A task waits for a tenth of its duration, then does its work, and has its effect at its end. A task on a server
 * keeps the server busy until then. Some tasks wait for somebody else at their end (a guest that must let go of a
 * disk): they stay `doing` until they are told how it went.
 *
 * Somebody may interfere at each step: let the task fail, wait, hang, or be reported done without its effect.
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
import type { Agenda, Appointment } from './agenda.ts';
import { type Interference, NO_INTERFERENCE, type TaskFate, type TaskStep } from './interference.ts';
import { type RunningTask, type TaskPlan, type TaskRecord, progressOf, viewTask } from './task-record.ts';
import type { Task, Tasks } from './world-api.ts';

/** Ended tasks beyond this are forgotten, oldest first. */
const KEPT_TASKS = 10_000;

export class TaskQueue implements Tasks {
  readonly #agenda: Agenda;
  readonly #ids: IdSource;
  readonly #journal: Journal;
  readonly #interference: Interference;
  readonly #tasks = new Map<TaskId, TaskRecord>();

  constructor(agenda: Agenda, ids: IdSource, journal: Journal, interference: Interference = NO_INTERFERENCE) {
    this.#agenda = agenda;
    this.#ids = ids;
    this.#journal = journal;
    this.#interference = interference;
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
      appointments: [],
    };
    this.#tasks.set(task.id, task);
    this.#forgetOld();
    if (plan.leavesServerFree !== true && plan.server !== undefined) plan.server.runningTaskId = task.id;
    this.#note(task);
    this.#accept(task);
    this.#arm(task, 'waiting');
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

  /** Whatever becomes of it here shows after the call: its caller is still setting it up. */
  #accept(task: TaskRecord): void {
    const fates = this.#fates(task, 'waiting');
    if (fates.length === 0) return;
    this.#agenda.at(task.beginMs, () => this.#suffer(task, 'waiting', fates, () => undefined));
  }

  /** Makes the appointments that come after a step. */
  #arm(task: TaskRecord, step: TaskStep): void {
    const due: Appointment[] = [];
    if (step === 'waiting') due.push(this.#agenda.at(task.doingMs, () => this.#begin(task)));
    if (step !== 'finish') due.push(this.#agenda.at(task.dueMs, () => this.#finish(task)));
    task.appointments = due;
  }

  #fates(task: TaskRecord, step: TaskStep): readonly TaskFate[] {
    const { action, server, subjectId, objectId } = task.plan;
    return this.#interference.fatesOf({
      action,
      step,
      ...(server && { serverId: server.id }),
      objectId: subjectId ?? objectId,
    });
  }

  /** Lets one fate after the other happen, then `go`. */
  #suffer(task: TaskRecord, step: TaskStep, fates: readonly TaskFate[], go: () => void): void {
    if (task.endMs !== undefined) return;
    const [fate, ...rest] = fates;
    const next = (): void => this.#suffer(task, step, rest, go);
    switch (fate?.kind) {
      case undefined:
        return go();
      case 'fail':
        return this.#giveUp(task, 'failure', fate.message);
      case 'phantom':
        return this.#giveUp(task, 'finish', '');
      case 'event':
        fate.happen();
        return next();
      case 'delay':
        return this.#hold(task, step, next, (resume) =>
          this.#agenda.at(this.#agenda.now() + fate.ms, resume),
        );
      case 'hang':
        return this.#hold(task, step, next, (resume) =>
          fate.whenOver(() => this.#agenda.at(this.#agenda.now(), resume)),
        );
    }
  }

  /** Ends it without its effect. */
  #giveUp(task: TaskRecord, status: 'finish' | 'failure', description: string): void {
    this.#run(task, () => task.plan.undo?.());
    this.#end(task, status, description);
  }

  /** Nothing happens to the task until it goes on; then everything comes so much later. */
  #hold(task: TaskRecord, step: TaskStep, next: () => void, wait: (resume: () => void) => void): void {
    const heldAtMs = this.#agenda.now();
    for (const appointment of task.appointments) appointment.cancel();
    wait(() => {
      if (task.endMs !== undefined) return;
      const lateMs = this.#agenda.now() - heldAtMs;
      task.doingMs += lateMs;
      task.dueMs += lateMs;
      this.#arm(task, step);
      next();
    });
  }

  #begin(task: TaskRecord): void {
    if (task.endMs !== undefined) return;
    this.#suffer(task, 'doing', this.#fates(task, 'doing'), () => {
      this.#move(task, 'doing');
      this.#run(task, () => task.plan.begin?.(this.#running(task)));
    });
  }

  #finish(task: TaskRecord): void {
    if (task.endMs !== undefined) return;
    this.#suffer(task, 'finish', this.#fates(task, 'finish'), () => this.#takeEffect(task));
  }

  #takeEffect(task: TaskRecord): void {
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
