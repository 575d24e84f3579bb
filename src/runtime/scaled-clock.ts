/**
 * Time for a server: it runs with the wall at any scale, or stands still until somebody moves it.
 *
 * The intuition: a virtual clock holds the timers; the wall only decides how far it may go. So an advance by hand and
 * the wall's own progress go through the same door, and both stop at every due timer.
 *
 * Invariants: `now()` never goes back, not even when the scale changes; a timer in the past fires as soon as possible
 * even while time stands still; moves are carried out one after the other.
 */
import type { Clock, Timer } from '../kernel/clock.ts';
import { VirtualClock } from '../kernel/virtual-clock.ts';

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export interface ScaledClockOptions {
  readonly startMs: number;
  /** Milliseconds of this clock per millisecond of the wall; 0 stands still. */
  readonly scale: number;
}

export class ScaledClock implements Clock {
  readonly #timers: VirtualClock;
  #scale = 0;
  #originMs: number;
  #originWallMs = 0;
  #lastMs: number;
  #alarm: NodeJS.Timeout | undefined;
  #moves: Promise<void> = Promise.resolve();

  constructor(options: ScaledClockOptions) {
    this.#timers = new VirtualClock(options.startMs);
    this.#originMs = options.startMs;
    this.#lastMs = options.startMs;
    this.#run(options.scale);
  }

  get scale(): number {
    return this.#scale;
  }

  now(): number {
    const ran = (performance.now() - this.#originWallMs) * this.#scale;
    const nowMs = this.#scale === 0 ? this.#timers.now() : Math.floor(this.#originMs + ran);
    this.#lastMs = Math.max(this.#lastMs, nowMs);
    return this.#lastMs;
  }

  setTimer(atMs: number, fire: () => void): Timer {
    const timer = this.#timers.setTimer(atMs, fire);
    this.#arm();
    return timer;
  }

  /** Real work stops time only while time is moved by hand; the wall waits for nobody. */
  hold(): () => void {
    return this.#scale === 0 ? this.#timers.hold() : () => undefined;
  }

  /** The instant of the next timer, or `undefined` when nobody waits. */
  nextTimerMs(): number | undefined {
    return this.#timers.nextTimerMs();
  }

  /** Moves time to `targetMs` at once, stopping at every due timer on the way, then goes on at the same scale. */
  advanceTo(targetMs: number): Promise<void> {
    return this.#enqueue(async () => {
      const scale = this.#scale;
      this.#run(0);
      await this.#timers.advanceTo(this.now());
      await this.#timers.advanceTo(targetMs);
      this.#run(scale);
    });
  }

  advanceBy(ms: number): Promise<void> {
    return this.#enqueue(async () => {
      const scale = this.#scale;
      this.#run(0);
      const targetMs = this.now() + ms;
      await this.#timers.advanceTo(targetMs);
      this.#run(scale);
    });
  }

  /** Goes on at another scale, from the present instant. */
  setScale(scale: number): Promise<void> {
    return this.#enqueue(async () => {
      this.#run(0);
      await this.#timers.advanceTo(this.now());
      this.#run(scale);
    });
  }

  /** Lets no timer fire any more. */
  stop(): void {
    this.#run(0);
    clearTimeout(this.#alarm);
  }

  #run(scale: number): void {
    this.#originMs = this.now();
    this.#originWallMs = performance.now();
    this.#scale = scale;
    this.#arm();
  }

  /** One move after the other: two that overlap would fire timers out of order. */
  #enqueue(move: () => Promise<void>): Promise<void> {
    const result = this.#moves.then(move);
    this.#moves = result.catch(() => undefined);
    return result;
  }

  #arm(): void {
    clearTimeout(this.#alarm);
    const nextMs = this.#timers.nextTimerMs();
    if (nextMs === undefined) return;
    const waitMs = nextMs <= this.now() ? 0 : (nextMs - this.now()) / this.#scale;
    if (!Number.isFinite(waitMs)) return;
    // The listening sockets keep a server alive, not its timers.
    this.#alarm = setTimeout(() => void this.#tick(), Math.min(waitMs, LONGEST_TIMEOUT_MS)).unref();
  }

  async #tick(): Promise<void> {
    await this.#enqueue(() => this.#timers.advanceTo(this.now()));
    this.#arm();
  }
}
