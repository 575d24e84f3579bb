/**
 * A world's clock for those who wait for programs outside: time stands still while they work, except while what they
 * wait for is time itself. A planned delay of a request to a device is such a wait: whoever holds the clock until the
 * request is answered would hold it for ever.
 */
import type { Clock } from '../../src/kernel/clock.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import type { Faults } from '../fault/fault-api.ts';

interface Stage {
  readonly world: { readonly journal: Journal };
  readonly faults: Faults;
}

export function createPatientClock(clock: Clock, { world, faults }: Stage): Clock {
  const holds = new Set<Hold>();
  let delays = 0;
  world.journal.watch((entry) => {
    if (entry.type !== 'fault.fired' || !entry.at.startsWith('guest')) return;
    const spec = faults.list().find(({ id }) => id === entry.fault)?.spec;
    if (spec?.kind !== 'delay') return;
    if (++delays === 1) for (const hold of holds) hold.pause();
    // One later: a hold that came back at the very instant would keep the delay itself from ending.
    clock.setTimer(clock.now() + spec.ms + 1, () => {
      if (--delays === 0) for (const hold of holds) hold.resume();
    });
  });
  return {
    now: () => clock.now(),
    setTimer: (atMs, fire) => clock.setTimer(atMs, fire),
    hold() {
      const hold = new Hold(clock);
      holds.add(hold);
      if (delays === 0) hold.resume();
      return () => {
        holds.delete(hold);
        hold.pause();
      };
    },
  };
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
