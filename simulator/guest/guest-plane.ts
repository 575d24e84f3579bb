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
import { type Clock, whileHolding } from '../../src/kernel/clock.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import { guestDiskSerial } from '../../src/contract/assumed.ts';
import type { GuestPort, HotAddedDisk, World } from '../domain/world-api.ts';
import { freeDeviceName } from './device-names.ts';
import type { DeviceMirror, Guests } from './guest-api.ts';
import { GuestPresence } from './guest-presence.ts';
import { dialDevice } from './serve-device.ts';
import { inWholeSectors } from './whole-sectors.ts';

export interface GuestPlaneOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  /** The world whose guests these are. It is made with the plane's port, so it comes later. */
  readonly world: () => World;
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
      mirror: (mirror) => plane.mirror(mirror),
    },
    port: {
      plugged: (disks) => plane.plugged(disks),
      unplug: (disk, released) => plane.unplug(disk, released),
      pulled: (disk, why) => plane.pulled(disk, why),
    },
    close: () => plane.close(),
  };
}

class Plane {
  readonly #options: GuestPlaneOptions;
  /** All that is plugged in, in the order in which it appeared. */
  #presences: GuestPresence[] = [];
  #mirror: DeviceMirror | undefined;
  #connections = 0;

  constructor(options: GuestPlaneOptions) {
    this.#options = options;
  }

  shown(serverId: string): GuestPresence[] {
    return this.#presences.filter(({ server, state }) => server.id === serverId && state === 'present');
  }

  dial(serverId: string, name: string): ReturnType<Guests['dial']> {
    const presence = this.shown(serverId).find(({ device }) => device.name === name);
    if (presence === undefined) return undefined;
    const { clock, journal } = this.#options;
    return dialDevice({ presence, clock, journal, connectionId: ++this.#connections });
  }

  async mirror(mirror: DeviceMirror | undefined): Promise<void> {
    this.#mirror = mirror;
    for (const presence of this.#presences) {
      if (presence.state === 'present') await presence.queue(() => this.#mirrorAppear(presence));
    }
  }

  plugged(disks: readonly HotAddedDisk[]): void {
    for (const disk of disks) {
      const presence = this.#recognise(disk);
      if (presence === undefined) continue;
      this.#presences.push(presence);
      void presence.queue(() => this.#appear(presence));
    }
  }

  unplug(disk: HotAddedDisk, released: () => void): void {
    const presence = this.#find(disk);
    if (presence === undefined) released();
    else void presence.queue(() => this.#leave(presence, released));
  }

  pulled(disk: HotAddedDisk, why: string): void {
    const presence = this.#find(disk);
    if (presence === undefined) return;
    this.#vanish(presence, why);
    void presence.queue(() => this.#mirrorVanish(presence, true));
  }

  close(): void {
    for (const presence of this.#presences) {
      presence.cancelTimers();
      presence.cut('the world is closed');
    }
    this.#presences = [];
  }

  #find({ proxyId, id }: HotAddedDisk): GuestPresence | undefined {
    return this.#presences.find(
      ({ server, disk, isDetached }) => server.id === proxyId && disk.id === id && !isDetached,
    );
  }

  /** The disk as the guest's kernel makes a device of it; `undefined` when it is not attached any more. */
  #recognise(disk: HotAddedDisk): GuestPresence | undefined {
    const world = this.#options.world();
    const content = world.hotAdd.device(disk.proxyId, disk.id);
    if (content === undefined) return undefined;
    const { id, name } = world.servers.get(disk.proxyId);
    const whole = inWholeSectors(content);
    const device = {
      name: freeDeviceName('vd', countOwnDisks(world, disk), this.#namesIn(id)),
      serial: guestDiskSerial(disk.id),
      sizeBytes: whole.sizeBytes,
      isReadOnly: whole.isReadOnly,
      diskId: disk.id,
    };
    return new GuestPresence({ server: { id, name }, disk, device, content: whole });
  }

  #namesIn(serverId: string): Set<string> {
    return new Set(
      this.#presences.filter(({ server }) => server.id === serverId).map(({ device }) => device.name),
    );
  }

  #appear(presence: GuestPresence): void | Promise<void> {
    const shown = (): void => {
      if (presence.state !== 'coming') return;
      presence.state = 'present';
      this.#note(presence, 'appears');
    };
    if (presence.state !== 'coming') return;
    const mirrored = this.#mirrorAppear(presence);
    return mirrored instanceof Promise ? mirrored.then(shown) : shown();
  }

  /** The guest is asked to let go, and does. */
  #leave(presence: GuestPresence, released: () => void): void | Promise<void> {
    const letGo = (): void => {
      this.#vanish(presence, undefined);
      released();
    };
    const mirrored = this.#mirrorVanish(presence, false);
    return mirrored instanceof Promise ? mirrored.then(letGo) : letGo();
  }

  #vanish(presence: GuestPresence, why: string | undefined): void {
    if (presence.state === 'gone') return;
    const wasShown = presence.state === 'present';
    presence.state = 'gone';
    presence.cancelTimers();
    presence.cut(why ?? 'the device is gone');
    this.#presences = this.#presences.filter((other) => other !== presence);
    if (wasShown) this.#note(presence, 'vanishes', why);
  }

  #mirrorAppear({ server, device }: GuestPresence): void | Promise<void> {
    const mirror = this.#mirror;
    if (mirror === undefined) return;
    return whileHolding(this.#options.clock, () => mirror.appear(server, device));
  }

  #mirrorVanish({ server, device }: GuestPresence, isForced: boolean): void | Promise<void> {
    const mirror = this.#mirror;
    if (mirror === undefined) return;
    return whileHolding(this.#options.clock, () => mirror.vanish(server, device, isForced));
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

/** The proxy's own disks have the first names, whatever their bus. */
function countOwnDisks(world: World, { proxyId }: HotAddedDisk): number {
  const added = new Set(world.hotAdd.list(proxyId).map(({ slot }) => slot));
  return world.servers.get(proxyId).disks.filter(({ deviceId }) => !added.has(deviceId)).length;
}
