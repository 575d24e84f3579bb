/** Threads for a swarm. Worlds are isolated and in virtual time, so which thread plays a seed changes nothing. */
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { SeedResult, SwarmTask } from '../../harness/swarm/swarm-api.ts';
import { createSwarmLane, type SwarmLane } from '../../harness/swarm/swarm.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { seamsOfMutant } from './mutant-seams.ts';

export interface SwarmLanes extends AsyncDisposable {
  readonly lanes: readonly SwarmLane[];
}

export interface SwarmAnswer {
  readonly result?: SeedResult;
  readonly error?: string;
}

/** As for sweeps: nearly all that a run allocates is short-lived buffers. */
const NURSERY_MIB = 64;
const BUFFERS_LIKE_OTHER_MEMORY = '--external-memory-accounted-in-global-limit';

/** One lane in this thread, or `count` in threads of their own. */
export async function openSwarmLanes(count: number): Promise<SwarmLanes> {
  setFlagsFromString(BUFFERS_LIKE_OTHER_MEMORY);
  if (count <= 1) {
    const simulator = await createSimulator();
    return {
      lanes: [createSwarmLane(simulator, seamsOfMutant, () => performance.now())],
      [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
    };
  }
  const workers = Array.from({ length: count }, startWorker);
  return {
    lanes: workers.map(
      (worker): SwarmLane =>
        (task) =>
          ask(worker, task),
    ),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function startWorker(): Worker {
  const file = import.meta.url.endsWith('.ts') ? './swarm-worker.ts' : './swarm-worker.js';
  return new Worker(new URL(file, import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MIB },
  });
}

function ask(worker: Worker, task: SwarmTask): Promise<SeedResult> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(error);
    worker.once('error', fail);
    worker.once('message', ({ result, error }: SwarmAnswer) => {
      worker.off('error', fail);
      if (result === undefined) reject(new Error(`seed ${task.seed}: ${error}`));
      else resolve(result);
    });
    worker.postMessage(task);
  });
}
