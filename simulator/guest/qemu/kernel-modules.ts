/** The drivers that the proxy guest needs, with what they need, in the order in which they must be loaded. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execFileSync } from 'node:child_process';

export interface KernelModule {
  /** File name in the archive, `virtio_blk.ko`. */
  readonly file: string;
  readonly content: Buffer;
}

/**
 * Reads what each module says it depends on; a list by depmod is not needed, because a kernel package that was only
 * unpacked has none. A driver without a file is taken for built into the kernel.
 */
export function readModules(modulesFolder: string, wanted: readonly string[]): readonly KernelModule[] {
  const files = moduleFiles(modulesFolder);
  const ordered = new Map<string, KernelModule>();
  const visit = (name: string): void => {
    const file = files.get(name);
    if (file === undefined || ordered.has(name)) return;
    const content = readModule(file);
    for (const needed of dependenciesOf(content)) visit(needed);
    ordered.set(name, { file: `${name}.ko`, content });
  };
  for (const name of wanted) visit(name);
  return [...ordered.values()];
}

function moduleFiles(folder: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const match = /^(?<name>.+)\.ko(?:\.xz)?$/.exec(entry.name);
    const name = match?.groups?.['name'];
    if (name !== undefined) files.set(canonical(name), join(entry.parentPath, entry.name));
  }
  return files;
}

/** Some kernels' modules are compressed; the guest's own loader reads plain ones only. */
function readModule(file: string): Buffer {
  if (!basename(file).endsWith('.xz')) return readFileSync(file);
  return execFileSync('xz', ['--decompress', '--stdout', file], { maxBuffer: 64 * 1024 * 1024 });
}

/** `depends=a,b` in the section .modinfo: NUL-terminated, written once by the kernel's build. */
function dependenciesOf(content: Buffer): readonly string[] {
  const key = Buffer.from('\0depends=');
  const at = content.indexOf(key);
  if (at < 0) return [];
  const start = at + key.length;
  const names = content.toString('latin1', start, content.indexOf(0, start));
  return names === '' ? [] : names.split(',').map(canonical);
}

/** Kernel names may be written with either sign. */
function canonical(name: string): string {
  return name.replaceAll('-', '_');
}
