/** One step after the other, without a promise as long as no step needs one. */
export function inTurn(...steps: readonly (() => void | Promise<void>)[]): void | Promise<void> {
  for (const [at, step] of steps.entries()) {
    const result = step();
    if (result instanceof Promise) return result.then(() => inTurn(...steps.slice(at + 1)));
  }
}
