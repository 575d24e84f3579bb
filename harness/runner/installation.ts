/** An engine as a customer has it: a repository of its own, and one process after the other that works with it. */
import type { Rng } from '../../src/kernel/rng.ts';
import { MemoryStorage } from '../../src/repository/memory-storage.ts';
import type { Repository } from '../../src/repository/repository-api.ts';
import { Checkpoints } from './checkpoints.ts';
import {
  credentialsOf,
  type EngineProcess,
  openRepository,
  type ProcessOptions,
  startProcess,
} from './engine-process.ts';
import { StorageStage } from './gated-storage.ts';
import { Incidents } from './incidents.ts';
import type { Installed } from './installed.ts';
import { MachineClock } from './machine-clock.ts';

export type InstallationOptions = Omit<
  ProcessOptions,
  'storage' | 'storageStage' | 'machineClock' | 'checkpoints'
>;

export class Installation implements Installed {
  readonly isDriven = false;
  readonly storageStage = new StorageStage((operation, path) =>
    this.incidents.tell({ kind: 'storage-fails', operation, path }),
  );
  readonly checkpoints = new Checkpoints();
  readonly incidents = new Incidents();
  readonly machineClock: MachineClock;
  readonly #options: InstallationOptions;
  #storage = new MemoryStorage();
  #shelf: Repository | undefined;
  #process: EngineProcess | undefined;
  #lives = 0;
  #isOver = false;
  #death = Promise.withResolvers<void>();

  constructor(options: InstallationOptions) {
    this.#options = options;
    this.machineClock = new MachineClock(options.clock);
  }

  /** The process that lives now; a new one is started when there is none. @throws StoryOver */
  process(): EngineProcess {
    if (this.#isOver) throw new StoryOver();
    if (this.#process !== undefined) return this.#process;
    this.incidents.tell({ kind: 'process-starts', life: ++this.#lives });
    this.#process = startProcess({
      ...this.#options,
      storage: this.#storage,
      storageStage: this.storageStage,
      machineClock: this.machineClock,
      checkpoints: this.checkpoints,
      seed: `${this.#options.seed}-${this.#lives}`,
    });
    return this.#process;
  }

  /** Name under which it logs in: access key id or user name. */
  get actor(): string {
    const credentials = credentialsOf(this.#options);
    return credentials.kind === 'ec2' ? credentials.accessKey : credentials.username;
  }

  /** The story is over; no process is started any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when the life that goes on now is ended. */
  get death(): Promise<void> {
    return this.#death.promise;
  }

  /** Ends the process's life. With a `powerCut` the storage also forgets what was not synced. */
  kill(powerCut?: Rng): void {
    const left =
      powerCut === undefined ? undefined : this.#storage.crash(powerCut.fork(`crash-${this.#lives}`));
    if (!this.#isOver)
      this.incidents.tell({
        kind: 'killed',
        isPowerCut: left !== undefined,
        lostFiles: left?.lostFiles ?? 0,
      });
    this.#process?.power.kill();
    this.#process = undefined;
    this.#death.resolve();
    this.#death = Promise.withResolvers<void>();
    if (left !== undefined) {
      this.#storage = left;
      this.#shelf = undefined;
    }
  }

  /** The clock of the engine's machine is set wrong. */
  jumpClock(byMs: number): void {
    this.incidents.tell({ kind: 'clock-jumps', byMs });
    this.machineClock.jump(byMs);
  }

  /** Ends the last life. A story that was cut off goes on for a while; it must not reach the world of the next one. */
  end(): void {
    this.#isOver = true;
    this.kill();
  }

  /** The repository as the harness looks into it; one for as long as the storage is the same. */
  repository(): Repository {
    return (this.#shelf ??= openRepository(this.#storage, this.#options.clock));
  }
}

/** Nobody is there any more to hear of what the story still does. */
class StoryOver extends Error {
  override readonly name = 'StoryOver';
}
