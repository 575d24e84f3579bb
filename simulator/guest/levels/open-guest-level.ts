import type { GuestLevel, GuestLevelOptions, OpenGuestLevel } from './guest-level.ts';

/**
 * Makes the devices of a world's guests visible in the guest folder, from now on.
 * @throws GuestLevelUnavailable when this machine can't do it
 */
export async function openGuestLevel(level: GuestLevel, options: GuestLevelOptions): Promise<OpenGuestLevel> {
  switch (level) {
    case 'socket':
    case 'fuse':
    case 'loop': {
      const { openFolderLevel } = await import('./folder-level.ts');
      return openFolderLevel(level, options);
    }
    case 'qemu': {
      const { openQemuLevel } = await import('../qemu/open-qemu-level.ts');
      return openQemuLevel(options);
    }
  }
}
