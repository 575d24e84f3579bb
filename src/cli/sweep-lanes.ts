/** Threads for a sweep. Worlds are isolated and in virtual time, so which thread plays a cell changes nothing. */
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { createSweepLane } from '../../harness/sweep/lane.ts';
import type { CellResult, PlannedCell } from '../../harness/sweep/sweep-api.ts';
import type { SweepLane, SweepTask } from '../../harness/sweep/sweep.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { seamsOfMutant } from './mutant-seams.ts';

export interface SweepLanes extends AsyncDisposable {
  readonly lanes: readonly SweepLane[];
}

/** What a thread is asked. */
export interface SweepQuestion {
  readonly task: SweepTask;
  readonly cells: readonly PlannedCell[];
}

export interface SweepAnswer {
  readonly results?: readonly CellResult[];
  readonly error?: string;
}

/** As for suites: nearly all that a run allocates is short-lived buffers. */
const NURSERY_MIB = 64;
const BUFFERS_LIKE_OTHER_MEMORY = '--external-memory-accounted-in-global-limit';

/** One lane in this thread, on `simulator`, or `count` in threads of their own. */
export function openSweepLanes(count: number, simulator: Simulator): SweepLanes {
  setFlagsFromString(BUFFERS_LIKE_OTHER_MEMORY);
  if (count <= 1)
    return {
      lanes: [createSweepLane(simulator, seamsOfMutant)],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  const workers = Array.from({ length: count }, startWorker);
  return {
    lanes: workers.map(
      (worker): SweepLane =>
        (task, cells) =>
          ask(worker, { task, cells }),
    ),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function startWorker(): Worker {
  const file = import.meta.url.endsWith('.ts') ? './sweep-worker.ts' : './sweep-worker.js';
  return new Worker(new URL(file, import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MIB },
  });
}

function ask(worker: Worker, question: SweepQuestion): Promise<readonly CellResult[]> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(error);
    worker.once('error', fail);
    worker.once('message', ({ results, error }: SweepAnswer) => {
      worker.off('error', fail);
      if (results === undefined) reject(new Error(`${question.task.scenario.id}: ${error}`));
      else resolve(results);
    });
    worker.postMessage(question);
  });
}
