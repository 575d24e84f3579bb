/**
 * Restore points of somebody else's engine, known by what it gives back: each look at a point has the engine restore
 * it to a fresh server, which the harness reads in the simulator and removes again.
 */
import type { ServerId } from '../../../src/kernel/ids.ts';
import { ApiError } from '../../../src/contract/errors.ts';
import { describeChain } from '../error-chain.ts';
import type { KnownPoint, PointShelf, ShownPoint } from '../installed.ts';
import { settle, tellEnd } from '../job-facts.ts';
import { StoryFailed } from '../outcome.ts';
import { endOfTask, OPERATOR, TaskRefused } from '../steps/operator-steps.ts';
import type { Story } from '../story.ts';
import { tellJob } from '../told-job.ts';
import type { DrivenEngine, DrivenStage } from './driven-engine.ts';
import type { DrivenJobs } from './driven-jobs.ts';

type Images = ReadonlyMap<string, Uint8Array>;

export class ProvenPoints implements PointShelf {
  readonly #story: Story;
  readonly #jobs: DrivenJobs;
  readonly #driven: DrivenEngine;
  readonly #stage: DrivenStage;
  #proofs = 0;

  constructor(story: Story, jobs: DrivenJobs, driven: DrivenEngine, stage: DrivenStage) {
    this.#story = story;
    this.#jobs = jobs;
    this.#driven = driven;
    this.#stage = stage;
  }

  /**
   * A proof is a job: in the midst of a story it would meet the story's faults, count for its triggers and take its
   * time. So every point is proven when the steps are over.
   */
  isClosed = true;

  async points(): Promise<readonly KnownPoint[]> {
    return this.#jobs.points;
  }

  async open(pointId: string): Promise<ShownPoint> {
    const images = await this.#restored(pointId);
    await this.#compareReadBack(pointId, images);
    const disks = Array.from(images, ([deviceId, bytes]) => ({ deviceId, sizeBytes: bytes.length }));
    const serverId = this.#jobs.points.find(({ id }) => id === pointId)?.serverId ?? '';
    return {
      info: { serverId, disks },
      read: async (deviceId, offset, length) =>
        images.get(deviceId)?.subarray(offset, offset + length) ?? new Uint8Array(),
    };
  }

  /** Every look at a point verifies it. */
  async verify(): Promise<{ readonly points: readonly [] }> {
    return { points: [] };
  }

  async #restored(pointId: string): Promise<Images> {
    const story = this.#story;
    const newName = `proof-${++this.#proofs}`;
    const before = new Set(story.world.servers.list().map(({ id }) => id));
    const { transport } = story;
    const told = tellJob(story, 'first', 'restore', { transport, point: pointId });
    const settled = await settle(this.#jobs.restore({ pointId, to: 'new', transport, newName }));
    tellEnd(told, settled, ({ server }) => ({ server: server.id }));
    try {
      if (settled.isDone) {
        const id = settled.value.server.id as ServerId;
        story.operator.made.add(id);
        return await this.#read(id, before);
      }
      if (settled.error instanceof StoryFailed) throw settled.error;
      throw new StoryFailed(`point ${pointId} can be restored to a new server`, describeChain(settled.error));
    } finally {
      // Whatever else it made is a left-over.
      if (settled.isDone) await this.#remove(settled.value.server.id as ServerId, before);
    }
  }

  async #read(id: ServerId, before: ReadonlySet<ServerId>): Promise<Images> {
    if (before.has(id))
      throw new StoryFailed('a restore to a new server', `it names ${id}, which was there before`);
    const { world } = this.#story;
    const images = new Map<string, Uint8Array>();
    for (const { deviceId, sizeBytes } of world.servers.get(id).disks)
      images.set(deviceId, (await world.guest.read(id, deviceId, 0, sizeBytes)).slice());
    return images;
  }

  /** What can't be removed is still held; the leak oracle says by whom. */
  async #remove(id: ServerId, before: ReadonlySet<ServerId>): Promise<void> {
    const { world, operator } = this.#story;
    if (before.has(id)) return;
    try {
      if (world.servers.get(id).status !== 'stopped')
        await endOfTask(this.#story, world.servers.stop(id, { force: true }, OPERATOR).taskId);
      await endOfTask(this.#story, world.servers.delete(id, OPERATOR).taskId);
      operator.removed.add(id);
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof TaskRefused)) throw error;
    }
  }

  async #compareReadBack(point: string, images: Images): Promise<void> {
    const { readBack } = this.#driven;
    if (readBack === undefined) return;
    const { repository } = this.#stage;
    for (const [device, restored] of images) {
      const read = await readBack({ repository, point, device });
      if (Buffer.compare(read, restored) === 0) continue;
      throw new StoryFailed(
        `${device} of point ${point} read back as it is restored (${restored.length} bytes)`,
        `${read.length} bytes that differ`,
      );
    }
  }
}
