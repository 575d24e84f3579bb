/** Everything that one run of one scenario knows while it goes on. */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { ConnectProxy } from '../../src/engine/proxy-agent.ts';
import { createRng, type Rng } from '../../src/kernel/rng.ts';
import type { HostedWorld, Simulator } from '../../simulator/app/simulator-api.ts';
import type { Server } from '../../simulator/domain/world-api.ts';
import { type ExpectedImage, GuestLog } from '../oracle/guest-log.ts';
import type { WorldState } from '../oracle/leak-oracle.ts';
import type { DrivenEngine, DrivenStage } from './driven/driven-engine.ts';
import { DrivenInstallation } from './driven/driven-installation.ts';
import { Installation } from './installation.ts';
import type { Installed } from './installed.ts';
import type { FaultCount } from './outcome.ts';
import type { EngineName, EngineNode, Scenario, StepBodies } from './scenario-schema.ts';
import type { Seams } from './seams.ts';
import type { StoryClock } from './story-clock.ts';

export interface StoryOptions {
  readonly scenario: Scenario;
  readonly transport: Transport;
  /** Of the run; the world's seed is drawn from it, the scenario and the engine. */
  readonly seed: string;
  readonly simulator: Simulator;
  readonly hosted: HostedWorld;
  readonly clock: StoryClock;
  readonly seams: Seams;
  /** The way into the guests of proxies; straight to the simulated ones when absent. */
  readonly connectProxy?: ConnectProxy;
  /** Somebody else's engine in place of the reference engine, and its stage. */
  readonly driven?: DrivenEngine;
  readonly stage?: DrivenStage;
}

/** A restore point and what its disks must hold, by slot; an unknown image can't be compared. */
export interface PointRecord {
  readonly id: string;
  /** Whose repository holds it. */
  readonly engine: EngineName;
  readonly images: ReadonlyMap<string, ExpectedImage | undefined>;
}

/** What a story under attack keeps in mind. */
export interface SurvivalState {
  /** Restores that have not succeeded; they must when the attack is over. */
  readonly owed: StepBodies['restore'][];
  /** Engines that the story has given a job. */
  readonly engines: Set<EngineName>;
  /** Position in the journal and instant at which the attack ended; all that follows must come right. */
  readonly over: { readonly n: number; readonly t: number } | undefined;
}

/** Marks what the second engine makes, so that neither takes the other's things for its own. */
const SECOND_TAG = 'backlot_2';

/** Until the sockets of a process that has ended are seen to be closed. */
const LAST_SOCKETS_MS = 150;

export class Story {
  readonly scenario: Scenario;
  readonly transport: Transport;
  readonly seed: string;
  readonly seams: Seams;
  /** Somebody else's engine, when it is one. */
  readonly driven: DrivenEngine | undefined;
  readonly hosted: HostedWorld;
  readonly clock: StoryClock;
  /** Of the world's time: what is on its way when the steps are over arrives within it. */
  readonly graceMs: number;
  readonly begunAtMs: number;
  readonly rng: Rng;
  readonly log = new GuestLog();
  readonly installations: Readonly<Record<EngineName, Installed>>;
  readonly points = new Map<string, PointRecord>();
  /** Points by the names that the scenario gives them. */
  readonly pointNames = new Map<string, string>();
  readonly snapshotNames = new Map<string, string>();
  readonly operator = { made: new Set<string>(), removed: new Set<string>(), powered: new Set<string>() };
  /** Reasons why the outcome proves nothing. */
  readonly doubts: string[] = [];
  /** Counts of faults that were cleared before the end. */
  readonly clearedFaults: FaultCount[] = [];
  readonly mayMiss = new Set<string>();
  before: WorldState = { servers: [], snapshots: [], resources: [], tasks: [], hotAddedDisks: [] };
  /** The newest point of each engine. */
  readonly lastPoint = new Map<EngineName, string>();
  /** Points of which the engine itself has said that they are wrong. */
  readonly disowned = new Set<string>();
  comparedBytes = 0;
  /** Jobs that engines were given so far. */
  jobs = 0;
  /** Points that were compared after the last job that writes to the repository. */
  readonly judgedSince = new Set<string>();
  /** The steps under way, for the story that never ends. */
  readonly under = new Set<string>();
  /** Set when the story is under attack, before its first step. */
  survival: SurvivalState | undefined;

  constructor(options: StoryOptions) {
    this.scenario = options.scenario;
    this.transport = options.transport;
    this.seed = options.seed;
    this.seams = options.seams;
    this.driven = options.driven;
    this.hosted = options.hosted;
    this.clock = options.clock;
    this.graceMs = options.driven === undefined ? 1 : LAST_SOCKETS_MS * options.driven.timeScale;
    this.begunAtMs = options.clock.now();
    this.rng = createRng(`${options.seed}/story`);
    const { engine = {}, secondEngine = {} } = options.scenario;
    this.installations = this.#install(options, engine, secondEngine);
  }

  #install(options: StoryOptions, first: EngineNode, second: EngineNode): Record<EngineName, Installed> {
    const { driven, stage, seed } = options;
    if (driven !== undefined && stage !== undefined) {
      const only = new DrivenInstallation(this, driven, stage, first);
      return { first: only, second: only };
    }
    return {
      first: new Installation({ ...options, settings: first, account: 0, seed: `${seed}/engine` }),
      second: new Installation({
        ...options,
        settings: second,
        account: 1,
        seed: `${seed}/second-engine`,
        tag: SECOND_TAG,
      }),
    };
  }

  get world(): HostedWorld['world'] {
    return this.hosted.world;
  }

  installation(name: EngineName = 'first'): Installed {
    return this.installations[name];
  }

  /** Ends whatever engine lives. */
  end(): void {
    for (const installation of Object.values(this.installations)) installation.end();
  }

  server(name: string | undefined): Server {
    return this.world.servers.find(name ?? this.scenario.world.servers[0]?.name ?? '');
  }

  /** Position that the next journal entry will get. */
  get position(): number {
    return this.world.journal.length;
  }
}
