/**
 * A device as a file: nbdfuse reads and writes it through a unix socket.
 *
 * Every mount has a file of its own. The kernel keeps pages of a mount for as long as it lives; a file that was mounted
 * again under other content would show the old.
 */
import { existsSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { type Clock, sleep } from '../../../src/kernel/clock.ts';
import { hasProgram, runProgram, startProgram } from './run-program.ts';
import { GuestLevelUnavailable } from './guest-level.ts';

export interface FuseFileOptions {
  /** Where the file is to be; nothing is there yet. */
  readonly path: string;
  /** Unix socket that speaks NBD. */
  readonly socket: string;
  /** nbdfuse writes its process id there when the file can be used. */
  readonly pidFile: string;
  readonly isReadOnly: boolean;
  readonly wall: Clock;
}

const POLL_MS = 5;
const START_MS = 20_000;
/** How long nbdfuse may take to end before it is ended. */
const STOP_MS = 5_000;

/** @throws GuestLevelUnavailable naming what is missing */
export async function checkFuse(isRoot: boolean): Promise<void> {
  if (!(await hasProgram('nbdfuse')))
    throw new GuestLevelUnavailable(
      'nbdfuse is not installed',
      'Install it: apt-get install libnbd-bin fuse3',
    );
  try {
    await (await open('/dev/fuse', 'r+')).close();
  } catch (error) {
    throw new GuestLevelUnavailable(
      '/dev/fuse cannot be opened',
      'Load the module fuse; in a container, start it with --device /dev/fuse and the capability SYS_ADMIN.',
      { cause: error },
    );
  }
  if (!isRoot && !(await hasProgram('fusermount3')))
    throw new GuestLevelUnavailable('fusermount3 is not installed', 'Install it: apt-get install fuse3');
}

/** The file can be opened when this resolves. */
export async function mountFuseFile(options: FuseFileOptions): Promise<AsyncDisposable> {
  const { path, socket, pidFile, isReadOnly, wall } = options;
  await (await open(path, 'wx')).close();
  const flags = [...(isReadOnly ? ['-r'] : []), '-P', pidFile];
  const { child, ended } = startProgram('nbdfuse', [...flags, path, '--unix', socket]);
  let end: Awaited<typeof ended> | undefined;
  void ended.then((how) => (end = how));
  for (const limitMs = wall.now() + START_MS; !existsSync(pidFile); await sleep(wall, POLL_MS)) {
    if (end === undefined && wall.now() < limitMs) continue;
    child.kill('SIGKILL');
    await unmountFuse(path);
    throw new Error(`nbdfuse does not mount ${path}: ${end?.stderr.trim() ?? 'no answer'}`);
  }
  return {
    async [Symbol.asyncDispose]() {
      // After an unmount nbdfuse ends by itself, but not while a program holds the file open.
      if ((await unmountFuse(path)) === 'in use') child.kill('SIGKILL');
      const patience = wall.setTimer(wall.now() + STOP_MS, () => child.kill('SIGKILL'));
      await ended;
      patience.cancel();
      await rm(path, { force: true });
      await rm(pidFile, { force: true });
    },
  };
}

/**
 * Takes the mount away, whether or not a program holds the file open: a guest's kernel doesn't ask either. `in use`: one
 * does, and nbdfuse goes on for it. Says nothing when there is no mount.
 */
export async function unmountFuse(path: string): Promise<'unmounted' | 'in use'> {
  for (const [program, ...args] of [
    ['umount', path],
    ['fusermount3', '-u', path],
  ] as const) {
    if ((await runProgram(program, args)).code === 0) return 'unmounted';
  }
  for (const [program, ...args] of [
    ['umount', '--lazy', path],
    ['fusermount3', '-u', '-z', path],
  ] as const) {
    if (!(await mountPoints()).includes(path)) return 'unmounted';
    if ((await runProgram(program, args)).code === 0) return 'in use';
  }
  throw new Error(`${path} cannot be unmounted`);
}

/** Every mount point that this process sees. */
export async function mountPoints(): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return table
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((point) =>
      point.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    );
}
