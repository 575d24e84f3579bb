import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where things are kept that can be made again.
 * @source XDG base directory specification: $XDG_CACHE_HOME, or .cache in the user's home
 */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME: base } = process.env;
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'backlot');
}
