/** The guest of a world that nobody looks into: it lets go at once and has no shell. */
import type { GuestPort } from './hot-add-api.ts';

export const OBEDIENT_GUEST: GuestPort = {
  plugged: () => undefined,
  unplug: (_disk, released) => released(),
  pulled: () => undefined,
};
