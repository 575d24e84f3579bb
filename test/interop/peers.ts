/** Other people's programs that interop tests talk to. Where one is missing, its suites are skipped and say so. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Peers {
  readonly available: boolean;
  readonly missing: readonly string[];
  /** Why suites that need these peers are skipped; `undefined` when they run. */
  readonly reason: string | undefined;
}

/** Use as `describe.skipIf(!requirePeers(['nbdinfo', 'qemu-img']).available)`. Prints what is missing. */
export function requirePeers(names: readonly string[]): Peers {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return { available: true, missing, reason: undefined };
  const reason = `skipped: not installed: ${missing.join(', ')}`;
  console.warn(reason);
  return { available: false, missing, reason };
}

function isInstalled(name: string): boolean {
  return findPeer(name) !== undefined;
}

/** Where it is; `undefined` when it is not installed. */
export function findPeer(name: string): string | undefined {
  return searchPath()
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** System programs such as mkfs are often not on the path of an ordinary user. */
function searchPath(): string[] {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
