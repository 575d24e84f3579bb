/** Threads for a suite. Worlds are isolated and in virtual time, so which thread plays a scenario changes nothing. */
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { createLane, type SuiteTask } from '../../harness/runner/run-suite.ts';
import type { ScenarioResult } from '../../harness/runner/outcome.ts';
import { LANE_OUTFIT } from './lane-outfit.ts';

export interface Lanes extends AsyncDisposable {
  readonly lanes: readonly ((task: SuiteTask) => Promise<ScenarioResult>)[];
}

/** Short-lived buffers are nearly all that a run allocates; a small nursery has them promoted and collected dearly. */
const NURSERY_MIB = 64;

/**
 * By default every 64 MiB of buffers has the whole heap marked, which took a third of a suite's processor time; with
 * this, buffers count like other memory. A V8 that does not know the flag says so and goes on.
 */
const BUFFERS_LIKE_OTHER_MEMORY = '--external-memory-accounted-in-global-limit';

/** One lane in this thread, or `count` in threads of their own. */
export async function openLanes(count: number): Promise<Lanes> {
  setFlagsFromString(BUFFERS_LIKE_OTHER_MEMORY);
  if (count <= 1) return openOwnLane();
  const workers = Array.from({ length: count }, startWorker);
  return {
    lanes: workers.map((worker) => (task: SuiteTask) => ask(worker, task)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

async function openOwnLane(): Promise<Lanes> {
  const { createSimulator } = await import('../../simulator/app/simulator.ts');
  const simulator = await createSimulator();
  return {
    lanes: [createLane({ simulator, ...LANE_OUTFIT })],
    [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
  };
}

function startWorker(): Worker {
  const file = import.meta.url.endsWith('.ts') ? './suite-worker.ts' : './suite-worker.js';
  return new Worker(new URL(file, import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MIB },
  });
}

interface Answer {
  readonly result?: ScenarioResult;
  readonly error?: string;
}

function ask(worker: Worker, task: SuiteTask): Promise<ScenarioResult> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(error);
    worker.once('error', fail);
    worker.once('message', ({ result, error }: Answer) => {
      worker.off('error', fail);
      if (result === undefined) reject(new Error(`${task.scenario.id} ${task.transport}: ${error}`));
      else resolve(result);
    });
    worker.postMessage(task);
  });
}
