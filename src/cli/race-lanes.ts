/** Threads for races. Every run has a world of its own in virtual time, so which thread plays it changes nothing. */
import { Worker } from 'node:worker_threads';
import type { RaceReport } from '../../harness/explore/race-report.ts';
import { exploreRace, type RaceTask } from '../../harness/explore/race-task.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';

/**
 * Explores all tasks, and hands on each report in the order of the tasks as soon as it and all before it are there.
 * `onReport` returning `false` ends it: what is under way is given up.
 */
export async function exploreRaces(
  simulator: Simulator,
  tasks: readonly RaceTask[],
  threads: number,
  onReport: (report: RaceReport) => boolean,
): Promise<void> {
  if (threads <= 1 || tasks.length <= 1) {
    for (const task of tasks) if (!onReport(await exploreRace(simulator, task))) return;
    return;
  }
  const workers = Array.from({ length: Math.min(threads, tasks.length) }, startWorker);
  try {
    for (const report of spread(tasks, workers)) if (!onReport(await report)) return;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** The last races are the longest, so they are begun first; of a broken engine the first ones tell enough. */
function spread(tasks: readonly RaceTask[], workers: readonly Worker[]): readonly Promise<RaceReport>[] {
  const places = tasks.map(() => Promise.withResolvers<RaceReport>());
  for (const { promise } of places) promise.catch(() => undefined);
  const entries = [...tasks.entries()];
  const queue = (tasks.some(({ mutant }) => mutant !== undefined) ? entries : entries.reverse()).values();
  for (const worker of workers) void work(worker, queue, places);
  return places.map(({ promise }) => promise);
}

async function work(
  worker: Worker,
  queue: Iterable<[number, RaceTask]>,
  places: readonly PromiseWithResolvers<RaceReport>[],
): Promise<void> {
  // The workers share one iterator, so each task is taken once.
  for (const [at, task] of queue) {
    try {
      places[at]?.resolve(await ask(worker, task));
    } catch (error) {
      places[at]?.reject(error);
    }
  }
}

interface Answer {
  readonly report?: RaceReport;
  readonly error?: string;
}

function ask(worker: Worker, task: RaceTask): Promise<RaceReport> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', ({ report, error }: Answer) => {
      worker.off('error', reject);
      if (report === undefined) reject(new Error(`${task.race.id}: ${error}`));
      else resolve(report);
    });
    worker.postMessage(task);
  });
}

function startWorker(): Worker {
  const file = import.meta.url.endsWith('.ts') ? './race-worker.ts' : './race-worker.js';
  return new Worker(new URL(file, import.meta.url));
}
