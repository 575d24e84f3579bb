/** Two sets of seams as one: `outer` is nearer to the engine and sees only what `inner` gives. */
import type { Seams } from '../runner/seams.ts';

export function stackSeams(outer: Seams, inner: Seams): Seams {
  return {
    ...inner,
    ...outer,
    transport: (transport, hosted) => {
      const changed = inner.transport?.(transport, hosted) ?? transport;
      return outer.transport?.(changed, hosted) ?? changed;
    },
    // Whoever notes how jobs end must see what the changed engine does, so this one is the other way round.
    createEngine: (create) => {
      const changed = outer.createEngine?.(create) ?? create;
      return inner.createEngine?.(changed) ?? changed;
    },
    world: (hosted) => {
      inner.world?.(hosted);
      outer.world?.(hosted);
    },
  };
}
