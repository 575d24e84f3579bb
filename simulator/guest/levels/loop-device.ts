/** A device as a real block device: a loop device over the file of nbdfuse. Needs root. */
import { existsSync } from 'node:fs';
import { GuestLevelUnavailable } from './guest-level.ts';
import { hasProgram, mustRun, runProgram } from './run-program.ts';
import { giveSerial, takeSerial } from './udev-serial.ts';

export interface LoopDevice extends AsyncDisposable {
  /** `/dev/loop3` */
  readonly path: string;
}

/** @throws GuestLevelUnavailable naming what is missing */
export async function checkLoop(isRoot: boolean): Promise<void> {
  if (!isRoot)
    throw new GuestLevelUnavailable(
      'loop devices need root',
      'Run it with sudo, or take --guest fuse or socket.',
    );
  if (!(await hasProgram('losetup')))
    throw new GuestLevelUnavailable('losetup is not installed', 'Install it: apt-get install util-linux');
  if (!existsSync('/dev/loop-control'))
    throw new GuestLevelUnavailable(
      '/dev/loop-control does not exist',
      'Load the module loop (modprobe loop); in a container, it must be started with --privileged.',
    );
}

export async function attachLoop(file: string, serial: string, isReadOnly: boolean): Promise<LoopDevice> {
  const flags = isReadOnly ? ['--read-only'] : [];
  const path = await mustRun('losetup', ['--find', '--show', ...flags, file]);
  await giveSerial(path, serial);
  return { path, [Symbol.asyncDispose]: () => detachLoop(path) };
}

/** Writes what is in the device's cache, then detaches; at the last close where a program holds it open. */
export async function detachLoop(path: string): Promise<void> {
  await takeSerial(path);
  await runProgram('blockdev', ['--flushbufs', path]);
  await mustRun('losetup', ['--detach', path]);
}

/** Loop devices over files in a folder. */
export async function loopsOver(folder: string): Promise<string[]> {
  const { stdout } = await runProgram('losetup', ['--json', '--list', '--output', 'NAME,BACK-FILE']);
  if (stdout.trim() === '') return [];
  const { loopdevices } = JSON.parse(stdout) as {
    loopdevices: readonly { readonly name: string; readonly 'back-file': string | null }[];
  };
  return loopdevices
    .filter((loop) => loop['back-file']?.startsWith(`${folder}/`) === true)
    .map(({ name }) => name);
}
