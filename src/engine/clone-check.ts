/**
 * Whether a proxy's guest has written to the clone that is read in it.
 *
 * The intuition: an operating system that mounts or signs a new disk changes its first sectors, and the backup would
 * hold what the proxy wrote, not what the server had. Nothing reports it; only bytes from elsewhere tell.
 *
 * The model: the beginning of the disk as it must be, from the best witness there is. Where the map says that it is
 * not to be read, the base (or zeros) is the witness; else the export of the same backup resource over the network, if
 * it can be reached. It is compared before a disk is read and after, because the guest may write any time.
 *
 * @source VMware VDDK programming guide, HotAdd practices: disks may be written to by the proxy's operating system
 */
import { messageOf } from '../repository/errors.ts';
import type { ServerItem } from '../sdk/scp-client-api.ts';
import type { HeldLock } from './acquire-lock.ts';
import type { Base } from './choose-base.ts';
import type { DiskDoor } from './disk-door.ts';
import type { DiskPlan } from './disk-plan.ts';
import type { NetworkTransport } from './engine-api.ts';
import { type JobContext, warn } from './job-context.ts';
import { findDiskDoor } from './nbd-endpoint.ts';
import type { OpenDisk } from './proxy-agent.ts';
import { Setback } from './setback.ts';

export interface CloneCheckOptions {
  readonly server: ServerItem;
  readonly lock: HeldLock;
  readonly base: Base | undefined;
  readonly proxy: string;
  readonly signal: AbortSignal;
}

/** Holds what systems write when they meet a disk: partition tables, boot sectors, most superblocks. */
const HEAD_BYTES = 64 * 1024;
/** A network that does not answer by then is not waited for: HotAdd is for sites without one. */
const NETWORK_PATIENCE_MS = 5000;

export class CloneCheck {
  readonly #context: JobContext;
  readonly #options: CloneCheckOptions;
  readonly #heads = new Map<string, Buffer | undefined>();
  #network: Promise<DiskDoor | undefined> | undefined;

  constructor(context: JobContext, options: CloneCheckOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** @throws Setback when the disk does not begin as it must */
  async check(disk: OpenDisk, plan: DiskPlan): Promise<void> {
    const expected = await this.#headOf(plan);
    if (expected === undefined) return;
    const actual = await disk.read(0, expected.length, this.#options.signal);
    if (actual.equals(expected)) return;
    throw new Setback(
      'guest-wrote',
      `${plan.deviceId} begins otherwise on proxy ${this.#options.proxy} than in the snapshot: ` +
        'its guest has written to it',
    );
  }

  async #headOf(plan: DiskPlan): Promise<Buffer | undefined> {
    const { deviceId } = plan;
    if (!this.#heads.has(deviceId)) this.#heads.set(deviceId, await this.#readHead(plan));
    return this.#heads.get(deviceId);
  }

  async #readHead({ deviceId, ranges, sizeBytes, isIncremental }: DiskPlan): Promise<Buffer | undefined> {
    const length = Math.min(HEAD_BYTES, sizeBytes);
    const isToBeRead = ranges.some((range) => range.offset < length);
    if (isToBeRead) return this.#readOverNetwork(deviceId, length);
    const { base } = this.#options;
    if (!isIncremental || base === undefined) return Buffer.alloc(length);
    const reader = await this.#context.env.repository.open(base.point.id);
    return Buffer.from(await reader.read(deviceId, 0, length));
  }

  async #readOverNetwork(deviceId: string, length: number): Promise<Buffer | undefined> {
    const door = await (this.#network ??= this.#openNetwork());
    try {
      return await door?.use(deviceId, 1, (disk) => disk.read(0, length, this.#options.signal));
    } catch (error) {
      await door?.[Symbol.asyncDispose]();
      this.#options.signal.throwIfAborted();
      this.#network = Promise.resolve(undefined);
      this.#giveUp(messageOf(error));
      return undefined;
    }
  }

  /** `undefined`, with a warning, when there is no way. */
  async #openNetwork(): Promise<DiskDoor | undefined> {
    const { server, lock, signal } = this.#options;
    try {
      const transport = transportOf(await this.#context.scp.transportModes(server.id));
      if (transport === undefined) throw new Error('the pool offers neither nbdssl nor nbd');
      return await findDiskDoor(this.#context, {
        server,
        lock,
        transport,
        signal,
        patienceMs: NETWORK_PATIENCE_MS,
      });
    } catch (error) {
      signal.throwIfAborted();
      this.#giveUp(messageOf(error));
      return undefined;
    }
  }

  #giveUp(why: string): void {
    warn(
      this.#context,
      `whether the guest of proxy ${this.#options.proxy} wrote to the disks could not be checked: ` +
        `their beginning cannot be read over the network (${why})`,
    );
  }
}

/** With TLS where it is offered: what is read is the server's data. */
function transportOf(modes: readonly string[]): NetworkTransport | undefined {
  if (modes.includes('nbd_ssl')) return 'nbdssl';
  return modes.includes('nbd') ? 'nbd' : undefined;
}
