/**
 * The clock of a world with guests outside of this process: time stands still while they work, except while what they
 * wait for is time itself. A planned delay of a request to a device is such a wait: whoever holds the clock until the
 * request is answered, or until a thread is free that waits for the answer, would hold it for ever.
 */
import type { Clock, Timer } from '../../src/kernel/clock.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';

export type Stage = Pick<HostedWorld, 'faults'> & { readonly world: Pick<HostedWorld['world'], 'journal'> };

export class PatientClock implements Clock {
  readonly #inner: Clock;
  readonly #holds = new Set<Hold>();
  #delays = 0;

  constructor(inner: Clock) {
    this.#inner = inner;
  }

  /** Begins to look for planned delays of a world. */
  attend({ world, faults }: Stage): void {
    world.journal.watch((entry) => {
      if (entry.type !== 'fault.fired' || !entry.at.startsWith('guest')) return;
      const spec = faults.list().find(({ id }) => id === entry.fault)?.spec;
      if (spec?.kind === 'delay') this.#letPass(spec.ms);
    });
  }

  now(): number {
    return this.#inner.now();
  }

  setTimer(atMs: number, fire: () => void): Timer {
    return this.#inner.setTimer(atMs, fire);
  }

  hold(): () => void {
    const hold = new Hold(this.#inner);
    this.#holds.add(hold);
    if (this.#delays === 0) hold.resume();
    return () => {
      this.#holds.delete(hold);
      hold.pause();
    };
  }

  #letPass(ms: number): void {
    if (++this.#delays === 1) for (const hold of this.#holds) hold.pause();
    // One later: a hold that came back at the very instant would keep the delay itself from ending.
    this.#inner.setTimer(this.#inner.now() + ms + 1, () => {
      if (--this.#delays === 0) for (const hold of this.#holds) hold.resume();
    });
  }
}

class Hold {
  readonly #clock: Clock;
  #release: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  resume(): void {
    this.#release ??= this.#clock.hold();
  }

  pause(): void {
    this.#release?.();
    this.#release = undefined;
  }
}
