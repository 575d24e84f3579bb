/**
 * Gives a loop device a serial number, which it can't have by itself.
 *
 * Programs such as lsblk take serials from udev's database. Where udev runs, a rule for the one device tells it the
 * serial; where it doesn't, as in most containers, nobody but us writes the record.
 * @source systemd, udev(7), RULES FILES; libudev, /run/udev/data/b<major>:<minor>
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runProgram } from './run-program.ts';

const RULES = '/run/udev/rules.d';
const PREFIX = '99-backlot-';

export async function giveSerial(device: string, serial: string): Promise<void> {
  if (serial === '') return;
  if (existsSync('/run/udev/control')) await addRule(device, serial);
  else await writeRecord(device, serial);
}

/** Takes it out again, before the loop device is detached. */
export async function takeSerial(device: string): Promise<void> {
  const rule = ruleOf(device);
  if (existsSync(rule)) {
    await rm(rule);
    await runProgram('udevadm', ['control', '--reload']);
  }
  if (!existsSync('/run/udev/control')) await rm(await recordOf(device), { force: true });
}

async function addRule(device: string, serial: string): Promise<void> {
  const name = basename(device);
  await mkdir(RULES, { recursive: true });
  const values = `ENV{ID_SERIAL}="${serial}", ENV{ID_SERIAL_SHORT}="${serial}"`;
  await writeFile(ruleOf(device), `SUBSYSTEM=="block", KERNEL=="${name}", ${values}\n`);
  await runProgram('udevadm', ['control', '--reload']);
  await runProgram('udevadm', ['trigger', '--action=change', `--sysname-match=${name}`]);
  // Without it lsblk would see the device before its serial.
  await runProgram('udevadm', ['settle', '--timeout=5']);
}

async function writeRecord(device: string, serial: string): Promise<void> {
  const record = await recordOf(device);
  await mkdir(dirname(record), { recursive: true });
  await writeFile(record, `I:1\nE:ID_SERIAL=${serial}\nE:ID_SERIAL_SHORT=${serial}\nV:1\n`);
}

const ruleOf = (device: string): string => join(RULES, `${PREFIX}${basename(device)}.rules`);

async function recordOf(device: string): Promise<string> {
  const number = (await readFile(`/sys/class/block/${basename(device)}/dev`, 'utf8')).trim();
  return `/run/udev/data/b${number}`;
}
