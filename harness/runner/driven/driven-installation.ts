/** Somebody else's engine in a story: one job after the other, each a process of its own, on one repository folder. */
import type { Engine } from '../../../src/engine/engine-api.ts';
import { Checkpoints } from '../checkpoints.ts';
import { StorageStage } from '../gated-storage.ts';
import { Incidents } from '../incidents.ts';
import type { Installed, PointShelf } from '../installed.ts';
import type { EngineNode } from '../scenario-schema.ts';
import type { Story } from '../story.ts';
import type { DrivenEngine, DrivenStage } from './driven-engine.ts';
import { DrivenJobs } from './driven-jobs.ts';
import { ProvenPoints } from './proven-points.ts';

export class DrivenInstallation implements Installed {
  readonly isDriven = true;
  readonly storageStage = new StorageStage();
  readonly checkpoints = new Checkpoints();
  readonly incidents = new Incidents();
  readonly #story: Story;
  readonly #jobs: DrivenJobs;
  readonly #points: ProvenPoints;
  #isOver = false;
  #lives = 0;
  #death = Promise.withResolvers<void>();

  constructor(story: Story, driven: DrivenEngine, stage: DrivenStage, settings: EngineNode) {
    this.#story = story;
    const { hosted, transport } = story;
    this.#jobs = new DrivenJobs({
      driven,
      stage,
      hosted,
      transport,
      settings,
      foreign: story.operator.made,
      onLine: (line) => {
        if (line.type === 'progress') this.checkpoints.tell(line);
      },
    });
    this.#points = new ProvenPoints(story, this.#jobs, driven, stage);
  }

  get actor(): string {
    return this.#jobs.actor;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get death(): Promise<void> {
    return this.#death.promise;
  }

  process(): { readonly engine: Engine } {
    if (this.#lives === 0) this.incidents.tell({ kind: 'process-starts', life: ++this.#lives });
    return { engine: this.#jobs };
  }

  kill(): void {
    if (!this.#isOver) this.incidents.tell({ kind: 'killed', isPowerCut: false, lostFiles: 0 });
    this.#jobs.kill();
    this.#death.resolve();
    this.#death = Promise.withResolvers<void>();
  }

  jumpClock(): void {
    this.#story.doubts.push("the clock of somebody else's machine can't be set wrong");
  }

  end(): void {
    this.#isOver = true;
    this.kill();
  }

  repository(): PointShelf {
    return this.#points;
  }

  /** The steps are over: points may be looked at. */
  openPoints(): void {
    this.#points.isClosed = false;
  }
}
