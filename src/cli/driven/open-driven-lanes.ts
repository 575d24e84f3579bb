/** Lanes that play scenarios with somebody else's engine: each has a simulator and ports of its own. */
import type { EngineDoor } from '../../../harness/driver/engine-door.ts';
import type { DrivenEngine } from '../../../harness/runner/driven/driven-engine.ts';
import { createDrivenLane } from '../../../harness/runner/driven/driven-lane.ts';
import type { Witness } from '../../../harness/runner/run-scenario.ts';
import type { ClockMode } from '../../../simulator/control/clock-mode.ts';
import type { Lanes } from '../suite-lanes.ts';
import { openStageDoor, type StageDoor } from './driven-stage.ts';
import { createStoryClock, type SteeredClock, toldScaleOf } from './story-clocks.ts';

export type DrivenSpec = Omit<DrivenEngine, 'createClock' | 'openStage' | 'timeScale'> & {
  readonly mode: ClockMode;
};

export async function openDrivenLanes(spec: DrivenSpec, count: number, witness: Witness): Promise<Lanes> {
  await using open = new AsyncDisposableStack();
  const lanes = [];
  for (let lane = 0; lane < count; lane++) {
    const stages = open.use(await openStageDoor(toldScaleOf(spec.mode)));
    const driven = createDriven(spec, stages);
    const { simulator } = stages;
    lanes.push(createDrivenLane({ simulator, driven, stopwatch: () => performance.now(), witness }));
  }
  const opened = open.move();
  return { lanes, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function createDriven(spec: DrivenSpec, stages: StageDoor): DrivenEngine {
  const { door, jobs } = countJobs(spec.door);
  let latest: SteeredClock | undefined;
  return {
    ...spec,
    door,
    timeScale: toldScaleOf(spec.mode),
    isStanding: spec.mode === 'manual',
    createClock() {
      latest = createStoryClock(spec.mode, () => jobs.atWork > 0);
      return latest.clock;
    },
    openStage(hosted) {
      latest?.attach(hosted);
      return stages.openStage(hosted);
    },
  };
}

/** A door that knows how many jobs are at work. */
function countJobs(door: EngineDoor): { readonly door: EngineDoor; readonly jobs: { atWork: number } } {
  const jobs = { atWork: 0 };
  return {
    jobs,
    door: {
      ...door,
      start(job, onOutput) {
        const started = door.start(job, onOutput);
        jobs.atWork++;
        return { ...started, ended: started.ended.finally(() => jobs.atWork--) };
      },
    },
  };
}
