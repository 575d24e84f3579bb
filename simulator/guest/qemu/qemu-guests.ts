/**
 * Guest level `qemu`: every proxy VM that is in use is a real virtual machine, and its own kernel sees disks come and
 * go.
 *
 * A machine of the project's own image is started when it is first needed: by a disk, or by a program that asks for the
 * agent while the proxy runs. A machine of somebody's own image runs whenever the proxy does. Power-off ends either.
 */
import { join } from 'node:path';
import { type Clock, whileHolding } from '../../../src/kernel/clock.ts';
import { agentSocket } from '../../../src/kernel/guest-folder.ts';
import type { GuestExecResult } from '../../domain/hot-add-api.ts';
import type { World } from '../../domain/world-api.ts';
import type { DeviceMirror, GuestDevice, GuestServer, Guests } from '../guest-api.ts';
import { openDeviceDoor } from '../levels/device-door.ts';
import { PRIVATE } from '../levels/guest-folder-owner.ts';
import { type AgentDoor, openAgentDoor } from './agent-door.ts';
import { ProxyGuest } from './proxy-guest.ts';
import type { MachineShape } from './qemu-command.ts';
import { QemuError } from './qemu-machine.ts';

export interface QemuGuestsOptions {
  readonly world: World;
  readonly guests: Guests;
  /** Each proxy gets a folder in it, with its agent's socket. */
  readonly folder: string;
  readonly shape: MachineShape;
  readonly wallClock: Clock;
  /** Told what goes wrong where nobody waits for an answer, one line each. */
  readonly report: (line: string) => void;
}

export interface QemuGuests extends AsyncDisposable {
  readonly mirror: DeviceMirror;
}

/** Virtual time stands still while a command runs, so its own limit does not come; this one is of real time. */
const COMMAND_SECONDS = 60;

const PROXY_OS_NAME = 'Backup Proxy';

/** @throws QemuError */
export async function openQemuGuests(options: QemuGuestsOptions): Promise<QemuGuests> {
  const level = new Level(options);
  await level.open();
  return { mirror: level, [Symbol.asyncDispose]: () => level.close() };
}

class Level implements DeviceMirror {
  readonly #options: QemuGuestsOptions;
  /** Machines that run or are being started, by server. */
  readonly #machines = new Map<string, Promise<ProxyGuest>>();
  readonly #doors = new Map<string, Promise<AgentDoor>>();
  /** Machines that are being ended. */
  readonly #ending = new Set<Promise<void>>();
  #stopWatching: () => void = () => undefined;

  constructor(options: QemuGuestsOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { world } = this.#options;
    this.#stopWatching = world.journal.watch((entry) => {
      if (entry.type === 'state' && entry.entity === 'server') this.#follow(entry.id, entry.to);
    });
    const proxies = world.servers.list().filter(({ osName }) => osName === PROXY_OS_NAME);
    for (const { id, name, status } of proxies) {
      await this.#openDoor({ id, name });
      if (status === 'running') this.#powerOn({ id, name });
    }
  }

  appear(server: GuestServer, device: GuestDevice): Promise<void> {
    return this.#reporting(server, async () => {
      await this.#openDoor(server);
      const guest = await this.#machine(server);
      const dial = () => this.#options.guests.dial(server.id, device.name);
      await guest.attach(device, (path) => openDeviceDoor(path, dial));
    });
  }

  vanish(server: GuestServer, { diskId }: GuestDevice, isForced: boolean): Promise<void> {
    return this.#reporting(server, async () => {
      const guest = await this.#machines.get(server.id);
      // Power-off: the machine is ended as a whole.
      if (guest === undefined || !this.#isRunning(server.id)) return;
      await guest.detach(diskId, isForced);
    });
  }

  async exec(server: GuestServer, command: string): Promise<GuestExecResult> {
    const guest = await this.#machine(server);
    if (guest.agent === undefined) throw new QemuError('no agent has answered in the guest');
    const payload = Buffer.from(command);
    const answer = (await guest.agent.ask(['exec', COMMAND_SECONDS, payload.length], payload)).toString();
    const end = answer.indexOf('\n');
    return { exitCode: Number(answer.slice(0, end)), output: answer.slice(end + 1) };
  }

  async close(): Promise<void> {
    this.#stopWatching();
    for (const id of Array.from(this.#machines.keys())) this.#powerOff(id);
    await Promise.all(this.#ending);
    for (const door of this.#doors.values()) await (await door)[Symbol.asyncDispose]();
  }

  #follow(id: string, status: string): void {
    if (status === 'running') {
      const { name, osName } = this.#options.world.servers.get(id);
      if (osName === PROXY_OS_NAME) this.#powerOn({ id, name });
    } else if (status !== 'stopping') this.#powerOff(id);
  }

  #powerOn(server: GuestServer): void {
    this.#openDoor(server).catch((error: Error) => this.#options.report(error.message));
    // Its failure is reported where the machine's end is.
    if (this.#options.shape.boot.kind === 'disk') this.#machine(server).catch(() => undefined);
  }

  #powerOff(id: string): void {
    const machine = this.#machines.get(id);
    this.#machines.delete(id);
    void this.#doors.get(id)?.then((door) => door.cut());
    if (machine === undefined) return;
    // The world's time waits: afterwards nothing of the machine is there.
    const ending = whileHolding(this.#options.world.clock, () => endMachine(machine)).finally(() =>
      this.#ending.delete(ending),
    );
    this.#ending.add(ending);
  }

  /** @throws QemuError when the proxy does not run */
  #machine(server: GuestServer): Promise<ProxyGuest> {
    const known = this.#machines.get(server.id);
    if (known !== undefined) return known;
    if (!this.#isRunning(server.id)) return Promise.reject(new QemuError(`${server.name} does not run`));
    const { shape, wallClock, folder } = this.#options;
    const machine = ProxyGuest.start({ name: server.name, folder: join(folder, PRIVATE), shape, wallClock });
    this.#machines.set(server.id, machine);
    machine
      .then((guest) => guest.ended)
      .catch((error: Error) => {
        // Ended by itself: the next one who needs it starts it anew.
        if (this.#machines.get(server.id) !== machine) return;
        this.#powerOff(server.id);
        this.#options.report(`${server.name}: ${error.message}`);
      });
    return machine;
  }

  #openDoor({ id, name }: GuestServer): Promise<AgentDoor> {
    const known = this.#doors.get(id);
    if (known !== undefined) return known;
    const path = agentSocket(this.#options.folder, name);
    const door = openAgentDoor({ path, guest: () => this.#machine({ id, name }) });
    this.#doors.set(id, door);
    return door;
  }

  /** The guest plane goes on without the device; only the owner of the level can be told why. */
  async #reporting(server: GuestServer, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.report(`${server.name}: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
  }

  #isRunning(id: string): boolean {
    return this.#options.world.servers
      .list()
      .some((server) => server.id === id && server.status === 'running');
  }
}

/** Also one that is still being started, or that never came up. */
async function endMachine(machine: Promise<ProxyGuest>): Promise<void> {
  const guest = await machine.catch(() => undefined);
  await guest?.[Symbol.asyncDispose]();
}
