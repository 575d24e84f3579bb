/**
 * The small machine that stands for a proxy VM: Debian's cloud kernel, busybox, the drivers for virtio disks and the
 * virtio serial port, and the agent. Made from what the machine has, kept in a cache under a name that changes with
 * the content.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type ArchiveEntry, cpioArchive } from './cpio-archive.ts';
import { readModules } from './kernel-modules.ts';

export interface ProxyImage {
  readonly kernel: string;
  readonly initramfs: string;
}

/** A part of the image is not on this machine. `hint` says how it comes there. */
export class ProxyImageError extends Error {
  override readonly name = 'ProxyImageError';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

const INIT = fileURLToPath(new URL('proxy/init.sh', import.meta.url));
const AGENT = fileURLToPath(new URL('proxy/agent.c', import.meta.url));
/** What the guest's disks and its port need; what these need follows from their own words. */
const DRIVERS = ['virtio_pci', 'virtio_blk', 'virtio_console'] as const;
const BUSYBOX_FILES = ['/bin/busybox', '/usr/bin/busybox'] as const;
const COMPILER_HINT = 'Install one: apt-get install gcc libc6-dev';
/** Level 1: a third larger than level 9, and four times as fast to make. */
const GZIP_LEVEL = 1;

export interface ProxyImageOptions {
  /** Folder in which images are kept. */
  readonly cacheFolder: string;
  /** Where `boot/` and `lib/modules/` are: `/`, or a folder with an unpacked kernel package. */
  readonly kernelRoots?: readonly string[];
}

/** @throws ProxyImageError */
export function buildProxyImage({ cacheFolder, kernelRoots = ['/'] }: ProxyImageOptions): ProxyImage {
  const kernel = findKernel(kernelRoots);
  mkdirSync(cacheFolder, { recursive: true });
  const archive = cpioArchive(entriesOf(kernel.modules, compileAgent(cacheFolder)));
  const key = createHash('sha256').update(archive).digest('hex').slice(0, 16);
  const initramfs = join(cacheFolder, `proxy-${key}.cpio.gz`);
  if (!existsSync(initramfs)) {
    const draft = draftOf(initramfs);
    writeFileSync(draft, gzipSync(archive, { level: GZIP_LEVEL }));
    renameSync(draft, initramfs);
  }
  return { kernel: kernel.file, initramfs };
}

function entriesOf(modulesFolder: string, agent: Buffer): readonly ArchiveEntry[] {
  const modules = readModules(modulesFolder, DRIVERS);
  const file = (path: string, content: Buffer, isExecutable = false): ArchiveEntry => ({
    path,
    kind: 'file',
    content,
    isExecutable,
  });
  return [
    { path: 'dev', kind: 'folder' },
    // The kernel opens it for the first program, before anything is mounted.
    { path: 'dev/console', kind: 'character-device', major: 5, minor: 1 },
    { path: 'bin', kind: 'folder' },
    file('bin/busybox', readBusybox(), true),
    file('init', readFileSync(INIT), true),
    file('agent', agent, true),
    { path: 'modules', kind: 'folder' },
    file('modules/order', Buffer.from(modules.map((module) => `${module.file}\n`).join(''))),
    ...modules.map((module) => file(`modules/${module.file}`, module.content)),
  ];
}

/** Static, because there are no libraries in the image. */
function compileAgent(cacheFolder: string): Buffer {
  const key = createHash('sha256').update(readFileSync(AGENT)).digest('hex').slice(0, 16);
  const program = join(cacheFolder, `agent-${key}`);
  if (!existsSync(program)) {
    const draft = draftOf(program);
    const cc = spawnSync('cc', ['-static', '-Os', '-s', '-o', draft, AGENT], { encoding: 'utf8' });
    if (cc.error !== undefined) throw new ProxyImageError('there is no C compiler (cc)', COMPILER_HINT);
    if (cc.status !== 0)
      throw new ProxyImageError(`the agent does not compile: ${cc.stderr.trim()}`, COMPILER_HINT);
    renameSync(draft, program);
  }
  return readFileSync(program);
}

function readBusybox(): Buffer {
  const path = BUSYBOX_FILES.find((file) => existsSync(file));
  const content = path === undefined ? undefined : readFileSync(path);
  // A dynamic one would need libraries that are not in the image; it names its loader.
  if (content === undefined || content.includes('/ld-linux'))
    throw new ProxyImageError('there is no static busybox', 'Install it: apt-get install busybox-static');
  return content;
}

/** Another process may be making the same; whoever is last replaces it by the same bytes. */
function draftOf(file: string): string {
  return `${file}.${randomUUID()}`;
}

interface Kernel {
  readonly file: string;
  readonly modules: string;
}

function findKernel(roots: readonly string[]): Kernel {
  for (const root of roots) {
    const kernels = kernelsIn(join(root, 'boot'));
    for (const version of kernels) {
      const file = join(root, 'boot', `vmlinuz-${version}`);
      const modules = ['lib/modules', 'usr/lib/modules']
        .map((folder) => join(root, folder, version))
        .find((folder) => existsSync(folder));
      if (modules !== undefined && isReadable(file)) return { file, modules };
    }
  }
  throw new ProxyImageError(
    'there is no kernel for the guest of a proxy',
    'Install one: apt-get install linux-image-cloud-amd64; or let scripts/build-proxy-image.ts fetch it.',
  );
}

/** Cloud kernels first, because they boot fastest; then by version, the newest first. */
function kernelsIn(folder: string): readonly string[] {
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
