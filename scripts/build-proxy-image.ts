/**
 * Makes the small machine image of `--guest qemu` ahead of its first use, boots it once, and keeps both in the cache
 * folder.
 *
 * Takes the kernel and busybox that are installed. Where they are not, fetches their Debian packages through apt and
 * unpacks them into the cache folder: nothing is installed, no root is needed.
 *
 *   node scripts/build-proxy-image.ts [CACHE_FOLDER]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../src/runtime/cache-folder.ts';
import { createWallClock } from '../src/runtime/wall-clock.ts';
import { hasProgram } from '../simulator/guest/levels/run-program.ts';
import { machineShape } from '../simulator/guest/qemu/machine-options.ts';
import { buildProxyImage, ProxyImageError, unpackedRoot } from '../simulator/guest/qemu/proxy-image.ts';
import { QEMU, QemuError } from '../simulator/guest/qemu/qemu-machine.ts';
import { withSavedState } from '../simulator/guest/qemu/saved-machine.ts';

const KERNEL = 'linux-image-cloud-amd64';

/** The words that the program printed; empty when it failed, which what comes next will tell. */
function run(program: string, args: readonly string[], cwd?: string): string {
  const { stdout, status } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  return status === 0 ? stdout : '';
}

/** `linux-image-cloud-amd64` has no file; it depends on the kernel of today. `undefined` when apt knows none. */
function kernelPackage(): string | undefined {
  const depends = /Depends: (?<name>linux-image-\S+)/.exec(run('apt-cache', ['depends', KERNEL]));
  return depends?.groups?.['name'];
}

/** Fresh machines have no lists of packages; only root may fetch them. */
function findKernelPackage(): string {
  const known = kernelPackage();
  if (known !== undefined) return known;
  if (process.getuid?.() === 0) run('apt-get', ['-q', 'update']);
  return kernelPackage() ?? KERNEL;
}

function fetchPackages(root: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'backlot-packages-'));
  try {
    process.stdout.write('fetching a kernel and busybox through apt\n');
    run('apt-get', ['-q', 'download', findKernelPackage(), 'busybox-static'], folder);
    mkdirSync(root, { recursive: true });
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb')))
      run('dpkg-deb', ['-x', join(folder, file), root]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Boots one machine, so that those that come go on from there. */
async function saveState(folder: string): Promise<void> {
  const sockets = mkdtempSync(join(tmpdir(), 'backlot-vm-'));
  try {
    const shape = machineShape({ cacheFolder: folder });
    await withSavedState({ shape, folder: sockets, wallClock: createWallClock() });
  } finally {
    rmSync(sockets, { recursive: true, force: true });
  }
}

const folder = process.argv[2] ?? cacheFolder();
try {
  buildProxyImage({ cacheFolder: folder });
} catch (error) {
  if (!(error instanceof ProxyImageError)) throw error;
  fetchPackages(unpackedRoot(folder));
}
try {
  const { kernel, initramfs } = buildProxyImage({ cacheFolder: folder });
  process.stdout.write(`kernel ${kernel}\ninitramfs ${initramfs}\n`);
  if (await hasProgram(QEMU)) await saveState(folder);
} catch (error) {
  if (!(error instanceof ProxyImageError || error instanceof QemuError)) throw error;
  const hint = error instanceof ProxyImageError ? `\n${error.hint}` : '';
  process.stderr.write(`${error.message}${hint}\n`);
  process.exitCode = 3;
}
