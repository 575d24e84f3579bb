/**
 * The shell of a simulated guest: the few commands with which people and products look at block devices.
 *
 * One command per call, with quotes, without pipes or variables. What it does not know is "not found", as in a very
 * small system.
 */
import { byIdName } from '../../src/kernel/guest-folder.ts';
import type { GuestExecResult } from '../domain/hot-add-api.ts';
import type { GuestDevice } from './guest-api.ts';
import { SECTOR_BYTES } from './whole-sectors.ts';

type ShellDevice = Omit<GuestDevice, 'diskId'>;

export interface ShellView {
  /** All of the guest, its own disks too. */
  readonly devices: readonly ShellDevice[];
}

export function runInShell(view: ShellView, command: string): GuestExecResult {
  const [program = '', ...args] = splitWords(command);
  if (program === '') return ok('');
  const run = Object.hasOwn(PROGRAMS, program) ? PROGRAMS[program] : undefined;
  return run === undefined ? failed(127, `sh: 1: ${program}: not found`) : run(args, view);
}

type Program = (args: readonly string[], view: ShellView) => GuestExecResult;

const PROGRAMS: Readonly<Record<string, Program>> = {
  true: () => ok(''),
  false: () => ({ exitCode: 1, output: '' }),
  echo: (args) => ok(`${args.join(' ')}\n`),
  cat: (args, view) => each(args, (path) => catFile(path, view)),
  ls: (args, view) => each(optionless(args, ['/dev']), (path) => listFolder(path, view)),
  blockdev,
  lsblk,
};

function catFile(path: string, view: ShellView): GuestExecResult {
  const [, name, file] = /^\/sys\/block\/([^/]+)\/(serial|size|ro)$/.exec(path) ?? [];
  const device = view.devices.find((one) => one.name === name);
  if (device === undefined) return failed(1, `cat: ${path}: No such file or directory`);
  if (file === 'serial') return ok(device.serial);
  if (file === 'size') return ok(`${device.sizeBytes / SECTOR_BYTES}\n`);
  return ok(device.isReadOnly ? '1\n' : '0\n');
}

function listFolder(path: string, { devices }: ShellView): GuestExecResult {
  const folders: Readonly<Record<string, readonly string[]>> = {
    '/dev': devices.map(({ name }) => name),
    '/sys/block': devices.map(({ name }) => name),
    '/dev/disk/by-id': devices.flatMap(({ name, serial }) => byIdName(name, serial) ?? []),
  };
  const folder = path.length > 1 ? path.replace(/\/$/, '') : path;
  if (Object.hasOwn(folders, folder)) {
    const names = folders[folder]?.toSorted() ?? [];
    return ok(names.map((name) => `${name}\n`).join(''));
  }
  if (deviceAt(folder, devices) !== undefined) return ok(`${path}\n`);
  return failed(2, `ls: cannot access '${path}': No such file or directory`);
}

function blockdev(args: readonly string[], { devices }: ShellView): GuestExecResult {
  const [question, path = ''] = args;
  const device = deviceAt(path, devices);
  if (device === undefined) return failed(1, `blockdev: cannot open ${path}: No such file or directory`);
  if (question === '--getsize64') return ok(`${device.sizeBytes}\n`);
  if (question === '--getro') return ok(device.isReadOnly ? '1\n' : '0\n');
  return failed(1, `blockdev: Unknown command: ${question}`);
}

const COLUMNS: Readonly<Record<string, (device: ShellDevice, isBytes: boolean) => string>> = {
  NAME: ({ name }) => name,
  SERIAL: ({ serial }) => serial,
  SIZE: ({ sizeBytes }, isBytes) => (isBytes ? String(sizeBytes) : humanSize(sizeBytes)),
  RO: ({ isReadOnly }) => (isReadOnly ? '1' : '0'),
  TYPE: () => 'disk',
};

/** Understands -o LIST (--output), -b, -n and -d, and devices to show. */
function lsblk(args: readonly string[], { devices }: ShellView): GuestExecResult {
  let columns = ['NAME', 'SIZE', 'RO', 'TYPE'];
  const flags = new Set<string>();
  const shown: ShellDevice[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '-o' || word === '--output') columns = (args[++at] ?? '').toUpperCase().split(',');
    else if (/^-[bdn]+$/.test(word)) for (const flag of word.slice(1)) flags.add(flag);
    else if (word === '--bytes' || word === '--noheadings' || word === '--nodeps') flags.add(word.charAt(2));
    else {
      const device = deviceAt(word, devices);
      if (device === undefined) return failed(32, `lsblk: ${word}: not a block device`);
      shown.push(device);
    }
  }
  const unknown = columns.find((column) => !Object.hasOwn(COLUMNS, column));
  if (unknown !== undefined) return failed(1, `lsblk: unknown column: ${unknown}`);
  const rows = (shown.length > 0 ? shown : devices).map((device) =>
    columns.map((column) => COLUMNS[column]?.(device, flags.has('b')) ?? ''),
  );
  return ok(table(flags.has('n') ? rows : [columns, ...rows]));
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** As lsblk writes sizes: `24M`, `1.5G`. */
function humanSize(bytes: number): string {
  const units = ['B', 'K', 'M', 'G', 'T', 'P'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${Math.round(value * 10) / 10}${units[unit]}`;
}

/** The device at a path under /dev, also by its serial. */
function deviceAt(path: string, devices: readonly ShellDevice[]): ShellDevice | undefined {
  const name = path.replace(/^\/dev\/(?:disk\/by-id\/)?/, '');
  return devices.find((device) => device.name === name || byIdName(device.name, device.serial) === name);
}

/** Runs for every argument; the last failure counts. */
function each(args: readonly string[], run: (arg: string) => GuestExecResult): GuestExecResult {
  const results = args.map(run);
  return {
    exitCode: results.findLast(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0,
    output: results.map(({ output }) => output).join(''),
  };
}

function optionless(args: readonly string[], otherwise: readonly string[]): readonly string[] {
  const paths = args.filter((arg) => !arg.startsWith('-'));
  return paths.length > 0 ? paths : otherwise;
}

/** Words as a shell splits them: quotes keep blanks. */
function splitWords(command: string): string[] {
  const words = command.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g);
  return Array.from(words, ([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}

const ok = (output: string): GuestExecResult => ({ exitCode: 0, output });
const failed = (exitCode: number, why: string): GuestExecResult => ({ exitCode, output: `${why}\n` });
