/**
 * What is going to happen in a world, and when.
 *
 * The intuition: time is an event. Nothing in the domain waits for a timer; every command first processes what is due
 * by its own instant. The one clock timer only wakes a world that nobody talks to.
 *
 * Invariants: events run in order of (instant, creation); while one runs, `now()` is its own instant; nothing runs
 * twice, and nothing runs after `close`.
 */
import type { Clock, Timer } from '../../src/kernel/clock.ts';

export interface Appointment {
  readonly atMs: number;
  cancel(): void;
}

interface Due {
  readonly atMs: number;
  readonly run: () => void;
}

export class Agenda {
  readonly #clock: Clock;
  /** In the order in which they are due. */
  readonly #queue: Due[] = [];
  #instantMs: number | undefined;
  #timer: Timer | undefined;
  #armedForMs: number | undefined;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The instant at which whatever runs now takes effect. */
  now(): number {
    return this.#instantMs ?? this.#clock.now();
  }

  /** Runs `run` at `atMs`, at the earliest with the next `settle`. */
  at(atMs: number, run: () => void): Appointment {
    const due: Due = { atMs, run };
    this.#queue.splice(this.#placeAfter(atMs), 0, due);
    this.#arm();
    return { atMs, cancel: () => this.#remove(due) };
  }

  /** Processes everything that is due; a call from within an event changes nothing. */
  settle(): void {
    if (this.#instantMs !== undefined) return;
    const nowMs = this.#clock.now();
    try {
      for (let due = this.#queue[0]; due !== undefined && due.atMs <= nowMs; due = this.#queue[0]) {
        this.#queue.shift();
        this.#instantMs = due.atMs;
        due.run();
      }
    } finally {
      this.#instantMs = undefined;
      this.#arm();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.length = 0;
    this.#arm();
  }

  #placeAfter(atMs: number): number {
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#queue[middle]?.atMs ?? 0) > atMs) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #remove(due: Due): void {
    const at = this.#queue.indexOf(due);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    this.#arm();
  }

  /** Keeps one clock timer for the head of the queue, and none when nothing is due. */
  #arm(): void {
    if (this.#instantMs !== undefined) return;
    const headMs = this.#isClosed ? undefined : this.#queue[0]?.atMs;
    if (headMs === this.#armedForMs && headMs !== undefined) return;
    this.#timer?.cancel();
    this.#armedForMs = headMs;
    this.#timer = headMs === undefined ? undefined : this.#clock.setTimer(headMs, () => this.#wake());
  }

  #wake(): void {
    this.#timer = undefined;
    this.#armedForMs = undefined;
    if (!this.#isClosed) this.settle();
  }
}
