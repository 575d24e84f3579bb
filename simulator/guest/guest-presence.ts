/**
 * One hot-added disk in one guest, from the moment it is plugged in until the guest has let go.
 *
 * `coming`: plugged in, not shown yet. `present`: shown, can be opened. `gone`: let go. A device that never shows stays
 * `coming` until the disk is taken away.
 */
import type { Timer } from '../../src/kernel/clock.ts';
import type { HotAddedDisk } from '../domain/world-api.ts';
import type { ExportConnection, ExportDevice } from '../nbd/export-device.ts';
import type { GuestDevice, GuestServer } from './guest-api.ts';

export class GuestPresence {
  readonly server: GuestServer;
  readonly disk: HotAddedDisk;
  readonly device: GuestDevice;
  /** What the bytes are. Kept from the moment of plugging in: later the id may stand for another attachment. */
  readonly content: ExportDevice;
  state: 'coming' | 'present' | 'gone' = 'coming';
  /** The platform has forgotten it already, the guest has not. */
  isDetached = false;
  /** Connections of programs in the guest. */
  readonly connections = new Set<ExportConnection>();
  readonly #timers = new Set<Timer>();
  #work: Promise<void> | undefined;

  constructor(facts: Pick<GuestPresence, 'server' | 'disk' | 'device' | 'content'>) {
    this.server = facts.server;
    this.disk = facts.disk;
    this.device = facts.device;
    this.content = facts.content;
  }

  /** One step after the other; at once when nothing is under way. */
  queue(step: () => void | Promise<void>): void | Promise<void> {
    const result = this.#work === undefined ? step() : this.#work.then(step);
    if (!(result instanceof Promise)) return;
    const work = result.finally(() => {
      if (this.#work === work) this.#work = undefined;
    });
    this.#work = work;
    return work;
  }

  /** Keeps a timer that dies with the presence. */
  keep(timer: Timer): void {
    this.#timers.add(timer);
  }

  cancelTimers(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** Ends what programs in the guest have open. */
  cut(why: string): void {
    for (const connection of this.connections) connection.cut(why);
    this.connections.clear();
  }
}
