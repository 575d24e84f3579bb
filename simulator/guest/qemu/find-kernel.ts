/** Finds a Linux kernel with its drivers, where packages of distributions put them. */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ProxyImageError } from './proxy-image-error.ts';

export interface Kernel {
  readonly file: string;
  readonly modulesFolder: string;
}

const MODULE_FOLDERS = ['lib/modules', 'usr/lib/modules'] as const;

/**
 * The first that this user may read, of the first root that has one. Cloud kernels come before others, because they
 * boot fastest; the newest before older ones.
 * @throws ProxyImageError
 */
export function findKernel(roots: readonly string[]): Kernel {
  for (const root of roots) {
    for (const version of versionsIn(join(root, 'boot'))) {
      const file = join(root, 'boot', `vmlinuz-${version}`);
      const folders = MODULE_FOLDERS.map((folder) => join(root, folder, version));
      const modulesFolder = folders.find((folder) => existsSync(folder));
      if (modulesFolder !== undefined && isReadable(file)) return { file, modulesFolder };
    }
  }
  throw new ProxyImageError(
    'there is no kernel for the guest of a proxy',
    'Install one: apt-get install linux-image-cloud-amd64',
  );
}

function versionsIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const versions = readdirSync(folder).flatMap(
    (name) => /^vmlinuz-(?<version>.+)$/.exec(name)?.groups?.['version'] ?? [],
  );
  const rank = (version: string): number => (version.includes('cloud') ? 0 : 1);
  return versions.toSorted((a, b) => rank(a) - rank(b) || b.localeCompare(a, 'en', { numeric: true }));
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
