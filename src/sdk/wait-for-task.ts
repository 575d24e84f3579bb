/**
 * Waits for a task of the platform by asking, less and less often. What has taken an hour (a merge of a large snapshot)
 * is not over in the next second: a tenth of the time gone by is waited before it is asked again.
 *
 * The time gone by is what was slept, not what the clock shows: a machine whose clock is set while a task is at work
 * would give the task up hours too early, or wait for it hours too long.
 */
import { type Clock, sleep } from '../kernel/clock.ts';
import type { Task } from './scp-client-api.ts';
import { TaskFailed, TaskTimeout } from './scp-error.ts';

/** No task is over at once: a question right after the order is wasted. */
const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 3000;
const MAX_PATIENT_POLL_MS = 60_000;

export async function waitForTask(
  readTask: (taskId: string) => Promise<Task>,
  taskId: string,
  options: { clock: Clock; timeoutMs: number; signal: AbortSignal | undefined },
): Promise<Task> {
  let goneMs = 0;
  for (let pollMs = FIRST_POLL_MS; ; ) {
    await sleep(options.clock, pollMs, options.signal);
    goneMs += pollMs;
    const task = await readTask(taskId);
    if (task.status === 'finish') return task;
    if (task.status === 'failure' || task.status === 'canceled') throw new TaskFailed(task);
    // The sum of many parts may miss the whole by a hair.
    if (options.timeoutMs - goneMs < 1) throw new TaskTimeout(taskId, options.timeoutMs);
    const patientMs = Math.min(Math.round(goneMs / 10), MAX_PATIENT_POLL_MS);
    pollMs = Math.min(Math.max(Math.min(pollMs * 1.5, MAX_POLL_MS), patientMs), options.timeoutMs - goneMs);
  }
}
