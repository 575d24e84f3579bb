/**
 * The way to a server's disks through a proxy VM: they are attached to it, found in its guest, and read or written
 * there.
 *
 * All disks are attached in one task. Where the proxy has no room for all of them, they are attached in batches, and
 * reaching for a disk outside of the current batch changes the batch.
 * @source workflow of VM backups, HotAdd
 */
import { DiskWithin } from './disk-within.ts';
import { sleep } from '../kernel/clock.ts';
import { messageOf } from '../repository/errors.ts';
import { AgentLink } from './agent-link.ts';
import { attachDisks, type AttachedDisks } from './attach-disks.ts';
import type { SourceDisk } from './hot-add-order.ts';
import { batchAround, smallerBatch } from './batches.ts';
import type { DiskDoor, DoorOptions } from './disk-door.ts';
import { inStep, type JobContext, report, warn } from './job-context.ts';
import {
  AgentLost,
  type ConnectProxy,
  DeviceGone,
  type GuestBlockDevice,
  type OpenDisk,
} from './proxy-agent.ts';
import { ensureRunning } from './proxy-power.ts';
import { NoSlotLeft, ProxyTrouble, UnfitProxy } from './proxy-trouble.ts';
import { Setback, type SetbackKind } from './setback.ts';
import { createSteadyDevice } from './steady-device.ts';
import { addStrike, type ProxySeat } from './take-proxy.ts';

export interface HotAddDoorOptions extends DoorOptions {
  readonly connect: ConnectProxy;
  readonly disks: readonly SourceDisk[];
  readonly seat: ProxySeat;
}

/** A disk is attached anew once before the proxy is given up. */
const TRIES_PER_PROXY = 2;
/** A device that goes fails its requests a moment before its name is gone too. */
const LEAVING_MS = 2000;
const SLOT_WAIT_MS = 5000;

export class HotAddDoor implements DiskDoor {
  readonly transport = 'hotadd';
  readonly #context: JobContext;
  readonly #options: HotAddDoorOptions;
  readonly #link: AgentLink;
  #batchSize: number;
  #attached: AttachedDisks | undefined;

  constructor(context: JobContext, options: HotAddDoorOptions) {
    this.#context = context;
    this.#options = options;
    this.#link = new AgentLink({
      connect: options.connect,
      proxy: options.seat.proxy,
      clock: context.env.clock,
      patienceMs: context.settings.requestTimeoutMs,
    });
    this.#batchSize = Math.min(options.disks.length, context.settings.maxDisksPerProxy);
  }

  get proxy(): string {
    return this.#options.seat.proxy.name;
  }

  async use<T>(deviceId: string, _connections: number, work: (disk: OpenDisk) => Promise<T>): Promise<T> {
    try {
      const attached = await this.reach(deviceId);
      return await this.#work(attached, deviceId, work);
    } catch (error) {
      const explained = await this.#explain(deviceId, error);
      if (explained instanceof Setback && PROXYS_FAULT.has(explained.kind))
        addStrike(this.#context, this.#options.seat.proxy.id);
      throw explained;
    }
  }

  /** Attaches the batch of a disk, if it is not attached. @throws ProxyTrouble */
  async reach(deviceId: string): Promise<AttachedDisks> {
    if (this.#attached?.disks.some((disk) => disk.deviceId === deviceId)) return this.#attached;
    await this.#detach();
    this.#attached = await inStep(this.#context, 'attach', () => this.#attach(deviceId));
    return this.#attached;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#detach();
    await this.#link.close();
    this.#options.seat.leave();
  }

  /** The name of a device says nothing, before as after: by the serial it must be the same device in the end. */
  async #work<T>(
    attached: AttachedDisks,
    deviceId: string,
    work: (disk: OpenDisk) => Promise<T>,
  ): Promise<T> {
    const device = await attached.locate(deviceId);
    const reopen = async (): Promise<OpenDisk> => {
      await locateAgain(attached, deviceId, device);
      report(this.#context, { step: 'read', message: `${device.name} did not answer and is opened anew` });
      return this.#open(device);
    };
    const disk = createSteadyDevice({ disk: await this.#open(device), reopen });
    try {
      if (disk.info.sizeBytes !== device.sizeBytes)
        throw new ProxyTrouble(
          `${device.name} has ${disk.info.sizeBytes} bytes, listed were ${device.sizeBytes}`,
        );
      const result = await work(inItsSize(disk, sizeOf(attached, deviceId)));
      await locateAgain(attached, deviceId, device);
      return result;
    } finally {
      await disk.close().catch(() => {});
    }
  }

  #open({ name }: GuestBlockDevice): Promise<OpenDisk> {
    const { signal, snapshotId } = this.#options;
    const { requestTimeoutMs } = this.#context.settings;
    return this.#link.open(name, { write: snapshotId === undefined, signal, requestTimeoutMs });
  }

  async #attach(deviceId: string): Promise<AttachedDisks> {
    const deadlineMs = this.#context.env.clock.now() + this.#context.settings.busyWaitMs;
    for (let tries = 1; ; ) {
      const batch = this.#batchOf(deviceId);
      try {
        return await this.#attachOnce(batch);
      } catch (error) {
        if (error instanceof NoSlotLeft) {
          if (await this.#makeRoom(batch.length, deadlineMs)) continue;
          throw error;
        }
        if (!(error instanceof ProxyTrouble) || error instanceof UnfitProxy) throw error;
        if (tries++ >= TRIES_PER_PROXY) throw error;
        warn(this.#context, `attached once more: ${error.message}`);
      }
    }
  }

  /**
   * Smaller batches, or patience as long as somebody holds slots that may come free: own jobs for as long as they
   * take, others until the deadline. Returns whether it is worth another try.
   */
  async #makeRoom(wanted: number, deadlineMs: number): Promise<boolean> {
    const { desk, env, scp } = this.#context;
    const { seat, signal } = this.#options;
    if (wanted > 1) {
      this.#batchSize = smallerBatch(wanted);
      report(this.#context, { step: 'attach', message: `${wanted} disks are too many at once` });
      return true;
    }
    const isOwn = desk.disksOn(seat.proxy.id) > 0;
    const { disks } = await scp.serverConfiguration(seat.proxy.id);
    const isHeld = isOwn || disks.some((disk) => disk.purpose !== 'normal');
    if (!isHeld || (!isOwn && env.clock.now() >= deadlineMs)) return false;
    report(this.#context, { step: 'attach', message: `waiting: ${seat.proxy.name} has no slot free` });
    await sleep(env.clock, SLOT_WAIT_MS, signal);
    return true;
  }

  async #attachOnce(disks: readonly SourceDisk[]): Promise<AttachedDisks> {
    const { seat, signal, server, snapshotId } = this.#options;
    await ensureRunning(this.#context, seat.proxy, signal);
    const order = { proxy: seat.proxy, link: this.#link, disks, serverId: server.id, snapshotId, signal };
    return attachDisks(this.#context, order);
  }

  #batchOf(deviceId: string): readonly SourceDisk[] {
    const { disks } = this.#options;
    const ids = batchAround(
      disks.map((disk) => disk.deviceId),
      deviceId,
      this.#batchSize,
    );
    return disks.filter((disk) => ids.includes(disk.deviceId));
  }

  async #detach(): Promise<void> {
    const attached = this.#attached;
    this.#attached = undefined;
    if (attached === undefined) return;
    report(this.#context, { step: 'detach' });
    await attached.detach();
  }

  /**
   * A failure of whatever kind, after which the device is not there any more, is the proxy's; but with a lost lock the
   * platform takes the disks away too, so the lock is asked first.
   */
  async #explain(deviceId: string, error: unknown): Promise<unknown> {
    const { signal, lock } = this.#options;
    if (signal.aborted || error instanceof Setback) return error;
    const cause = await this.#lossBehind(deviceId, error);
    if (cause === undefined || signal.aborted) return error;
    await lock.lease.check().catch(() => undefined);
    if (signal.aborted) return signal.reason;
    return new Setback('proxy-lost', `the disks on proxy ${this.proxy} are lost: ${messageOf(cause)}`, {
      cause,
    });
  }

  /** `undefined` when the device is still there. */
  async #lossBehind(deviceId: string, error: unknown): Promise<unknown> {
    if (LOSSES.some((type) => error instanceof type)) return error;
    try {
      await this.#attached?.locate(deviceId);
      await sleep(this.#context.env.clock, LEAVING_MS, this.#options.signal);
      await this.#attached?.locate(deviceId);
      return undefined;
    } catch {
      return error;
    }
  }
}

/** @throws DeviceGone when it has another name than before */
async function locateAgain(
  attached: AttachedDisks,
  deviceId: string,
  before: GuestBlockDevice,
): Promise<void> {
  const { name } = await attached.locate(deviceId);
  if (name !== before.name) throw new DeviceGone(`${before.name} became ${name} while it was in use`);
}

function sizeOf({ disks }: AttachedDisks, deviceId: string): number {
  const disk = disks.find((known) => known.deviceId === deviceId);
  if (disk === undefined) throw new RangeError(`${deviceId} is not of this batch`);
  return disk.sizeBytes;
}

/** A guest's kernel counts whole sectors; what lies behind the end of the disk is none of its bytes. */
function inItsSize(disk: OpenDisk, sizeBytes: number): OpenDisk {
  if (disk.info.sizeBytes === sizeBytes) return disk;
  return new DiskWithin(disk, (work) => work(), { ...disk.info, sizeBytes });
}

const PROXYS_FAULT: ReadonlySet<SetbackKind> = new Set(['proxy-lost', 'guest-wrote']);
const LOSSES = [AgentLost, DeviceGone, ProxyTrouble] as const;
