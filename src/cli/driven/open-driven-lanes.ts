/** Lanes that play scenarios with somebody else's engine: each has a simulator and ports of its own. */
import { createDrivenLane } from '../../../harness/runner/driven/driven-lane.ts';
import type { DrivenEngine } from '../../../harness/runner/driven/driven-engine.ts';
import type { Witness } from '../../../harness/runner/run-scenario.ts';
import type { StoryClock } from '../../../harness/runner/story-clock.ts';
import { type ClockMode, scaleOf } from '../../../simulator/control/clock-mode.ts';
import { ScaledClock } from '../../runtime/scaled-clock.ts';
import type { Lanes } from '../suite-lanes.ts';
import { openStageDoor } from './driven-stage.ts';

export type DrivenSpec = Omit<DrivenEngine, 'createClock' | 'openStage' | 'timeScale'> & {
  readonly mode: ClockMode;
};

export async function openDrivenLanes(spec: DrivenSpec, count: number, witness: Witness): Promise<Lanes> {
  await using open = new AsyncDisposableStack();
  const lanes = [];
  for (let lane = 0; lane < count; lane++) {
    const door = open.use(await openStageDoor());
    const driven: DrivenEngine = {
      ...spec,
      timeScale: scaleOf(spec.mode),
      createClock: () => createStoryClock(spec.mode),
      openStage: (hosted) => door.openStage(hosted),
    };
    const { simulator } = door;
    lanes.push(createDrivenLane({ simulator, driven, stopwatch: () => performance.now(), witness }));
  }
  const opened = open.move();
  return { lanes, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Of the wall, at some speed. It begins now, because engines sign with the time of theirs. */
export function createStoryClock(mode: ClockMode): StoryClock {
  const clock = new ScaledClock({ startMs: Date.now(), scale: scaleOf(mode) });
  return {
    now: () => clock.now(),
    setTimer: (atMs, fire) => clock.setTimer(atMs, fire),
    hold: () => clock.hold(),
    run: (work) => work.finally(() => clock.stop()),
  };
}
