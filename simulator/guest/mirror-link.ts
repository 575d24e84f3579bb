/** What mirrors the guests, if anything does. Virtual time stands still while it works. */
import { type Clock, whileHolding } from '../../src/kernel/clock.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import type { GuestExecResult } from '../domain/hot-add-api.ts';
import type { Faults } from '../fault/fault-api.ts';
import type { DeviceMirror, GuestServer } from './guest-api.ts';
import type { GuestPresence } from './guest-presence.ts';
import { createPatientClock } from './patient-clock.ts';

export interface MirrorLinkOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly faults: () => Faults;
}

export class MirrorLink {
  readonly #options: MirrorLinkOptions;
  #mirror: DeviceMirror | undefined;
  #patientClock: Clock | undefined;

  constructor(options: MirrorLinkOptions) {
    this.#options = options;
  }

  set(mirror: DeviceMirror | undefined): void {
    this.#mirror = mirror;
  }

  appear({ server, device }: GuestPresence): void | Promise<void> {
    const mirror = this.#mirror;
    if (mirror === undefined) return;
    return whileHolding(this.#patience(), () => mirror.appear(server, device));
  }

  vanish({ server, recognised }: GuestPresence, isForced: boolean): void | Promise<void> {
    const mirror = this.#mirror;
    if (mirror === undefined || recognised === undefined) return;
    return whileHolding(this.#patience(), () => mirror.vanish(server, recognised, isForced));
  }

  /** `undefined` where no shell but the simulated one can answer. */
  exec(server: GuestServer, command: string): Promise<GuestExecResult> | undefined {
    const mirror = this.#mirror;
    if (mirror?.exec === undefined) return undefined;
    const run = mirror.exec.bind(mirror);
    return whileHolding(this.#options.clock, () => run(server, command));
  }

  /** A guest's kernel reads a disk before it shows it, and a fault may let that take time. */
  #patience(): Clock {
    const { clock, journal, faults } = this.#options;
    this.#patientClock ??= createPatientClock(clock, { world: { journal }, faults: faults() });
    return this.#patientClock;
  }
}
