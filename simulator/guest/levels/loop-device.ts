/**
 * A device as a real block device: a loop device over the file of nbdfuse. Needs root.
 *
 * A loop device has no serial of its own. Programs such as lsblk take serials from udev's database, so the serial is
 * written there, and taken out again.
 */
import { mkdir, rm, writeFile, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { GuestLevelUnavailable } from './guest-level.ts';
import { hasProgram, mustRun, runProgram } from './run-program.ts';

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
  const record = await udevRecord(path);
  if (record !== undefined && serial !== '') await noteSerial(record, serial);
  return {
    path,
    async [Symbol.asyncDispose]() {
      if (record !== undefined) await rm(record, { force: true });
      await detachLoop(path);
    },
  };
}

/** Writes what is in the device's cache, then detaches; at the last close where a program holds it open. */
export async function detachLoop(path: string): Promise<void> {
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

/**
 * The device's record in udev's database. `undefined` where a udev runs: the record is its own, and it would write it
 * anew at the next event.
 * @source systemd, libudev: /run/udev/data/b<major>:<minor>
 */
async function udevRecord(path: string): Promise<string | undefined> {
  if (existsSync('/run/udev/control')) return undefined;
  const number = (await readFile(`/sys/class/block/${basename(path)}/dev`, 'utf8')).trim();
  return `/run/udev/data/b${number}`;
}

async function noteSerial(record: string, serial: string): Promise<void> {
  await mkdir(dirname(record), { recursive: true });
  await writeFile(record, `I:1\nE:ID_SERIAL=${serial}\nE:ID_SERIAL_SHORT=${serial}\nV:1\n`);
}
