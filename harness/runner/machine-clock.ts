/**
 * The clock of the machine that an engine runs on. It can be set wrong by a jump; timers that run go on running for as
 * long as they were meant to, as they do on real machines.
 */
import type { Clock, Timer } from '../../src/kernel/clock.ts';

export class MachineClock implements Clock {
  readonly #inner: Clock;
  #wrongByMs = 0;

  constructor(inner: Clock) {
    this.#inner = inner;
  }

  now(): number {
    return this.#inner.now() + this.#wrongByMs;
  }

  setTimer(atMs: number, fire: () => void): Timer {
    return this.#inner.setTimer(atMs - this.#wrongByMs, fire);
  }

  hold(): () => void {
    return this.#inner.hold();
  }

  jump(byMs: number): void {
    this.#wrongByMs += byMs;
  }
}
