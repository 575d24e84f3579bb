/**
 * What another layer keeps of each world, and the world does not know.
 *
 * It lies in the world, not in a WeakMap: whatever a WeakMap of the whole process holds, the quick rounds of the
 * collector take for alive, and with it all that it sees, until a full one.
 */
import type { World } from './world-api.ts';

/** `make` is called once for each world. */
export function perWorld<T extends object>(): (world: World, make: () => T) => T {
  const key = Symbol('kept of a world');
  return (world, make) => {
    const known = world.attic.get(key) as T | undefined;
    if (known !== undefined) return known;
    const made = make();
    world.attic.set(key, made);
    return made;
  };
}
