/**
 * Installs the real tools and the browser that the interop tests talk to, where that is allowed; else says what will be skipped.
 * Never fails: a machine without them runs every other test.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Tool -> Debian packages. */
const PEERS: Readonly<Record<string, string>> = {
  nbdinfo: 'libnbd-bin',
  nbdcopy: 'libnbd-bin',
  nbdfuse: 'libnbd-bin fuse3',
  nbdkit: 'nbdkit',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  'qemu-nbd': 'qemu-utils',
  'qemu-system-x86_64': 'qemu-system-x86',
  cc: 'gcc libc6-dev',
  'mkfs.ext4': 'e2fsprogs',
  openssl: 'openssl',
  curl: 'curl',
  jq: 'jq',
  python3: 'python3',
  chromium: 'chromium',
};

const searched = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
const isInstalled = (tool: string): boolean => searched.some((folder) => existsSync(join(folder, tool)));
const missing = (): string[] => Object.keys(PEERS).filter((tool) => !isInstalled(tool));

function packagesOf(tools: readonly string[]): string[] {
  return [...new Set(tools.flatMap((tool) => (PEERS[tool] ?? tool).split(' ')))];
}

function aptInstall(packages: readonly string[]): void {
  const apt = (...args: string[]): void => {
    spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-q', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      timeout: 300_000,
    });
  };
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...packages);
}

const wanted = missing();
if (wanted.length > 0 && process.getuid?.() === 0 && isInstalled('apt-get')) {
  const packages = packagesOf(wanted);
  process.stdout.write(`installing the interop peers: ${packages.join(' ')}\n`);
  aptInstall(packages);
}
const still = missing();
if (still.length > 0) {
  const packages = packagesOf(still);
  process.stdout.write(
    `interop tests that need ${still.join(', ')} will be skipped; to run them: sudo apt-get install ${packages.join(' ')}\n`,
  );
}
// The machine for tests with a real guest. Says what is missing where it cannot be made.
if (isInstalled('qemu-system-x86_64'))
  spawnSync(process.execPath, [join(import.meta.dirname, 'build-proxy-image.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  });
