/**
 * What a world's faults make of the devices in its guests. `server` and `device` of a fault are those of the disk's
 * source, because a plan is written for the server that is backed up.
 *
 * - `device-late`, `device-never`: hot-plug is a message to the guest; its kernel handles it late (a busy machine, a
 *   slow udev) or loses it, while the platform has long called the task done.
 * - `device-order`: the kernel probes slots, not calls; what was asked for first may come last.
 * - `device-name`: the bus was another one (virtio-scsi), so the name has another family.
 * - `device-serial`: the bus carries fewer characters of the disk's id than virtio-blk's 20, or none.
 * - `guest-signature`: the system marks a disk that it sees for the first time, as Windows does (disk-signature.ts).
 * - `device-vanishes`: the device fails under load: its connections break off, it is out of the list, and the platform,
 *   which nobody told, still calls it attached. A later removal finds nothing to wait for.
 * - `detach-hangs`: something in the guest keeps the device open; until it lets go everything works as before.
 * - `detach-early`: the platform does not wait for the guest. The old device stays for a while and answers with EIO;
 *   the same disk added again in that time is there twice, under one serial.
 */
import type { HotAddedDisk } from '../domain/hot-add-api.ts';
import type { FaultKind, Faults } from '../fault/fault-api.ts';

const ON_SIGHT = ['device-name', 'device-serial'] as const satisfies readonly FaultKind['kind'][];
const ON_PLUG = ['device-late', 'device-never'] as const satisfies readonly FaultKind['kind'][];
const ON_UNPLUG = ['detach-hangs', 'detach-early'] as const satisfies readonly FaultKind['kind'][];

/** What is different about one device. */
export interface Sight {
  readonly isOtherFamily: boolean;
  /** `undefined`: as many as usual. */
  readonly serialCharacters: number | undefined;
}

export class GuestFaults {
  readonly #faults: () => Faults;

  constructor(faults: () => Faults) {
    this.#faults = faults;
  }

  /** The disks of one HotAdd task in the order in which their devices appear. */
  order(disks: readonly HotAddedDisk[]): readonly HotAddedDisk[] {
    const [first] = disks;
    if (first === undefined || disks.length < 2) return disks;
    const point = { on: 'guest', serverId: first.sourceServerId, can: ['device-order'] } as const;
    return this.#faults().strike(point).length === 0 ? disks : disks.toReversed();
  }

  /** How much later the device appears, ms; infinite when it never does. */
  delayMs(disk: HotAddedDisk): number {
    let delayMs = 0;
    for (const fault of this.#strike(disk, ON_PLUG)) {
      if (fault.kind === 'device-never') delayMs = Number.POSITIVE_INFINITY;
      if (fault.kind === 'device-late') delayMs += fault.ms;
    }
    return delayMs;
  }

  sight(disk: HotAddedDisk): Sight {
    const struck = this.#strike(disk, ON_SIGHT);
    const serial = struck.find((fault) => fault.kind === 'device-serial');
    return {
      isOtherFamily: struck.some(({ kind }) => kind === 'device-name'),
      serialCharacters: serial?.characters,
    };
  }

  /** Whether the guest's system signs the disk. */
  signs(disk: HotAddedDisk): boolean {
    return this.#strike(disk, ['guest-signature']).length > 0;
  }

  /** Whether the device goes now that `readBytes` were read from it, `before` before the last read. */
  vanishes(disk: HotAddedDisk, before: number, readBytes: number): boolean {
    // Counted once per device, at the read that reaches the number.
    const isNow = (fault: FaultKind): boolean =>
      fault.kind === 'device-vanishes' &&
      before < Math.max(fault.bytes, 1) &&
      readBytes >= Math.max(fault.bytes, 1);
    return this.#strike(disk, ['device-vanishes'], isNow).length > 0;
  }

  /** What happens to a request to let the disk go. */
  unplug(disk: HotAddedDisk): { readonly hangMs: number | undefined; readonly earlyMs: number | undefined } {
    const struck = this.#strike(disk, ON_UNPLUG);
    return {
      hangMs: struck.find((fault) => fault.kind === 'detach-hangs')?.ms,
      earlyMs: struck.find((fault) => fault.kind === 'detach-early')?.ms,
    };
  }

  #strike(
    { sourceServerId, sourceDeviceId }: HotAddedDisk,
    can: readonly FaultKind['kind'][],
    isNow?: (fault: FaultKind) => boolean,
  ): readonly FaultKind[] {
    const point = { on: 'guest', serverId: sourceServerId, deviceId: sourceDeviceId, can };
    return this.#faults().strike(isNow === undefined ? point : { ...point, isNow });
  }
}
