/**
 * Virtual time: a number that moves only when somebody moves it.
 *
 * The intuition: an in-process run is nothing but JavaScript, so when the event loop has nothing left to do,
 * everybody is waiting for time. Only then does the clock step to the next due timer, and it never steps over one.
 *
 * Invariants: timers fire in order of (instant, creation); `now()` equals a timer's instant while it fires; between
 * two timers the event loop is drained; while a `hold` is open, time stands still.
 */
import type { Clock, Timer } from './clock.ts';

interface PendingTimer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
  isCancelled: boolean;
}

/** Nobody waits for time and yet the awaited work is not done: it can never finish. */
export class VirtualTimeDeadlock extends Error {
  override readonly name = 'VirtualTimeDeadlock';
}

/**
 * Turns of the event loop without any sign of life after which it counts as drained. Pure JavaScript needs one turn
 * per hop (a stream's end, a TLS record through a duplex pair); the longest chain without a sign of life, over all
 * scenarios and sweeps over NBDSSL, is one.
 */
const IDLE_TURNS = 3;

export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  #activity = 0;
  readonly #heap: PendingTimer[] = [];
  readonly #holds = new Set<symbol>();
  #released: (() => void) | undefined;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimer(atMs: number, fire: () => void): Timer {
    this.#activity++;
    const timer: PendingTimer = {
      atMs: Math.max(atMs, this.#nowMs),
      order: this.#order++,
      fire,
      isCancelled: false,
    };
    heapPush(this.#heap, timer);
    return {
      cancel: () => {
        timer.isCancelled = true;
        this.#activity++;
      },
    };
  }

  hold(): () => void {
    const key = Symbol('hold');
    this.#holds.add(key);
    return () => {
      if (!this.#holds.delete(key)) return;
      this.#activity++;
      if (this.#holds.size === 0) this.#released?.();
    };
  }

  /** A sign of life: whoever moves data outside of timers calls it, so that the loop does not count as drained. */
  touch(): void {
    this.#activity++;
  }

  /** The instant of the next timer, or `undefined` when nobody waits. */
  nextTimerMs(): number | undefined {
    return this.#peek()?.atMs;
  }

  /** Lets the event loop run until it is drained and no hold is open. Time does not move. */
  async drain(isDone: () => boolean = () => false): Promise<void> {
    do {
      if (this.#holds.size > 0) await this.#release();
    } while (!(await this.#idleTurns(isDone)));
  }

  #release(): Promise<void> {
    return new Promise((resolve) => {
      this.#released = () => {
        this.#released = undefined;
        resolve();
      };
    });
  }

  /** Resolves with whether the loop is drained, or all is done; else a hold is open. */
  #idleTurns(isDone: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      let seen = this.#activity;
      let idle = 0;
      const turn = (): void => {
        if (isDone()) return resolve(true);
        idle = this.#activity === seen ? idle + 1 : 0;
        seen = this.#activity;
        if (this.#holds.size > 0) resolve(false);
        else if (idle >= IDLE_TURNS) resolve(true);
        else setImmediate(turn);
      };
      setImmediate(turn);
    });
  }

  /** Moves time to `targetMs`, stopping at every due timer on the way. */
  async advanceTo(targetMs: number): Promise<void> {
    await this.drain();
    for (let timer = this.#peek(); timer !== undefined && timer.atMs <= targetMs; timer = this.#peek()) {
      this.#fireNext();
      await this.drain();
    }
    this.#nowMs = Math.max(this.#nowMs, targetMs);
  }

  /** Moves time by `ms`, stopping at every due timer on the way. */
  advanceBy(ms: number): Promise<void> {
    return this.advanceTo(this.#nowMs + ms);
  }

  /**
   * Moves time from timer to timer until `work` settles, and returns its result.
   * @throws VirtualTimeDeadlock when nobody waits for time and `work` still is not done
   */
  async run<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    work.then(settle, settle);
    for (;;) {
      await this.drain(() => isSettled);
      if (isSettled) return work;
      if (this.#peek() === undefined) {
        throw new VirtualTimeDeadlock(
          'nothing is due and the work is not done: it waits for something that cannot happen',
        );
      }
      this.#fireNext();
    }
  }

  #peek(): PendingTimer | undefined {
    while (this.#heap[0]?.isCancelled) heapPop(this.#heap);
    return this.#heap[0];
  }

  #fireNext(): void {
    const timer = heapPop(this.#heap);
    if (timer === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, timer.atMs);
    this.#activity++;
    timer.fire();
  }
}

function isBefore(a: PendingTimer, b: PendingTimer): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.order < b.order;
}

function heapPush(heap: PendingTimer[], timer: PendingTimer): void {
  let at = heap.push(timer) - 1;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (parent === undefined || !isBefore(timer, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = timer;
}

function heapPop(heap: PendingTimer[]): PendingTimer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    if (left === undefined) break;
    const isRight = right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
  }
  heap[at] = last;
  return first;
}
