/**
 * Real input, end to end, over real sockets: an ext4 file system with real files is a VM's disk, is backed up over
 * NBDSSL, changes, is backed up again, and comes back as an image that e2fsck, qemu-img and the files' own hashes
 * accept.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { requirePeers } from '../peers.ts';
import { type ServeProcess, startServe } from '../../e2e/serve-process.ts';

const peers = requirePeers(['mkfs.ext4', 'debugfs', 'e2fsck', 'qemu-img']);
const IMAGE_BYTES = 96 * 1024 * 1024;
const BLOCK_BYTES = 4096;

function run(command: string, ...args: string[]): string {
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH']}:/sbin:/usr/sbin` },
  });
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${done.status}: ${done.stderr}${done.stdout}`);
  return done.stdout;
}

/** Relative path -> SHA-256 of every file under a folder. */
function fileHashes(folder: string): Record<string, string> {
  const hashes: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    hashes[relative(folder, path)] = createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  delete hashes['lost+found'];
  return hashes;
}

function makeFiles(folder: string): void {
  const rng = createRng('real files');
  mkdirSync(join(folder, 'etc'), { recursive: true });
  mkdirSync(join(folder, 'var', 'lib'), { recursive: true });
  for (let at = 0; at < 40; at++) {
    writeFileSync(
      join(folder, at % 2 === 0 ? 'etc' : 'var/lib', `file-${at}.bin`),
      rng.bytes(rng.int(1, 300_000)),
    );
  }
  writeFileSync(join(folder, 'etc', 'hostname'), 'erp-01\n');
}

/** Ranges in which two images of one size differ, in whole blocks. */
function* differences(before: Buffer, after: Buffer): Generator<{ offset: number; data: Buffer }> {
  for (let offset = 0; offset < after.length; offset += BLOCK_BYTES) {
    const data = after.subarray(offset, offset + BLOCK_BYTES);
    if (!data.equals(before.subarray(offset, offset + BLOCK_BYTES))) yield { offset, data };
  }
}

describe.skipIf(!peers.available)('an ext4 image as a disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backlot-ext4-'));
  const original = join(folder, 'original.raw');
  const changed = join(folder, 'changed.raw');
  const repository = join(folder, 'repository');
  let serve: ServeProcess;
  let server = '';

  beforeAll(async () => {
    makeFiles(join(folder, 'files'));
    run('mkfs.ext4', '-q', '-F', '-d', join(folder, 'files'), original, `${IMAGE_BYTES / 1024}k`);
    const inventory = join(folder, 'inventory.yaml');
    writeFileSync(
      inventory,
      `servers:\n  - name: erp-01\n    disks:\n      - deviceId: ide0\n        size: ${IMAGE_BYTES / 1024 / 1024}MiB\n`,
    );
    serve = await startServe([
      '--inventory',
      inventory,
      '--disk',
      `erp-01:ide0=${original}`,
      '--clock',
      'x20',
    ]);
    server = 'erp-01';
  });

  afterAll(async () => {
    await serve?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const backup = (
    ...extra: string[]
  ): Promise<{ pointId: string; kind: string; disks: { readBytes: number }[] }> =>
    serve.backlotJson(
      'backup',
      ...serve.scpArguments,
      '--vm',
      server,
      '--transport',
      'nbdssl',
      '--repo',
      repository,
      ...extra,
    );

  const exportPoint = async (pointId: string, name: string): Promise<string> => {
    const out = join(folder, name);
    await serve.backlot(
      'export',
      '--repo',
      repository,
      '--point',
      pointId,
      '--disk',
      'ide0',
      '--format',
      'raw',
      out,
    );
    return out;
  };

  it('comes back identical after a full backup, and after an incremental of changed files', async () => {
    const imageHash = createHash('sha256').update(readFileSync(original)).digest('hex');
    const full = await backup();
    expect(full.kind).toBe('full');
    const fullImage = await exportPoint(full.pointId, 'full.raw');
    expect(run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', fullImage, original)).toContain(
      'Images are identical',
    );

    // The guest's files change: made with debugfs on a copy, then written to the disk block by block.
    copyFileSync(original, changed);
    const replacement = join(folder, 'replacement.bin');
    writeFileSync(replacement, createRng('replacement').bytes(200_000));
    run('debugfs', '-w', '-R', 'rm /etc/file-4.bin', changed);
    run('debugfs', '-w', '-R', `write ${replacement} /etc/new.bin`, changed);
    let writtenBlocks = 0;
    for (const { offset, data } of differences(readFileSync(original), readFileSync(changed))) {
      await serve.control(
        `/worlds/${serve.ready.world}/servers/${server}/disks/ide0/write?offset=${offset}`,
        data,
      );
      writtenBlocks++;
    }
    expect(writtenBlocks).toBeGreaterThan(40);

    const incremental = await backup();
    expect(incremental.kind).toBe('incremental');
    expect(incremental.disks[0]?.readBytes).toBeLessThan(8 * 1024 * 1024);
    const image = await exportPoint(incremental.pointId, 'incremental.raw');
    expect(run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', image, changed)).toContain(
      'Images are identical',
    );
    run('e2fsck', '-f', '-n', image);
    const out = join(folder, 'out');
    mkdirSync(out);
    run('debugfs', '-R', `rdump / ${out}`, image);
    const expected = fileHashes(join(folder, 'files'));
    delete expected['etc/file-4.bin'];
    expected['etc/new.bin'] = createHash('sha256').update(readFileSync(replacement)).digest('hex');
    expect(fileHashes(out)).toEqual(expected);

    // The older point is still what it was, and the user's image file was never written to.
    const again = await exportPoint(full.pointId, 'full-again.raw');
    expect(run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', again, original)).toContain(
      'Images are identical',
    );
    expect(createHash('sha256').update(readFileSync(original)).digest('hex')).toBe(imageHash);

    const restored = await serve.backlotJson<{ server: { id: string } }>(
      'restore',
      ...serve.scpArguments,
      '--repo',
      repository,
      '--point',
      incremental.pointId,
      '--to',
      'new',
      '--transport',
      'nbdssl',
    );
    const bytes = await serve.readDisk(restored.server.id, 'ide0', IMAGE_BYTES);
    expect(bytes.equals(readFileSync(changed))).toBe(true);
  });
});
