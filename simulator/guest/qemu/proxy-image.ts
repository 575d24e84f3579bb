/**
 * The small machine that stands for a proxy VM: Debian's cloud kernel, busybox, the drivers for virtio disks and the
 * virtio serial port, and the agent. Made from what this machine has, in a fraction of a second, and kept under a name
 * that changes with the content.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type ArchiveEntry, cpioArchive } from './cpio-archive.ts';
import { findKernel } from './find-kernel.ts';
import { readModules } from './kernel-modules.ts';
import { ProxyImageError } from './proxy-image-error.ts';

export { ProxyImageError };

export interface ProxyImage {
  readonly kernel: string;
  readonly initramfs: string;
}

const INIT = fileURLToPath(new URL('proxy/init.sh', import.meta.url));
const AGENT = fileURLToPath(new URL('proxy/agent.c', import.meta.url));
/** What the guest's disks and its port need; what these need follows from their own words. */
const DRIVERS = ['virtio_pci', 'virtio_blk', 'virtio_console'] as const;
/** Loaded where the machine has a network. */
const NETWORK_DRIVERS = ['virtio_net'] as const;
const BUSYBOX_FILES = ['bin/busybox', 'usr/bin/busybox'] as const;
/** Level 1: a third larger than level 9, and four times as fast to make. */
const GZIP_LEVEL = 1;

/** Where packages are unpacked that are not installed. */
export function unpackedRoot(cacheFolder: string): string {
  return join(cacheFolder, 'proxy-root');
}

/** @throws ProxyImageError */
export function buildProxyImage({ cacheFolder }: { readonly cacheFolder: string }): ProxyImage {
  const roots = ['/', unpackedRoot(cacheFolder)];
  const kernel = findKernel(roots);
  mkdirSync(cacheFolder, { recursive: true });
  const parts = {
    modulesFolder: kernel.modulesFolder,
    busybox: readBusybox(roots),
    agent: compileAgent(cacheFolder),
  };
  const archive = cpioArchive(entriesOf(parts));
  const initramfs = join(cacheFolder, `proxy-${keyOf(archive)}.cpio.gz`);
  if (!existsSync(initramfs)) {
    const draft = draftOf(initramfs);
    writeFileSync(draft, gzipSync(archive, { level: GZIP_LEVEL }));
    renameSync(draft, initramfs);
  }
  return { kernel: kernel.file, initramfs };
}

function entriesOf(parts: {
  readonly modulesFolder: string;
  readonly busybox: Buffer;
  readonly agent: Buffer;
}): readonly ArchiveEntry[] {
  const modules = readModules(parts.modulesFolder, [...DRIVERS, ...NETWORK_DRIVERS]);
  const always = readModules(parts.modulesFolder, DRIVERS).map(({ file }) => file);
  const forNetwork = modules.map(({ file }) => file).filter((file) => !always.includes(file));
  return [
    { path: 'dev', kind: 'folder' },
    // The kernel opens it for the first program, before anything is mounted.
    { path: 'dev/console', kind: 'character-device', major: 5, minor: 1 },
    { path: 'bin', kind: 'folder' },
    { path: 'bin/busybox', kind: 'file', content: parts.busybox, isExecutable: true },
    { path: 'init', kind: 'file', content: readFileSync(INIT), isExecutable: true },
    { path: 'agent', kind: 'file', content: parts.agent, isExecutable: true },
    { path: 'modules', kind: 'folder' },
    { path: 'modules/order', kind: 'file', content: linesOf(always) },
    { path: 'modules/network', kind: 'file', content: linesOf(forNetwork) },
    ...modules.map(({ file, content }): ArchiveEntry => ({ path: `modules/${file}`, kind: 'file', content })),
  ];
}

function linesOf(words: readonly string[]): Buffer {
  return Buffer.from(words.map((word) => `${word}\n`).join(''));
}

const COMPILER_HINT = 'Install one: apt-get install gcc libc6-dev';

/** Static, because there are no libraries in the image. */
function compileAgent(cacheFolder: string): Buffer {
  const program = join(cacheFolder, `agent-${keyOf(readFileSync(AGENT))}`);
  if (existsSync(program)) return readFileSync(program);
  const draft = draftOf(program);
  const cc = spawnSync('cc', ['-static', '-Os', '-s', '-o', draft, AGENT], { encoding: 'utf8' });
  if (cc.error !== undefined) throw new ProxyImageError('there is no C compiler (cc)', COMPILER_HINT);
  if (cc.status !== 0)
    throw new ProxyImageError(`the agent does not compile: ${cc.stderr.trim()}`, COMPILER_HINT);
  renameSync(draft, program);
  return readFileSync(program);
}

/** A dynamic one would need libraries that are not in the image; it names its loader. */
function readBusybox(roots: readonly string[]): Buffer {
  for (const file of roots.flatMap((root) => BUSYBOX_FILES.map((name) => join(root, name)))) {
    const content = existsSync(file) ? readFileSync(file) : undefined;
    if (content?.includes('/ld-linux') === false) return content;
  }
  throw new ProxyImageError('there is no static busybox', 'Install it: apt-get install busybox-static');
}

function keyOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

/** Another process may be making the same; whoever is last replaces it by the same bytes. */
function draftOf(file: string): string {
  return `${file}.${randomUUID()}`;
}
