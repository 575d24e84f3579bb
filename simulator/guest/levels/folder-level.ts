/**
 * The levels without a machine: devices in the guest folder as sockets, files or links to loop devices.
 *
 * A guest's folder is there while the proxy runs. Steps of one device are carried out one after the other, because a
 * name that is free again may be taken at once; a guest's power changes when none of its devices is being worked on.
 */
import { mkdir, rm, symlink } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { PROXY_OS_NAME } from '../../../src/contract/assumed.ts';
import type { DeviceMirror, GuestDevice, GuestServer } from '../guest-api.ts';
import { openDeviceDoor } from './device-door.ts';
import { DeviceTree } from './device-tree.ts';
import { checkFuse, mountFuseFile } from './fuse-file.ts';
import type { GuestLevelOptions, OpenGuestLevel } from './guest-level.ts';
import { PRIVATE } from './guest-folder-owner.ts';
import { attachLoop, checkLoop } from './loop-device.ts';

type FolderLevel = 'socket' | 'fuse' | 'loop';

export async function openFolderLevel(
  level: FolderLevel,
  options: GuestLevelOptions,
): Promise<OpenGuestLevel> {
  const isRoot = userInfo().uid === 0;
  if (level === 'loop') await checkLoop(isRoot);
  if (level !== 'socket') await checkFuse(isRoot);
  await mkdir(join(options.folder, PRIVATE), { recursive: true, mode: 0o700 });
  const mirror = new FolderMirror(level, options);
  await mirror.open();
  await options.guests.mirror(mirror);
  return {
    level,
    folder: options.folder,
    async [Symbol.asyncDispose]() {
      await options.guests.mirror(undefined);
      await mirror.close();
    },
  };
}

class FolderMirror implements DeviceMirror {
  readonly #level: FolderLevel;
  readonly #options: GuestLevelOptions;
  readonly #tree: DeviceTree;
  /** What was built for each device, by guest and name. */
  readonly #built = new Map<string, AsyncDisposable>();
  /** Names of the proxies that run, by id. */
  readonly #guests = new Map<string, string>();
  /** What is under way with each guest's power, and with each device. */
  readonly #power = new Map<string, Promise<void>>();
  readonly #queues = new Map<string, Promise<void>>();
  #count = 0;
  #stopWatching: () => void = () => undefined;

  constructor(level: FolderLevel, options: GuestLevelOptions) {
    this.#level = level;
    this.#options = options;
    this.#tree = new DeviceTree(options.folder);
  }

  /** Follows the power of the proxies. */
  async open(): Promise<void> {
    const { world } = this.#options;
    this.#stopWatching = world.journal.watch((entry) => {
      if (entry.type === 'state' && entry.entity === 'server') this.#followPower(entry.id, entry.to);
    });
    for (const { id, status } of world.servers.list()) this.#followPower(id, status);
    await Promise.all(this.#power.values());
  }

  appear(server: GuestServer, device: GuestDevice): Promise<void> {
    return this.#inTurn(server, device, async () => {
      const path = await this.#tree.place(server, device);
      await using open = new AsyncDisposableStack();
      await this.#build(path, server, device, open);
      await this.#tree.announce(server, device);
      this.#built.set(keyOf(server, device), open.move());
    });
  }

  vanish(server: GuestServer, device: GuestDevice): Promise<void> {
    return this.#inTurn(server, device, async () => {
      const key = keyOf(server, device);
      const built = this.#built.get(key);
      this.#built.delete(key);
      await this.#tree.remove(server, device);
      await built?.[Symbol.asyncDispose]();
    });
  }

  async close(): Promise<void> {
    this.#stopWatching();
    for (const [id, name] of this.#guests) this.#powerOff({ id, name });
    await Promise.all(this.#power.values());
  }

  #followPower(id: string, status: string): void {
    const name = this.#guests.get(id);
    if (status === 'running') this.#powerOn(id);
    else if (name !== undefined && status !== 'stopping') this.#powerOff({ id, name });
  }

  #powerOn(id: string): void {
    const { name, osName } = this.#options.world.servers.get(id);
    if (osName !== PROXY_OS_NAME) return;
    this.#guests.set(id, name);
    this.#changePower(id, async () => void (await this.#tree.powerOn({ id, name })));
  }

  #powerOff(server: GuestServer): void {
    this.#guests.delete(server.id);
    const busy = [...this.#queues].flatMap(([key, queue]) => (isOf(server, key) ? [queue] : []));
    this.#changePower(server.id, async () => {
      await Promise.all(busy);
      for (const [key, built] of this.#built) {
        if (isOf(server, key) && this.#built.delete(key)) await this.#dispose(built);
      }
      await this.#tree.powerOff(server);
    });
  }

  /** Reports a failure itself: nobody waits for this. */
  #changePower(id: string, step: () => Promise<void>): void {
    const before = this.#power.get(id) ?? Promise.resolve();
    this.#power.set(id, before.then(step).catch(this.#complain));
  }

  async #dispose(built: AsyncDisposable): Promise<void> {
    try {
      await built[Symbol.asyncDispose]();
    } catch (error) {
      this.#complain(error);
    }
  }

  /** What is put on `open` is taken away in the opposite order. */
  async #build(
    path: string,
    server: GuestServer,
    device: GuestDevice,
    open: AsyncDisposableStack,
  ): Promise<void> {
    const { guests, wall, folder } = this.#options;
    const dial = () => guests.dial(server.id, device.name);
    if (this.#level === 'socket') {
      open.use(await openDeviceDoor(path, dial));
      return;
    }
    const stem = join(folder, PRIVATE, `${++this.#count}`);
    const { isReadOnly } = device;
    open.use(await openDeviceDoor(`${stem}.nbd`, dial));
    const file = this.#level === 'fuse' ? path : `${stem}.img`;
    open.use(
      await mountFuseFile({ path: file, socket: `${stem}.nbd`, pidFile: `${stem}.pid`, isReadOnly, wall }),
    );
    if (this.#level === 'fuse') return;
    const loop = open.use(await attachLoop(file, device.serial, isReadOnly));
    await symlink(loop.path, path);
    open.defer(() => rm(path, { force: true }));
  }

  #inTurn(server: GuestServer, device: GuestDevice, step: () => Promise<void>): Promise<void> {
    const key = keyOf(server, device);
    const result = Promise.all([this.#power.get(server.id), this.#queues.get(key)]).then(step);
    this.#queues.set(key, result.catch(this.#complain));
    return result;
  }

  readonly #complain = (error: unknown): void =>
    this.#options.report(error instanceof Error ? error.message : String(error));
}

const keyOf = (server: GuestServer, device: GuestDevice): string => `${server.id}/${device.name}`;
const isOf = (server: GuestServer, key: string): boolean => key.startsWith(`${server.id}/`);
