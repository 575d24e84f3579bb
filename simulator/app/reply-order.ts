/**
 * The order of replies on one connection: a reply may be held back until a later one has overtaken it.
 *
 * Model: NBD answers in any order; a server with several workers does. A held reply goes when the next one has gone, or
 * after 20 ms, when no other request was under way and there was nothing to be overtaken by.
 */
import type { Clock } from '../../src/kernel/clock.ts';

const LONGEST_MS = 20;

export class ReplyOrder {
  readonly #clock: Clock;
  readonly #held = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isHolding(): boolean {
    return this.#held.size > 0;
  }

  /** Resolves when another reply has gone. */
  overtaken(): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        timer.cancel();
        this.#held.delete(go);
        resolve();
      };
      const timer = this.#clock.setTimer(this.#clock.now() + LONGEST_MS, go);
      this.#held.add(go);
    });
  }

  /** A reply goes now: those that were held follow it. */
  passed(): void {
    for (const go of this.#held) go();
  }
}
