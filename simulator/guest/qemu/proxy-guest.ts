/**
 * The guest of one proxy VM while it runs: its machine, its agent, the disks that are plugged in.
 *
 * A disk counts as there when the guest's own kernel shows it with its serial, and as gone when the guest has answered
 * the request to let go. A guest without the agent (somebody's own image) is not asked: there a disk is there as soon
 * as the machine has it.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ChannelClient, ChannelLost } from '../../../src/guest-channel/channel-client.ts';
import { type ChannelDevice, parseDevices } from '../../../src/guest-channel/channel-devices.ts';
import { type Clock, sleep } from '../../../src/kernel/clock.ts';
import type { GuestDevice } from '../guest-api.ts';
import { BULK_SERIAL, BulkDisk } from './bulk-disk.ts';
import { HotPlug, type Plugged } from './hot-plug.ts';
import type { MachineShape } from './qemu-command.ts';
import { QemuError, QemuMachine } from './qemu-machine.ts';
import { BOOT_TIMEOUT_MS } from './saved-machine.ts';
import { listenOne } from './listen-one.ts';

export interface ProxyGuestOptions {
  /** For errors. */
  readonly name: string;
  /** The machine's sockets and its console go to a folder in it. */
  readonly folder: string;
  readonly shape: MachineShape;
  /** For what takes real time. */
  readonly wallClock: Clock;
}

const APPEAR_TIMEOUT_MS = 60_000;
/** A guest that is asked to let go; one that hangs is a finding. */
const UNPLUG_TIMEOUT_MS = 30_000;
/** Between two looks at the guest's list of disks. */
const LOOK_MS = 5;
/** virtio-blk has no room for more. */
const SERIAL_CHARACTERS = 20;

/** Serves a disk in NBD at the path of a unix socket. */
type OpenDoor = (path: string) => Promise<AsyncDisposable>;

interface Attached {
  readonly plugged: Plugged;
  readonly socket: AsyncDisposable;
  /** As the guest's kernel knows it; absent without an agent. */
  readonly sequence?: string;
}

export interface BulkInGuest {
  readonly disk: BulkDisk;
  readonly device: ChannelDevice;
}

export class ProxyGuest implements AsyncDisposable {
  readonly #machine: QemuMachine;
  readonly #hotPlug: HotPlug;
  readonly #folder: string;
  readonly #options: ProxyGuestOptions;
  readonly #attached = new Map<string, Attached>();
  #sockets = 0;
  #plugging: Promise<void> = Promise.resolve();
  /** Absent as long as nobody has answered at the port. */
  #agent: ChannelClient | undefined;
  #bulk: BulkInGuest | undefined;

  private constructor(machine: QemuMachine, folder: string, options: ProxyGuestOptions) {
    this.#machine = machine;
    this.#folder = folder;
    this.#options = options;
    this.#hotPlug = new HotPlug(machine, options.wallClock);
  }

  /** Boots, or goes on from a saved state. The project's own image is ready when this resolves. @throws QemuError */
  static async start(options: ProxyGuestOptions): Promise<ProxyGuest> {
    const { boot } = options.shape;
    if (boot.kind !== 'kernel' || boot.state === undefined) return ProxyGuest.#start(options);
    try {
      return await ProxyGuest.#start(options);
    } catch (error) {
      if (!(error instanceof QemuError)) throw error;
      // A file that was damaged, or of a QEMU that differs more than its version says. It is made anew next time.
      rmSync(boot.state, { force: true });
      const { kernel, initramfs } = boot;
      return ProxyGuest.#start({
        ...options,
        shape: { ...options.shape, boot: { kind: 'kernel', kernel, initramfs } },
      });
    }
  }

  static async #start(options: ProxyGuestOptions): Promise<ProxyGuest> {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    // Short, because the path of a unix socket may have 107 characters.
    const folder = mkdtempSync(join(options.folder, 'vm-'));
    await using starting = new AsyncDisposableStack();
    starting.defer(() => rmSync(folder, { recursive: true, force: true }));
    const machine = starting.use(await QemuMachine.start(options.shape, folder));
    const guest = new ProxyGuest(machine, folder, options);
    const greeted = guest.#greetAgent().catch((error: unknown) => {
      // A port that closes belongs to a process that ends, which says why.
      if (error instanceof ChannelLost) return machine.ended;
      throw error;
    });
    if (options.shape.boot.kind === 'kernel') await guest.#within(BOOT_TIMEOUT_MS, greeted, 'has not booted');
    else greeted.catch(() => undefined);
    starting.move();
    return guest;
  }

  /** Rejects when the machine ends by itself. */
  get ended(): Promise<never> {
    return this.#machine.ended;
  }

  get agent(): ChannelClient | undefined {
    return this.#agent;
  }

  get bulk(): BulkInGuest | undefined {
    return this.#bulk;
  }

  /** Resolves when the guest shows the disk. @throws QemuError, QmpError */
  async attach(device: GuestDevice, openDoor: OpenDoor): Promise<void> {
    // In the order of asking, though the guest may then show several at once.
    const plugged = this.#plugging.then(() => this.#plug(device, openDoor));
    this.#plugging = plugged.catch(() => undefined);
    await plugged;
    const seen = await this.#untilShown(device);
    const attached = this.#attached.get(device.diskId);
    if (attached !== undefined && seen !== undefined)
      this.#attached.set(device.diskId, { ...attached, sequence: seen.sequence });
  }

  async #plug({ diskId, serial, isReadOnly }: GuestDevice, openDoor: OpenDoor): Promise<void> {
    const path = join(this.#folder, `${++this.#sockets}.sock`);
    await using attaching = new AsyncDisposableStack();
    const socket = attaching.use(await openDoor(path));
    const plugged = await this.#hotPlug.plug({ socket: path, serial, isReadOnly });
    this.#attached.set(diskId, { plugged, socket });
    attaching.move();
  }

  /** Resolves when the guest has let go. `isForced`: its IO fails already while it does. @throws QemuError */
  async detach(diskId: string, isForced: boolean): Promise<void> {
    const attached = this.#attached.get(diskId);
    if (attached === undefined) return;
    this.#attached.delete(diskId);
    if (isForced) await attached.socket[Symbol.asyncDispose]();
    await this.#hotPlug.unplug(attached.plugged, UNPLUG_TIMEOUT_MS);
    if (!isForced) await attached.socket[Symbol.asyncDispose]();
  }

  /** What the guest's kernel shows, in the order in which it came, the disk for bulk transfers left out. @throws ChannelLost, ChannelRefusal */
  async devices(): Promise<readonly ChannelDevice[]> {
    const agent = this.#agent;
    if (agent === undefined) throw new QemuError(`${this.#options.name}: no agent has answered in its guest`);
    const all = parseDevices(await agent.ask(['devices']));
    return all
      .filter(({ sequence }) => sequence !== this.#bulk?.device.sequence)
      .toSorted((a, b) => Number(a.sequence) - Number(b.sequence));
  }

  /** A power cut. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent?.close();
    await this.#machine[Symbol.asyncDispose]();
    for (const { socket } of this.#attached.values()) await socket[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #greetAgent(): Promise<void> {
    const agent = new ChannelClient(this.#machine.agentPort);
    const [, , ...operations] = (await agent.ask(['hello'])).toString().trim().split(' ');
    this.#agent = agent;
    if (operations.includes('copy')) await this.#addBulkDisk();
  }

  /** First of all disks, so that it never takes the place of one that comes and goes. */
  async #addBulkDisk(): Promise<void> {
    const disk = new BulkDisk();
    const device = {
      name: '',
      serial: BULK_SERIAL,
      diskId: BULK_SERIAL,
      sizeBytes: disk.device.sizeBytes,
      isReadOnly: false,
    };
    await this.attach(device, (path) => listenOne(path, disk.device, this.#options.wallClock));
    const seen = (await this.devices()).find(({ serial }) => serial === BULK_SERIAL);
    if (seen !== undefined) this.#bulk = { disk, device: seen };
  }

  async #untilShown(device: GuestDevice): Promise<ChannelDevice | undefined> {
    if (this.#agent === undefined) return undefined;
    const serial = device.serial.slice(0, SERIAL_CHARACTERS);
    const find = async (signal: AbortSignal): Promise<ChannelDevice> => {
      for (;;) {
        signal.throwIfAborted();
        const known = new Set([...this.#attached.values()].map(({ sequence }) => sequence));
        const found = (await this.devices()).find((one) => one.serial === serial && !known.has(one.sequence));
        if (found !== undefined) return found;
        await sleep(this.#options.wallClock, LOOK_MS);
      }
    };
    const over = new AbortController();
    try {
      return await this.#within(APPEAR_TIMEOUT_MS, find(over.signal), `does not show disk ${device.diskId}`);
    } finally {
      over.abort();
    }
  }

  /** @throws QemuError after so long, or when the machine ends */
  #within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
    const { wallClock, name } = this.#options;
    return this.#machine.within(wallClock, ms, work, `the guest of ${name} ${what}`);
  }
}
