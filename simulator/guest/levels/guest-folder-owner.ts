/**
 * Whose a guest folder is, and what a process that was killed left in it: mounts, loop devices, programs, files.
 *
 * The owner is written into the folder with the instant at which its process began, because process ids come again.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountPoints, unmountFuse } from './fuse-file.ts';
import { GuestLevelUnavailable } from './guest-level.ts';
import { detachLoop, loopsOver } from './loop-device.ts';
import { runProgram } from './run-program.ts';

/** In the guest folder, and no guest: what the level itself needs. */
export const PRIVATE = '.backlot';

export interface FolderOwner {
  readonly pid: number;
  /** Of the process, as the system counts; empty where it doesn't tell. */
  readonly began: string;
}

/**
 * Makes the folder this process's own, after cleaning up what a dead owner left.
 * @throws GuestLevelUnavailable when a living process has it, or somebody's files are in it
 */
export async function claimGuestFolder(folder: string, pid: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const owner = await ownerOf(folder);
  if (owner !== undefined && owner.pid !== pid && (await isAlive(owner)))
    throw new GuestLevelUnavailable(
      `${folder} belongs to process ${owner.pid}, which is running`,
      'Choose another folder with --guest-dir.',
    );
  if (owner === undefined && (await readdir(folder)).length > 0)
    throw new GuestLevelUnavailable(`${folder} is not empty`, 'Choose an empty folder with --guest-dir.');
  await emptyGuestFolder(folder);
  await mkdir(join(folder, PRIVATE), { mode: 0o700 });
  const mine: FolderOwner = { pid, began: await beganAt(pid) };
  await writeFile(ownerFile(folder), JSON.stringify(mine));
}

/** Removes folders in `parent` whose owners are dead, with all that they left. Returns their paths. */
export async function removeDeadGuestFolders(parent: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    const folder = join(parent, name);
    const owner = await ownerOf(folder);
    if (owner === undefined || (await isAlive(owner))) continue;
    await emptyGuestFolder(folder);
    await rm(folder, { recursive: true, force: true });
    removed.push(folder);
  }
  return removed;
}

/** Takes everything out of the folder: first what uses it, then the files. */
export async function emptyGuestFolder(folder: string): Promise<void> {
  for (const loop of await loopsOver(folder)) await detachLoop(loop);
  const mounted = (await mountPoints()).filter((point) => point.startsWith(`${folder}/`));
  for (const point of mounted) await unmountFuse(point);
  await endPrograms(folder);
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

/** An nbdfuse whose file somebody still holds open outlives its mount. */
async function endPrograms(folder: string): Promise<void> {
  const files = await readdir(join(folder, PRIVATE)).catch(() => []);
  for (const file of files.filter((name) => name.endsWith('.pid'))) {
    const pid = (await readFile(join(folder, PRIVATE, file), 'utf8')).trim();
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.startsWith('nbdfuse\0') && command.includes(folder)) await runProgram('kill', ['-9', pid]);
  }
}

const ownerFile = (folder: string): string => join(folder, PRIVATE, 'owner.json');

async function ownerOf(folder: string): Promise<FolderOwner | undefined> {
  const text = await readFile(ownerFile(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { pid, began } = JSON.parse(text) as Partial<FolderOwner>;
    return { pid: Number(pid), began: String(began) };
  } catch {
    // Killed while it wrote.
    return { pid: 0, began: '' };
  }
}

async function isAlive({ pid, began }: FolderOwner): Promise<boolean> {
  if (existsSync('/proc/self')) return existsSync(`/proc/${pid}`) && (await beganAt(pid)) === began;
  return (await runProgram('ps', ['-p', String(pid)])).code === 0;
}

/** @source proc(5), /proc/pid/stat, field 22: starttime; the name in parentheses may hold blanks */
async function beganAt(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
