import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PRIVATE } from '../levels/guest-folder-owner.ts';
import { type GuestLevelOptions, GuestLevelUnavailable, type OpenGuestLevel } from '../levels/guest-level.ts';
import { hasProgram } from '../levels/run-program.ts';
import { machineShape } from './machine-options.ts';
import { openQemuGuests } from './qemu-guests.ts';
import { QEMU, QemuError } from './qemu-machine.ts';
import { withSavedState } from './saved-machine.ts';

/**
 * From now on every proxy of the world that is in use is a virtual machine.
 * @throws GuestLevelUnavailable
 */
export async function openQemuLevel(options: GuestLevelOptions): Promise<OpenGuestLevel> {
  const { folder, world, guests, wall, report, machine = {}, proxyImage } = options;
  if (!(await hasProgram(QEMU)))
    throw new GuestLevelUnavailable(
      `${QEMU} is not installed`,
      'Install it: apt-get install qemu-system-x86',
    );
  const hidden = join(folder, PRIVATE);
  mkdirSync(hidden, { recursive: true, mode: 0o700 });
  const shape = await explain(() =>
    withSavedState({ shape: machineShape(machine, proxyImage), folder: hidden, wallClock: wall }),
  );
  const level = await openQemuGuests({ folder, world, guests, shape, wallClock: wall, report });
  await guests.mirror(level.mirror);
  return {
    level: 'qemu',
    folder,
    async [Symbol.asyncDispose]() {
      await guests.mirror(undefined);
      await level[Symbol.asyncDispose]();
    },
  };
}

async function explain<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof QemuError)) throw error;
    throw new GuestLevelUnavailable(error.message, 'Try --proxy-accel tcg, or another memory size.', {
      cause: error,
    });
  }
}
