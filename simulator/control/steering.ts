/** The hand on a world's clock. */
import type { Clock } from '../../src/kernel/clock.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import type { World } from '../domain/world-api.ts';
import { type ClockMode, scaleOf } from './clock-mode.ts';

/** A clock that runs with the wall at a scale, or stands still (scale 0) and moves by hand. */
export interface SteerableClock extends Clock {
  readonly scale: number;
  setScale(scale: number): Promise<void>;
  advanceBy(ms: number): Promise<void>;
  advanceTo(targetMs: number): Promise<void>;
  nextTimerMs(): number | undefined;
}

export interface Steering {
  readonly mode: ClockMode;
  now(): number;
  /** When the world does something by itself next. */
  nextTimerMs(): number | undefined;
  setMode(mode: ClockMode): Promise<void>;
  /** Moves time by `ms`, stopping at everything that is due on the way. */
  advance(ms: number): Promise<void>;
  stop(): void;
}

export function createSteering(world: World, clock: SteerableClock, initial: ClockMode): Steering {
  let mode = initial;
  const stopJumping = jumpWhenIdle(world, clock, () => mode === 'virtual');
  return {
    get mode() {
      return mode;
    },
    now: () => clock.now(),
    nextTimerMs: () => clock.nextTimerMs(),
    async setMode(next) {
      const fromMs = clock.now();
      await clock.setScale(scaleOf(next));
      mode = next;
      world.journal.append({ type: 'clock.moved', fromMs, toMs: clock.now(), by: 'mode', mode: next });
    },
    async advance(ms) {
      const fromMs = clock.now();
      await clock.advanceBy(ms);
      world.settle();
      world.journal.append({ type: 'clock.moved', fromMs, toMs: clock.now(), by: 'advance' });
    },
    stop: stopJumping,
  };
}

/**
 * While `isOn`, moves time to the end of running tasks as soon as no request is in flight. It goes from one due
 * instant to the next, so a lease that ends before the task does ends first.
 */
function jumpWhenIdle(world: World, clock: SteerableClock, isOn: () => boolean): () => void {
  let isJumping = false;
  const inFlight = countInFlight(world.journal);
  const jump = async (): Promise<void> => {
    if (isJumping) return;
    isJumping = true;
    try {
      await step();
    } finally {
      isJumping = false;
    }
  };
  const step = async (): Promise<void> => {
    while (isOn() && inFlight.count() === 0 && hasUnfinishedTask(world)) {
      const nextMs = clock.nextTimerMs();
      if (nextMs === undefined) return;
      const fromMs = clock.now();
      await clock.advanceTo(nextMs);
      world.settle();
      world.journal.append({ type: 'clock.moved', fromMs, toMs: clock.now(), by: 'mode', mode: 'virtual' });
    }
  };
  const unwatch = world.journal.watch((entry) => {
    if (entry.type === 'rest.reply' && isOn()) void jump();
  });
  return () => {
    unwatch();
    inFlight.stop();
  };
}

function hasUnfinishedTask(world: World): boolean {
  return world.tasks.list().some((task) => task.status === 'waiting' || task.status === 'doing');
}

/** Requests that have no reply yet, by the journal. */
function countInFlight(journal: Journal): { count(): number; stop(): void } {
  let rest = 0;
  let nbd = 0;
  const stop = journal.watch((entry) => {
    if (entry.type === 'rest.request') rest++;
    if (entry.type === 'rest.reply') rest--;
    if (entry.type === 'nbd.request') nbd++;
    if (entry.type === 'nbd.reply') nbd--;
    // Requests of a connection that broke get no reply; nothing is in flight when nobody is connected.
    if (entry.type === 'nbd.close') nbd = 0;
  });
  return { count: () => rest + Math.max(0, nbd), stop };
}
