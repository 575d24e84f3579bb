/** Clocks of worlds in which somebody else's engine is at work. They begin now, because engines sign with their time. */
import type { StoryClock } from '../../../harness/runner/story-clock.ts';
import { type ClockMode, scaleOf } from '../../../simulator/control/clock-mode.ts';
import { createSteering } from '../../../simulator/control/steering.ts';
import type { HostedWorld } from '../../../simulator/app/simulator-api.ts';
import { ScaledClock } from '../../runtime/scaled-clock.ts';

export interface SteeredClock {
  readonly clock: StoryClock;
  /** To be called when the world is there. */
  attach(hosted: HostedWorld): void;
}

/** What engines are told where time stands still: their own waits are as long as ever. */
const STANDING_SCALE = 1;

/** Seconds of the platform per second of the wall, as engines are told. */
export function toldScaleOf(mode: ClockMode): number {
  return scaleOf(mode) || STANDING_SCALE;
}

/** `isBusy`: a job is at work, so that time that stands still must not move by itself. */
export function createStoryClock(mode: ClockMode, isBusy: () => boolean = () => true): SteeredClock {
  const clock = new ScaledClock({ startMs: Date.now(), scale: scaleOf(mode) });
  const base = {
    now: () => clock.now(),
    setTimer: (atMs: number, fire: () => void) => clock.setTimer(atMs, fire),
    hold: () => clock.hold(),
  };
  if (mode !== 'manual')
    return {
      clock: { ...base, run: (work) => work.finally(() => clock.stop()) },
      attach: () => undefined,
    };
  return {
    clock: { ...base, run: (work) => stepWhileIdle(clock, work, isBusy) },
    // While a job is at work, tasks come to their end at once and nothing else moves.
    attach: ({ world }) => void createSteering(world, clock, 'virtual'),
  };
}

const LOOK_EVERY_MS = 5;
const IDLE_LOOKS = 10;

/** Goes from timer to timer while no job is at work, until the work is done. */
async function stepWhileIdle<T>(clock: ScaledClock, work: Promise<T>, isBusy: () => boolean): Promise<T> {
  const end = { isThere: false };
  const watched = work.finally(() => {
    end.isThere = true;
  });
  for (let idle = 0; !end.isThere; ) {
    await Promise.race([watched, new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))]);
    idle = isBusy() ? 0 : idle + 1;
    const nextMs = clock.nextTimerMs();
    if (idle < IDLE_LOOKS || nextMs === undefined) continue;
    await clock.advanceTo(nextMs);
  }
  clock.stop();
  return watched;
}
