/** Disks that come into a running machine and leave it: QEMU's side of a hot-plug. */
import { type Clock, type Timer } from '../../../src/kernel/clock.ts';
import { HOT_PLUG_SLOTS, slotAddress } from './qemu-command.ts';
import { type QemuMachine, QemuError } from './qemu-machine.ts';
import { QmpError } from './qmp-client.ts';

export interface HotPlugDisk {
  /** Unix socket on which the disk is served in NBD. */
  readonly socket: string;
  /** virtio-blk carries 20 characters of it. */
  readonly serial: string;
  readonly isReadOnly: boolean;
}

/** What is needed of a machine. */
type HotPlugMachine = Pick<QemuMachine, 'qmp' | 'ended'>;

/** A disk that is plugged in. */
export interface Plugged {
  readonly slot: number;
}

/** Nobody looks at it. Where it is not given QEMU reads the disk to guess it, and does nothing else meanwhile. */
const GEOMETRY = { cyls: 1024, heads: 16, secs: 63 } as const;

/** A guest that was still booting does not hear the first time. */
const ASK_AGAIN_MS = 5000;

export class HotPlug {
  readonly #machine: HotPlugMachine;
  readonly #wallClock: Clock;
  readonly #taken = new Set<number>();

  constructor(machine: HotPlugMachine, wallClock: Clock) {
    this.#machine = machine;
    this.#wallClock = wallClock;
  }

  /** The guest is told of it; its kernel needs a moment. @throws QemuError when there is no place left, QmpError */
  async plug({ socket, serial, isReadOnly }: HotPlugDisk): Promise<Plugged> {
    const slot = this.#takeSlot();
    const { qmp } = this.#machine;
    try {
      await qmp.execute('blockdev-add', {
        driver: 'nbd',
        'node-name': nodeName(slot),
        server: { type: 'unix', path: socket },
        'read-only': isReadOnly,
      });
      await qmp.execute('device_add', {
        driver: 'virtio-blk-pci',
        id: deviceId(slot),
        drive: nodeName(slot),
        ...GEOMETRY,
        ...slotAddress(slot),
        ...(serial === '' ? {} : { serial }),
      });
      return { slot };
    } catch (error) {
      await this.#forget(slot);
      throw error;
    }
  }

  /** Resolves when the guest has let go. @throws QemuError when it does not within `timeoutMs` */
  async unplug({ slot }: Plugged, timeoutMs: number): Promise<void> {
    await this.#untilDeleted(slot, timeoutMs);
    await this.#forget(slot);
  }

  #takeSlot(): number {
    for (let slot = 0; slot < HOT_PLUG_SLOTS; slot++) {
      if (this.#taken.has(slot)) continue;
      this.#taken.add(slot);
      return slot;
    }
    throw new QemuError(`the machine has places for ${HOT_PLUG_SLOTS} hot-plugged disks, and all are taken`);
  }

  async #forget(slot: number): Promise<void> {
    try {
      await this.#machine.qmp.execute('blockdev-del', { 'node-name': nodeName(slot) });
    } catch (error) {
      // It never came into being.
      if (!(error instanceof QmpError)) throw error;
    }
    this.#taken.delete(slot);
  }

  async #untilDeleted(slot: number, timeoutMs: number): Promise<void> {
    const { qmp, ended } = this.#machine;
    const ask = (): Promise<unknown> => qmp.execute('device_del', { id: deviceId(slot) });
    const cleanUp: (() => void)[] = [];
    const deleted = new Promise<void>((resolve, reject) => {
      const stopListening = qmp.onEvent(({ name, data }) => {
        if (name === 'DEVICE_DELETED' && data['device'] === deviceId(slot)) resolve();
      });
      const timeout = this.#timer(timeoutMs, () =>
        reject(new QemuError(`the guest has not let go of a disk within ${timeoutMs / 1000} s`)),
      );
      cleanUp.push(stopListening, () => timeout.cancel());
    });
    try {
      await ask();
      const again = this.#timer(ASK_AGAIN_MS, () => void ask().catch(() => undefined));
      cleanUp.push(() => again.cancel());
      await Promise.race([deleted, ended]);
    } finally {
      for (const clean of cleanUp) clean();
    }
  }

  #timer(ms: number, fire: () => void): Timer {
    return this.#wallClock.setTimer(this.#wallClock.now() + ms, fire);
  }
}

function nodeName(slot: number): string {
  return `disk${slot}`;
}

function deviceId(slot: number): string {
  return `plug${slot}`;
}
