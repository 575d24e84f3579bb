/**
 * What is out of order for a while. An outage ends when its time is over or its fault is cleared; where two hold the
 * same thing, it is back when the last of them ends.
 */
import type { Clock } from '../../src/kernel/clock.ts';
import type { Faults } from './fault-api.ts';

export interface Outage {
  /** What is out: outages of the same thing share it. */
  readonly what: string;
  readonly ms: number;
  readonly begin: () => void;
  readonly end: () => void;
}

export class Outages {
  readonly #clock: Clock;
  readonly #holders = new Map<string, number>();
  readonly #ends = new Map<string, Set<() => void>>();

  constructor(clock: Clock, faults: Pick<Faults, 'onCleared'>) {
    this.#clock = clock;
    faults.onCleared((id) => {
      for (const end of this.#ends.get(id) ?? []) end();
    });
  }

  start(fault: string, outage: Outage): void {
    const held = this.#holders.get(outage.what) ?? 0;
    this.#holders.set(outage.what, held + 1);
    if (held === 0) outage.begin();
    const end = (): void => {
      timer.cancel();
      if (this.#endsOf(fault).delete(end)) this.#release(outage);
    };
    const timer = this.#clock.setTimer(this.#clock.now() + outage.ms, end);
    this.#endsOf(fault).add(end);
  }

  #release({ what, end }: Outage): void {
    const held = (this.#holders.get(what) ?? 1) - 1;
    this.#holders.set(what, held);
    if (held === 0) end();
  }

  #endsOf(fault: string): Set<() => void> {
    const ends = this.#ends.get(fault) ?? new Set();
    this.#ends.set(fault, ends);
    return ends;
  }
}
