/** A lane of this thread: plays cells with a simulator of its own. */
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import type { Seams } from '../runner/seams.ts';
import { runCell } from './run-cell.ts';
import type { CellResult } from './sweep-api.ts';
import type { SweepLane } from './sweep.ts';

/** `seamsOf`: the breakage of a mutant, fresh for every run. */
export function createSweepLane(simulator: Simulator, seamsOf: (mutant: string) => Seams): SweepLane {
  return async ({ scenario, transport, seed, mutant }, cells) => {
    const results: CellResult[] = [];
    for (const cell of cells) {
      const seams = mutant === undefined ? {} : seamsOf(mutant);
      results.push(await runCell({ simulator, scenario, transport, seed, seams }, cell));
    }
    return results;
  };
}
