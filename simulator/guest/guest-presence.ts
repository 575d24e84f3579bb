/**
 * One hot-added disk in one guest, from the moment it is plugged in until the guest has let go.
 *
 * `coming`: plugged in, not shown yet. `present`: shown, can be opened. `gone`: let go. A device that never shows stays
 * `coming` until the disk is taken away.
 */
import type { Timer } from '../../src/kernel/clock.ts';
import type { HotAddedDisk } from '../domain/hot-add-api.ts';
import type { ExportConnection, ExportDevice } from '../nbd/export-device.ts';
import type { GuestDevice, GuestServer } from './guest-api.ts';

export interface PresenceOptions {
  readonly server: GuestServer;
  readonly disk: HotAddedDisk;
  readonly content: ExportDevice;
  /** Told of a step that failed; what it was to bring about has not happened. */
  readonly onError: (error: unknown) => void;
}

export class GuestPresence {
  readonly server: GuestServer;
  readonly disk: HotAddedDisk;
  /** What the bytes are. Kept from the moment of plugging in: later the id may stand for another attachment. */
  readonly content: ExportDevice;
  state: 'coming' | 'present' | 'gone' = 'coming';
  /** The platform has forgotten the disk already, the guest has not. */
  isDetached = false;
  /** By all programs together. */
  readBytes = 0;
  /** Connections of programs in the guest. */
  readonly connections = new Set<ExportConnection>();
  /** Removals that wait for the guest to let go. */
  readonly #waiting: (() => void)[] = [];
  readonly #timers = new Set<Timer>();
  #device: GuestDevice | undefined;
  readonly #onError: (error: unknown) => void;
  #work: Promise<void> | undefined;

  constructor(options: PresenceOptions) {
    this.server = options.server;
    this.disk = options.disk;
    this.content = options.content;
    this.#onError = options.onError;
  }

  /** The device that the guest's kernel made of the disk; `undefined` before it saw the disk. */
  get recognised(): GuestDevice | undefined {
    return this.#device;
  }

  /** The same, where the disk is known to have been seen. */
  get device(): GuestDevice {
    if (this.#device === undefined) throw new Error(`the guest has not seen ${this.disk.id} yet`);
    return this.#device;
  }

  recognise(device: GuestDevice): void {
    this.#device = device;
  }

  /** One step after the other; at once when nothing is under way. */
  queue(step: () => void | Promise<void>): void {
    const result = this.#work === undefined ? step() : this.#work.then(step);
    if (!(result instanceof Promise)) return;
    const work = result.catch(this.#onError).finally(() => {
      if (this.#work === work) this.#work = undefined;
    });
    this.#work = work;
  }

  /** Everything that was queued is done. */
  async settled(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  /** A timer that dies with the presence. */
  keep(timer: Timer): void {
    this.#timers.add(timer);
  }

  await(released: () => void): void {
    this.#waiting.push(released);
  }

  /** The guest has let go. */
  release(): void {
    for (const released of this.#waiting.splice(0)) released();
  }

  /** Ends what programs in the guest have open, and what was still to happen. */
  end(why: string): void {
    this.state = 'gone';
    for (const timer of this.#timers) timer.cancel();
    for (const connection of this.connections) connection.cut(why);
    this.connections.clear();
  }
}
