/** The guests of a served simulator, outside of its process: one guest folder per world. */
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import {
  claimGuestFolder,
  emptyGuestFolder,
  removeDeadGuestFolders,
} from '../../simulator/guest/levels/guest-folder-owner.ts';
import {
  type GuestLevel,
  GuestLevelUnavailable,
  type OpenGuestLevel,
} from '../../simulator/guest/levels/guest-level.ts';
import { openGuestLevel } from '../../simulator/guest/levels/open-guest-level.ts';
import { createWallClock } from '../runtime/wall-clock.ts';
import { CliError } from './cli-error.ts';
import type { ProxyMachine } from './proxy-machine-flags.ts';

export interface ServeGuestsOptions {
  readonly level: GuestLevel;
  /** Drawn when absent. */
  readonly folder?: string;
  readonly proxyMachine: ProxyMachine;
  worlds(): readonly HostedWorld[];
}

export interface ServedGuests extends AsyncDisposable {
  /** The guest folder of the first world; the others have theirs in `.worlds/<id>` in it. */
  readonly folder: string;
  /** A world's own. */
  folderOf(world: string): string | undefined;
  /** To be called whenever worlds came or went. */
  refresh(): Promise<void>;
}

/** Folders of killed processes are emptied first. @throws CliError when the level is not to be had here */
export async function openServedGuests(options: ServeGuestsOptions): Promise<ServedGuests> {
  const folder = options.folder ?? ownFolder();
  await removeDeadGuestFolders(dirname(ownFolder()));
  await explain(() => claimGuestFolder(folder, process.pid));
  const guests = new ServedGuestLevels(folder, options);
  const close = async (): Promise<void> => {
    await guests.close();
    await emptyGuestFolder(folder);
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    await explain(() => guests.refresh());
  } catch (error) {
    await close();
    throw error;
  }
  return {
    folder,
    folderOf: (world) => (options.level === 'qemu' ? undefined : guests.folderOf(world)),
    refresh: () => guests.refresh(),
    [Symbol.asyncDispose]: close,
  };
}

/** Short, because the path of a unix socket is. */
function ownFolder(): string {
  return join(tmpdir(), `backlot-guests-${userInfo().uid}`, String(process.pid));
}

class ServedGuestLevels {
  readonly #folder: string;
  readonly #options: ServeGuestsOptions;
  readonly #open = new Map<string, OpenGuestLevel>();
  #refreshed: Promise<void> = Promise.resolve();

  constructor(folder: string, options: ServeGuestsOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  folderOf(world: string): string | undefined {
    return this.#open.get(world)?.folder;
  }

  refresh(): Promise<void> {
    const result = this.#refreshed.then(() => this.#reconcile());
    this.#refreshed = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    await this.#refreshed;
    for (const level of this.#open.values()) await level[Symbol.asyncDispose]();
    this.#open.clear();
  }

  async #reconcile(): Promise<void> {
    const worlds = this.#options.worlds();
    const ids = new Set<string>(worlds.map(({ world }) => world.id));
    for (const [id, level] of this.#open) {
      if (ids.has(id)) continue;
      this.#open.delete(id);
      await level[Symbol.asyncDispose]();
      if (level.folder !== this.#folder) await rm(level.folder, { recursive: true, force: true });
    }
    for (const hosted of worlds) {
      if (!this.#open.has(hosted.world.id)) await this.#openFor(hosted);
    }
  }

  async #openFor({ world, guests }: HostedWorld): Promise<void> {
    const { level, proxyMachine } = this.#options;
    const folder = this.#open.size === 0 ? this.#folder : join(this.#folder, '.worlds', world.id);
    await mkdir(folder, { recursive: true });
    const opened = await openGuestLevel(level, {
      folder,
      world,
      guests,
      wall: createWallClock(),
      report: (line) => process.stderr.write(`guest: ${line}\n`),
      ...proxyMachine,
    });
    this.#open.set(world.id, opened);
  }
}

async function explain<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GuestLevelUnavailable)
      throw new CliError('environment', error.message, error.hint, { cause: error });
    throw error;
  }
}
