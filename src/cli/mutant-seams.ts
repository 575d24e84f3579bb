/** The breakage of a mutant by its id. */
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import type { Seams } from '../../harness/runner/seams.ts';

/** @throws RangeError when there is no such mutant */
export function seamsOfMutant(id: string): Seams {
  const mutant = MUTANTS.find((one) => one.id === id);
  if (mutant === undefined) throw new RangeError(`no mutant is called ${id}`);
  return mutant.seams();
}
