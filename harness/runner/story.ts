/** Everything that one run of one scenario knows while it goes on. */
import type { Transport } from '../../src/engine/engine-api.ts';
import { createRng, type Rng } from '../../src/kernel/rng.ts';
import type { VirtualClock } from '../../src/kernel/virtual-clock.ts';
import { MemoryStorage } from '../../src/repository/memory-storage.ts';
import type { Repository } from '../../src/repository/repository-api.ts';
import type { HostedWorld, Simulator } from '../../simulator/app/simulator-api.ts';
import type { Server } from '../../simulator/domain/world-api.ts';
import { type ExpectedImage, GuestLog } from '../oracle/guest-log.ts';
import type { WorldState } from '../oracle/leak-oracle.ts';
import { type EngineProcess, openRepository, startProcess } from './engine-process.ts';
import { StorageStage } from './gated-storage.ts';
import type { FaultCount } from './outcome.ts';
import type { Scenario } from './scenario-schema.ts';
import type { Seams } from './seams.ts';

export interface StoryOptions {
  readonly scenario: Scenario;
  readonly transport: Transport;
  /** Of the run; the world's seed is drawn from it, the scenario and the engine. */
  readonly seed: string;
  readonly simulator: Simulator;
  readonly hosted: HostedWorld;
  readonly clock: VirtualClock;
  readonly seams: Seams;
}

/** A restore point and what its disks must hold, by slot; an unknown image can't be compared. */
export interface PointRecord {
  readonly id: string;
  readonly images: ReadonlyMap<string, ExpectedImage | undefined>;
}

export class Story {
  readonly scenario: Scenario;
  readonly transport: Transport;
  readonly seed: string;
  readonly hosted: HostedWorld;
  readonly clock: VirtualClock;
  readonly rng: Rng;
  readonly log = new GuestLog();
  readonly storageStage = new StorageStage();
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
  before: WorldState = { servers: [], snapshots: [], resources: [], tasks: [] };
  lastPoint: string | undefined;
  comparedBytes = 0;
  /** Points that were compared after the last job that writes to the repository. */
  readonly judgedSince = new Set<string>();
  /** The steps under way, for the story that never ends. */
  readonly under = new Set<string>();

  readonly #options: StoryOptions;
  #storage = new MemoryStorage();
  #process: EngineProcess | undefined;
  #lives = 0;

  constructor(options: StoryOptions) {
    this.#options = options;
    this.scenario = options.scenario;
    this.transport = options.transport;
    this.seed = options.seed;
    this.hosted = options.hosted;
    this.clock = options.clock;
    this.rng = createRng(`${options.seed}/story`);
  }

  get world(): HostedWorld['world'] {
    return this.hosted.world;
  }

  /** The engine that lives now; a new life begins when there is none. */
  process(): EngineProcess {
    this.#process ??= startProcess({
      ...this.#options,
      storage: this.#storage,
      storageStage: this.storageStage,
      settings: this.scenario.engine ?? {},
      seed: `${this.seed}/engine-${++this.#lives}`,
    });
    return this.#process;
  }

  /** Ends the engine's life. With `powerCut` the storage also forgets what was not synced. */
  kill(powerCut: boolean): void {
    this.#process?.power.kill();
    this.#process = undefined;
    if (powerCut) this.#storage = this.#storage.crash(this.rng.fork(`crash-${this.#lives}`));
  }

  /** The repository as the harness looks into it. */
  repository(): Repository {
    return openRepository(this.#storage, this.clock);
  }

  server(name: string | undefined): Server {
    return this.world.servers.find(name ?? this.scenario.world.servers[0]?.name ?? '');
  }

  /** Position that the next journal entry will get. */
  get position(): number {
    return this.world.journal.length;
  }
}
