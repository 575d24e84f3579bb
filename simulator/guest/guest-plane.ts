/**
 * The guests of one world: what was plugged into a proxy VM becomes a device that programs in its guest can open.
 *
 * Model: the hypervisor plugs disks in and asks for them back; the guest's kernel follows. Without a mirror it follows
 * at the same instant; with one a device is there when the mirror shows it, and gone when the mirror has let go, while
 * virtual time stands still. Steps of one device never overtake each other.
 *
 * Invariants: a name belongs to one device of a guest at a time; a device that is gone has no open connection; every
 * device that appears in the journal vanishes there, once.
 */
import type { Clock } from '../../src/kernel/clock.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import type { GuestExecResult, GuestPort, HotAddedDisk } from '../domain/hot-add-api.ts';
import type { World } from '../domain/world-api.ts';
import type { Faults } from '../fault/fault-api.ts';
import type { ExportConnection, ExportDevice, RequestGuard } from '../nbd/export-device.ts';
import { signDisk } from './disk-signature.ts';
import type { DeviceMirror, Guests } from './guest-api.ts';
import { GuestFaults } from './guest-faults.ts';
import { GuestPresence } from './guest-presence.ts';
import { runInShell } from './guest-shell.ts';
import { inTurn } from './in-turn.ts';
import { MirrorLink } from './mirror-link.ts';
import { ownDevices, recogniseDevice } from './recognise-device.ts';
import { dialDevice, noteIo } from './serve-device.ts';
import { inWholeSectors, SECTOR_BYTES } from './whole-sectors.ts';

export interface GuestPlaneOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  /** The world whose guests these are. It is made with the plane's port, so it comes later. */
  readonly world: () => World;
  readonly faults: () => Faults;
  /** What goes round every request of a program to a device. */
  readonly guard?: (disk: HotAddedDisk, connection: ExportConnection) => RequestGuard;
  /** A device as programs see its content. */
  readonly view?: (disk: HotAddedDisk, device: ExportDevice) => ExportDevice;
}

export interface GuestPlane {
  readonly guests: Guests;
  readonly port: GuestPort;
  /** Cuts every connection. */
  close(): void;
}

export function createGuestPlane(options: GuestPlaneOptions): GuestPlane {
  const plane = new Plane(options);
  return {
    guests: {
      devices: (serverId) => plane.shown(serverId).map(({ device }) => device),
      dial: (serverId, name) => plane.dial(serverId, name),
      mirror: (mirror) => plane.follow(mirror),
    },
    port: {
      plugged: (disks) => plane.plugged(disks),
      unplug: (disk, released) => plane.unplug(disk, released),
      pulled: (disk, why) => plane.pulled(disk, why),
      exec: (serverId, command) => plane.exec(serverId, command),
    },
    close: () => plane.close(),
  };
}

class Plane {
  readonly #options: GuestPlaneOptions;
  readonly #faults: GuestFaults;
  readonly #mirror: MirrorLink;
  /** All that is plugged in. */
  readonly #presences = new Set<GuestPresence>();
  /** What is shown, in the order in which it appeared. */
  readonly #shown = new Set<GuestPresence>();
  #connections = 0;

  constructor(options: GuestPlaneOptions) {
    this.#options = options;
    this.#faults = new GuestFaults(options.faults);
    this.#mirror = new MirrorLink(options);
  }

  shown(serverId: string): GuestPresence[] {
    return [...this.#shown].filter(({ server }) => server.id === serverId);
  }

  dial(serverId: string, name: string): ReturnType<Guests['dial']> {
    // A mirror opens a device before it is shown.
    const presence = [...this.#presences].find(
      ({ server, recognised }) => server.id === serverId && recognised?.name === name,
    );
    if (presence === undefined) return undefined;
    const { clock, journal, guard, view } = this.#options;
    return dialDevice({
      presence,
      clock,
      journal,
      connectionId: ++this.#connections,
      ...(view && { view: (device: ExportDevice) => view(presence.disk, device) }),
      ...(guard && {
        guard: (connection: ExportConnection) => {
          const strike = guard(presence.disk, connection);
          // Until the device is shown only the guest's own kernel can ask, which looks for partitions.
          const guarded: RequestGuard = (work) => (presence.state === 'present' ? strike(work) : work());
          return guarded;
        },
      }),
      onRead: (bytes) => this.#countRead(presence, bytes),
    });
  }

  async follow(mirror: DeviceMirror | undefined): Promise<void> {
    this.#mirror.set(mirror);
    const already = Array.from(this.#shown);
    for (const presence of already) {
      presence.queue(() => (presence.state === 'present' ? this.#mirror.appear(presence) : undefined));
      await presence.settled();
    }
  }

  plugged(disks: readonly HotAddedDisk[]): void {
    for (const disk of this.#faults.order(disks)) {
      const presence = this.#plugIn(disk);
      const delayMs = this.#faults.delayMs(disk);
      if (presence === undefined || delayMs === Number.POSITIVE_INFINITY) continue;
      this.#after(presence, delayMs, () => presence.queue(() => this.#appear(presence)));
    }
  }

  unplug(disk: HotAddedDisk, released: () => void): void {
    const presence = this.#find(disk);
    if (presence === undefined) {
      released();
      return;
    }
    const { hangMs = -1, earlyMs } = presence.state === 'present' ? this.#faults.unplug(disk) : {};
    if (earlyMs !== undefined) {
      presence.isDetached = true;
      released();
    } else presence.await(released);
    if (hangMs === 0) return;
    const waitMs = Math.max(0, hangMs) + (earlyMs ?? 0);
    this.#after(presence, waitMs, () => presence.queue(() => this.#leave(presence)));
  }

  pulled(disk: HotAddedDisk, why: string): void {
    const presence = this.#find(disk);
    if (presence === undefined) return;
    this.#vanish(presence, why);
    presence.queue(() => this.#mirror.vanish(presence, true));
  }

  exec(serverId: string, command: string): GuestExecResult | Promise<GuestExecResult> {
    const world = this.#options.world();
    const { id, name } = world.servers.get(serverId);
    const added = this.shown(serverId).map(({ device }) => device);
    const devices = [...ownDevices(world, serverId), ...added];
    return this.#mirror.exec({ id, name }, command) ?? runInShell({ devices }, command);
  }

  close(): void {
    for (const presence of this.#presences) presence.end('the world is closed');
    this.#presences.clear();
    this.#shown.clear();
  }

  #find({ proxyId, id }: HotAddedDisk): GuestPresence | undefined {
    return [...this.#presences].find(
      ({ server, disk, isDetached }) => server.id === proxyId && disk.id === id && !isDetached,
    );
  }

  /** `undefined` when the disk is not attached any more. */
  #plugIn(disk: HotAddedDisk): GuestPresence | undefined {
    const world = this.#options.world();
    const content = world.hotAdd.device(disk.proxyId, disk.id);
    if (content === undefined) return undefined;
    const { id, name } = world.servers.get(disk.proxyId);
    // The mirror has told its owner. A device that it could not show is not there; one that it could not take away stays.
    const onError = (): void => undefined;
    const presence = new GuestPresence({
      server: { id, name },
      disk,
      content: inWholeSectors(content),
      onError,
    });
    this.#presences.add(presence);
    return presence;
  }

  /** At once when there is nothing to wait for. */
  #after(presence: GuestPresence, delayMs: number, run: () => void): void {
    const { clock } = this.#options;
    if (delayMs === 0) run();
    else presence.keep(clock.setTimer(clock.now() + delayMs, run));
  }

  #appear(presence: GuestPresence): void | Promise<void> {
    if (presence.state !== 'coming') return;
    const sight = this.#faults.sight(presence.disk);
    presence.recognise(recogniseDevice(presence, sight, this.#presences, this.#options.world()));
    return inTurn(
      () => this.#sign(presence),
      () => this.#mirror.appear(presence),
      () => this.#show(presence),
    );
  }

  #sign(presence: GuestPresence): void | Promise<void> {
    if (!this.#faults.signs(presence.disk)) return;
    const io = { command: 'WRITE', offset: 0, length: SECTOR_BYTES, error: 0 };
    const note = (isSigned: boolean): void => {
      if (isSigned) noteIo(this.#options.journal, presence, io);
    };
    const signed = signDisk(presence.content);
    return signed instanceof Promise ? signed.then(note) : note(signed);
  }

  #show(presence: GuestPresence): void {
    if (presence.state !== 'coming') return;
    presence.state = 'present';
    this.#shown.add(presence);
    this.#note(presence, 'appears');
  }

  /** The guest is asked to let go, and does. */
  #leave(presence: GuestPresence): void | Promise<void> {
    if (presence.state === 'gone') return;
    return inTurn(
      () => this.#mirror.vanish(presence, false),
      () => {
        this.#vanish(presence, undefined);
        presence.release();
      },
    );
  }

  #countRead(presence: GuestPresence, bytes: number): void {
    const before = presence.readBytes;
    presence.readBytes += bytes;
    if (!this.#faults.vanishes(presence.disk, before, presence.readBytes)) return;
    this.#vanish(presence, 'fault: the device is gone');
    presence.queue(() => this.#mirror.vanish(presence, true));
  }

  #vanish(presence: GuestPresence, why: string | undefined): void {
    if (presence.state === 'gone') return;
    presence.end(why ?? 'the device is gone');
    this.#presences.delete(presence);
    if (this.#shown.delete(presence)) this.#note(presence, 'vanishes', why);
  }

  #note({ server, device }: GuestPresence, change: 'appears' | 'vanishes', why?: string): void {
    this.#options.journal.append({
      type: 'guest.device',
      server: server.id,
      device: device.name,
      change,
      disk: device.diskId,
      serial: device.serial,
      ...(why === undefined ? {} : { why }),
    });
  }
}
