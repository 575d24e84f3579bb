import { type GuestLevelOptions, GuestLevelUnavailable, type OpenGuestLevel } from '../levels/guest-level.ts';
import { hasProgram } from '../levels/run-program.ts';
import { machineShape } from './machine-options.ts';
import { openQemuGuests } from './qemu-guests.ts';
import { QEMU } from './qemu-machine.ts';

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
  const shape = machineShape(machine, proxyImage);
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
