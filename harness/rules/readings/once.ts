import type { Observation } from '../observation.ts';

/** A reading is made once per observation, however many rules ask for it. */
export function once<T extends object>(read: (seen: Observation) => T): (seen: Observation) => T {
  const known = new WeakMap<Observation, T>();
  return (seen) => {
    const before = known.get(seen);
    if (before !== undefined) return before;
    const made = read(seen);
    known.set(seen, made);
    return made;
  };
}
