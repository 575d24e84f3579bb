import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cpioArchive } from '../../../../simulator/guest/qemu/cpio-archive.ts';
import { findKernel } from '../../../../simulator/guest/qemu/find-kernel.ts';
import { readModules } from '../../../../simulator/guest/qemu/kernel-modules.ts';
import { ProxyImageError } from '../../../../simulator/guest/qemu/proxy-image-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

function put(root: string, files: Readonly<Record<string, string>>): string {
  const base = join(folder, root);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(base, name)), { recursive: true });
    writeFileSync(join(base, name), content, 'latin1');
  }
  return base;
}

describe('cpio archive', () => {
  it('has every entry at a multiple of four, with its mode, and ends with the trailer', () => {
    const archive = cpioArchive([
      { path: 'bin', kind: 'folder' },
      { path: 'bin/a', kind: 'file', content: Buffer.from('12345'), isExecutable: true },
      { path: 'console', kind: 'character-device', major: 5, minor: 1 },
    ]);
    const members = readMembers(archive);
    expect(members).toEqual([
      { name: 'bin', mode: '40755', content: '', device: '0,0' },
      { name: 'bin/a', mode: '100755', content: '12345', device: '0,0' },
      { name: 'console', mode: '20600', content: '', device: '5,1' },
      { name: 'TRAILER!!!', mode: '0', content: '', device: '0,0' },
    ]);
  });

  it('is the same for the same entries', () => {
    const make = (): Buffer => cpioArchive([{ path: 'a', kind: 'file', content: Buffer.from('x') }]);
    expect(make().equals(make())).toBe(true);
  });
});

/** @source Linux, Documentation/driver-api/early-userspace/buffer-format.rst */
function readMembers(archive: Buffer) {
  const members = [];
  for (let at = 0; at < archive.length; ) {
    expect(archive.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number): number =>
      parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const nameEnd = at + 110 + field(11);
    const start = Math.ceil(nameEnd / 4) * 4;
    members.push({
      name: archive.toString('utf8', at + 110, nameEnd - 1),
      mode: field(1).toString(8),
      content: archive.toString('utf8', start, start + field(6)),
      device: `${field(9)},${field(10)}`,
    });
    at = Math.ceil((start + field(6)) / 4) * 4;
  }
  return members;
}

describe('kernel modules', () => {
  it('come after what they say they depend on, once each, whatever sign their names are written with', () => {
    const root = put('modules', {
      'a/virtio-ring.ko': 'ELF\0depends=\0',
      'a/virtio.ko': 'ELF\0license=GPL\0depends=virtio_ring\0',
      'b/virtio_pci.ko': 'ELF\0depends=virtio,virtio-ring\0x',
      'b/virtio_blk.ko': 'ELF\0depends=virtio_ring,virtio\0',
      'b/nbd.ko': 'ELF\0depends=\0',
    });
    const names = readModules(root, ['virtio_pci', 'virtio_blk', 'built_in']).map(({ file }) => file);
    expect(names).toEqual(['virtio_ring.ko', 'virtio.ko', 'virtio_pci.ko', 'virtio_blk.ko']);
  });
});

describe('the kernel of the proxy', () => {
  it('is the newest cloud kernel that has its modules', () => {
    const root = put('root', {
      'boot/vmlinuz-6.9.0-1-amd64': '',
      'boot/vmlinuz-6.1.0-9-cloud-amd64': '',
      'boot/vmlinuz-6.1.0-56-cloud-amd64': '',
      'boot/vmlinuz-6.1.0-60-cloud-amd64': '',
      'lib/modules/6.9.0-1-amd64/x': '',
      'lib/modules/6.1.0-9-cloud-amd64/x': '',
      'usr/lib/modules/6.1.0-56-cloud-amd64/x': '',
    });
    expect(findKernel([join(folder, 'nowhere'), root])).toEqual({
      file: join(root, 'boot/vmlinuz-6.1.0-56-cloud-amd64'),
      modulesFolder: join(root, 'usr/lib/modules/6.1.0-56-cloud-amd64'),
    });
  });

  it('is missed with a hint', () => {
    const missed = (): unknown => findKernel([put('empty', { 'boot/config': '' })]);
    expect(missed).toThrow(ProxyImageError);
    expect(missed).toThrow(/no kernel/);
  });
});
