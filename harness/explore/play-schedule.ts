/** One run of a scenario in which a chooser decides the order of the racing calls. */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { HttpRequest, HttpResponse } from '../../src/sdk/http-transport.ts';
import type { HostedWorld, Simulator } from '../../simulator/app/simulator-api.ts';
import type { World } from '../../simulator/domain/world-api.ts';
import type { Cast } from '../report/timeline-marks.ts';
import { type RunRecord, runOnce } from '../runner/run-once.ts';
import type { Scenario } from '../runner/scenario-schema.ts';
import type { Seams } from '../runner/seams.ts';
import { castOf } from './cast.ts';
import type { Chooser } from './chooser.ts';
import { type Collision, findCollisions } from './collisions.ts';
import { Gate } from './gate.ts';
import { type JobResult, noteJobs } from './job-results.ts';
import { OPERATOR_LETTER, powerCut } from './power-cut.ts';
import { actorsOf, createClassifier } from './race-actors.ts';
import { type Act, formatSchedule } from './schedule.ts';
import { stackSeams } from './stack-seams.ts';
import { taskOf } from './started-task.ts';

export interface StageOptions {
  readonly simulator: Simulator;
  readonly scenario: Scenario;
  readonly transport: Transport;
  readonly seed: string;
  /** What is broken on purpose, made anew for every run; nothing when absent. */
  readonly seams?: () => Seams;
  /** Calls that are held at the gate. */
  readonly held: readonly Act[];
  /** An operator stands by, who cuts the power of the first proxy, once. */
  readonly hasPowerCut: boolean;
}

export interface PlayedSchedule {
  /** The steps in the order in which they were made; played again, it gives the same journal. */
  readonly schedule: string;
  readonly record: RunRecord;
  /** HotAdd tasks that met another one on the same proxy. */
  readonly collisions: readonly Collision[];
  readonly cast: Cast;
  readonly isPowerCut: boolean;
  /** What went wrong; absent when the run is as it must be. */
  readonly failure?: string;
}

/** Virtual time for which the gate waits for an actor that may be unable to come. */
const PATIENCE_MS = 40_000;

export async function playSchedule(options: StageOptions, chooser: Chooser): Promise<PlayedSchedule> {
  const stage = new Stage(options, chooser);
  const { simulator, scenario, transport, seed } = options;
  const seams = stackSeams(options.seams?.() ?? {}, stage.seams());
  const record = await runOnce({ simulator, scenario, transport, seed, seams });
  const outcome = stage.outcome();
  const failure = failureOf(record, outcome);
  return {
    ...outcome,
    record,
    collisions: findCollisions(record.journal),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** A job may fail only when the power was cut. */
function failureOf(record: RunRecord, { isPowerCut, jobs }: StageOutcome): string | undefined {
  const failed = jobs.find((job) => job.failure !== undefined);
  if (!isPowerCut && failed !== undefined) return `${failed.job} of ${failed.of} fails: ${failed.failure}`;
  return record.outcome === 'passed' ? undefined : `${record.outcome}: ${record.reason}`;
}

interface StageOutcome {
  readonly schedule: string;
  readonly cast: Cast;
  readonly isPowerCut: boolean;
  readonly jobs: readonly JobResult[];
}

/** What one run needs of the gate: the world is only known when it has begun. */
class Stage {
  readonly #options: StageOptions;
  readonly #chooser: Chooser;
  readonly #jobs: JobResult[] = [];
  #gate: Gate | undefined;
  #cast: Cast | undefined;

  constructor(options: StageOptions, chooser: Chooser) {
    this.#options = options;
    this.#chooser = chooser;
  }

  seams(): Seams {
    return {
      world: (hosted) => this.#begin(hosted),
      createEngine: (inner) => noteJobs(inner, (result) => this.#noteJob(result)),
      together: (side) => (side === 'begins' ? this.#gate?.close() : this.#gate?.open()),
      transport: (inner, { world }) => {
        const classify = createClassifier(world);
        const through = (request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> => {
          const step = classify(request);
          const send = (): Promise<HttpResponse> => inner.send(request, signal);
          if (step === undefined || !this.#options.held.includes(step.act)) return send();
          return this.#theGate().pass(step, send, (answer) => taskOf(world, answer));
        };
        return { send: through, close: () => inner.close() };
      },
    };
  }

  outcome(): StageOutcome {
    if (this.#cast === undefined) throw new Error('the run never began');
    const steps = this.#theGate().schedule;
    return {
      schedule: formatSchedule(steps),
      cast: this.#cast,
      isPowerCut: steps.some(({ actor }) => actor === OPERATOR_LETTER),
      jobs: this.#jobs,
    };
  }

  #begin({ world }: HostedWorld): void {
    this.#cast = castOf(world);
    const gate = new Gate({
      clock: world.clock,
      chooser: this.#chooser,
      actors: actorsOf(world).length,
      patienceMs: PATIENCE_MS,
      hasEnded: ({ id }) => world.tasks.get(id).endMs !== undefined,
      ...(this.#options.hasPowerCut ? { standby: powerCut(world) } : {}),
    });
    this.#gate = gate;
    watchTasks(world, gate);
    watchReads(world, gate);
  }

  #noteJob(result: JobResult): void {
    this.#jobs.push(result);
    this.#theGate().leave();
  }

  #theGate(): Gate {
    if (this.#gate === undefined) throw new Error('the run has not begun');
    return this.#gate;
  }
}

function watchTasks(world: World, gate: Gate): void {
  world.journal.watch((entry) => {
    if (entry.type === 'task' && entry.status !== 'waiting' && entry.status !== 'doing') gate.stir();
  });
}

/** The second read after every step counts as the midst of reading: one has been answered, others are to come. */
function watchReads(world: World, gate: Gate): void {
  let steps = -1;
  let reads = 0;
  world.journal.watch((entry) => {
    if (entry.type !== 'guest.io' || entry.command !== 'READ') return;
    if (steps !== gate.schedule.length) reads = 0;
    steps = gate.schedule.length;
    if (++reads === 2) queueMicrotask(() => gate.readNow());
  });
}
