/** Guests of proxies outside of the process, for `backlot run --guest`: a folder of their own for every story. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { holdWhileAsked } from '../../harness/runner/holding-agent.ts';
import type { OpenGuestsOf } from '../../harness/runner/open-guests.ts';
import type { GuestsNode } from '../../harness/runner/run-suite.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import {
  claimGuestFolder,
  emptyGuestFolder,
  removeDeadGuestFolders,
} from '../../simulator/guest/levels/guest-folder-owner.ts';
import { GuestLevelUnavailable, type OpenGuestLevel } from '../../simulator/guest/levels/guest-level.ts';
import { openGuestLevel } from '../../simulator/guest/levels/open-guest-level.ts';
import type { ConnectProxy } from '../engine/proxy-agent.ts';
import type { Clock } from '../kernel/clock.ts';
import { connectGuestChannel } from '../runtime/guest-channel-agent.ts';
import { connectGuestFolder } from '../runtime/guest-folder-agent.ts';
import { createWallClock } from '../runtime/wall-clock.ts';
import { CliError } from './cli-error.ts';

/** @throws GuestLevelUnavailable when this machine can't do the level */
export function openGuestsOf(guests: GuestsNode): OpenGuestsOf {
  return async (hosted, clock) => {
    await using open = new AsyncDisposableStack();
    const folder = await makeFolder();
    open.defer(async () => {
      await emptyGuestFolder(folder);
      await rm(folder, { recursive: true, force: true });
    });
    open.use(await openLevel(guests, hosted, folder));
    const held = open.move();
    return {
      connectProxy: connectProxyOf(guests, folder, clock),
      [Symbol.asyncDispose]: () => held.disposeAsync(),
    };
  };
}

/** Short, because the path of a unix socket is. */
const parentFolder = (): string => join(tmpdir(), `backlot-run-${userInfo().uid}`);

async function makeFolder(): Promise<string> {
  await mkdir(parentFolder(), { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parentFolder(), 'g-'));
  await claimGuestFolder(folder, process.pid);
  return folder;
}

function openLevel(
  { level, ...machine }: GuestsNode,
  { world, guests }: HostedWorld,
  folder: string,
): Promise<OpenGuestLevel> {
  return openGuestLevel(level, {
    folder,
    world,
    guests,
    wall: createWallClock(),
    report: (line) => process.stderr.write(`guest: ${line}\n`),
    ...machine,
  });
}

function connectProxyOf({ level }: GuestsNode, folder: string, clock: Clock): ConnectProxy {
  if (level === 'qemu') return connectGuestChannel({ guestDir: folder, clock });
  return holdWhileAsked(connectGuestFolder({ folder, clock }), clock);
}

/** A read of a file that this very process serves blocks a thread; some must be left to serve it. */
const FILE_THREADS = '64';

/** Tries the level on a world without proxies. @throws CliError that says what is missing */
export async function checkGuests(guests: GuestsNode): Promise<void> {
  // Takes effect only before the first file is opened; the threads that play the stories share the pool.
  process.env['UV_THREADPOOL_SIZE'] ??= FILE_THREADS;
  await removeDeadGuestFolders(parentFolder());
  await using simulator = await createSimulator();
  const clock = createWallClock();
  const hosted = await simulator.createWorld({ seed: 'check', clock, inventory: NOBODY });
  try {
    await using _opened = await openGuestsOf(guests)(hosted, clock);
  } catch (error) {
    if (error instanceof GuestLevelUnavailable)
      throw new CliError('environment', error.message, error.hint, { cause: error });
    throw error;
  }
}

const NOBODY = { pools: [], clusters: [], hosts: [], datastores: [], servers: [], credentials: [] };
