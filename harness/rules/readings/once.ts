import type { Observation } from '../observation.ts';

/** A reading is made once per observation, however many rules ask for it. */
export function once<T extends object>(read: (seen: Observation) => T): (seen: Observation) => T {
  return (seen) => {
    const before = seen.readings.get(read) as T | undefined;
    if (before !== undefined) return before;
    const made = read(seen);
    seen.readings.set(read, made);
    return made;
  };
}
