/** Many seeds, shared out among lanes. */
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import type { Stopwatch } from '../runner/run-scenario.ts';
import type { Seams } from '../runner/seams.ts';
import { type DrawScript, prepareDrawing } from './draw-script.ts';
import { playSeed } from './play-seed.ts';
import type { SeedResult, SwarmTask } from './swarm-api.ts';

/** Plays seeds one after the other; several lanes play at the same time. */
export type SwarmLane = (task: SwarmTask) => Promise<SeedResult>;

export interface SwarmOptions {
  readonly tasks: readonly SwarmTask[];
  readonly lanes: readonly SwarmLane[];
  readonly onResult?: (result: SeedResult, done: number, total: number) => void;
}

/** Results in the order of the tasks, whichever lane was faster. */
export async function swarm({ tasks, lanes, onResult }: SwarmOptions): Promise<readonly SeedResult[]> {
  const results: SeedResult[] = [];
  const queue = tasks.entries();
  let done = 0;
  const work = async (lane: SwarmLane): Promise<void> => {
    // The lanes share one iterator, so each seed is taken once.
    for (const [at, task] of queue) {
      const result = await lane(task);
      results[at] = result;
      onResult?.(result, ++done, tasks.length);
    }
  };
  await Promise.all(lanes.map(work));
  return results;
}

/** A lane of this thread. */
export function createSwarmLane(
  simulator: Simulator,
  seamsOf: (mutant: string) => Seams,
  stopwatch: Stopwatch,
): SwarmLane {
  const drawings = new Map<string, Promise<DrawScript>>();
  return async ({ ground, ...task }) => {
    const { mutant } = task;
    const seams = (): Seams => (mutant === undefined ? {} : seamsOf(mutant));
    const key = JSON.stringify(ground);
    // The script is drawn from what a sound engine does, so that a mutant gets the same one.
    const drawing = drawings.get(key) ?? prepareDrawing(simulator, ground);
    drawings.set(key, drawing);
    const script = (await drawing)(task.seed);
    return playSeed({ simulator, task, script, seams, stopwatch });
  };
}
