/** Programs of other people against `backlot serve`: images that QEMU made, certificates that TLS stacks judge. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { openDiskImages } from '../../../simulator/app/disk-images.ts';
import { createClusterCa } from '../../../simulator/app/pki.ts';
import { parseInventory } from '../../../simulator/inventory/parse-inventory.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { createWallClock } from '../../../src/runtime/wall-clock.ts';
import { startServe } from '../../e2e/serve-process.ts';
import { requirePeers } from '../peers.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'backlot-peers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MIB = 2 ** 20;

/** A raw image and the same as qcow2: data at both ends and in the middle, zeros between. */
async function makeImages(): Promise<{ raw: Buffer; qcow2: string }> {
  const raw = Buffer.alloc(12 * MIB + 512);
  for (const at of [0, 5 * MIB + 100, raw.length - 300]) raw.set(createRng(`${at}`).bytes(300), at);
  writeFileSync(join(folder, 'disk.raw'), raw);
  const qcow2 = join(folder, 'disk.qcow2');
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', '-c', join(folder, 'disk.raw'), qcow2]);
  return { raw, qcow2 };
}

describe.skipIf(!requirePeers(['qemu-img', 'qemu-nbd']).available)('a qcow2 image under a disk', () => {
  it('reads as QEMU reads it, and its holes are holes', async () => {
    const { raw, qcow2 } = await makeImages();
    await using images = await openDiskImages({
      inventory: parseInventory('servers: [{ name: web, disks: [1GiB] }]', 'lab.yaml'),
      requests: [{ server: 'web', deviceId: 'ide0', file: qcow2 }],
      folder,
      blockBytes: 65_536,
      clock: createWallClock(),
    });
    const image = images.open(qcow2);
    expect(image.sizeBytes).toBe(raw.length);
    expect(Buffer.from(await image.read(0, raw.length)).equals(raw)).toBe(true);
    const data = Array.from({ length: 193 }, (_, block) => block).filter((block) => !image.isHole(block));
    expect(data).toEqual([0, 80, 192]);
  });

  it('is served by backlot serve --disk, and qemu-nbd is gone afterwards', async () => {
    const { raw, qcow2 } = await makeImages();
    const inventory = join(folder, 'cluster.yaml');
    writeFileSync(inventory, 'servers: [{ name: web, disks: [1MiB] }]');
    const serve = await startServe(['--inventory', inventory, '--disk', `web:ide0=${qcow2}`]);
    try {
      expect((await serve.readDisk('web', 'ide0', raw.length)).equals(raw)).toBe(true);
    } finally {
      expect(await serve.stop()).toBe(0);
    }
    await expect(run('qemu-img', ['info', '-U', qcow2])).resolves.toBeDefined();
    // A reader that is still there would hold its lock.
    await expect(run('qemu-img', ['resize', qcow2, '+1M'])).resolves.toBeDefined();
  });

  it('is refused with the words of qemu-nbd when it is broken', async () => {
    const broken = join(folder, 'broken.qcow2');
    writeFileSync(broken, Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(2044, 0xff)]));
    const refused = openDiskImages({
      inventory: parseInventory('servers: [{ name: web, disks: [1GiB] }]', 'lab.yaml'),
      requests: [{ server: 'web', deviceId: 'ide0', file: broken }],
      folder,
      blockBytes: 65_536,
      clock: createWallClock(),
    });
    await expect(refused).rejects.toThrow(/broken\.qcow2: qemu-nbd refuses it: .*qcow2/i);
  });
});

describe.skipIf(!requirePeers(['openssl']).available)('OpenSSL', () => {
  const verify = (ca: string, leaf: string, ip: string) =>
    run('openssl', [
      'verify',
      '-x509_strict',
      '-CAfile',
      ca,
      '-verify_ip',
      ip,
      '-purpose',
      'sslserver',
      leaf,
    ]);

  function write(name: string, pem: string): string {
    const file = join(folder, name);
    writeFileSync(file, pem);
    return file;
  }

  it("accepts a host's certificate under its cluster's CA by the strict rules", async () => {
    const ca = createClusterCa({ clusterId: 'c' });
    const leaf = write('leaf.pem', ca.hostIdentity('127.9.9.9').pem);
    const { stdout } = await verify(write('ca.pem', ca.pem), leaf, '127.9.9.9');
    expect(stdout).toContain(': OK');
  });

  it.each([
    ['foreign-ca', /certificate signature failure|unable to get local issuer|authority and subject key/i],
    ['expired', /certificate has expired/],
    ['wrong-host', /IP address mismatch/],
  ] as const)('refuses the flaw %s for its own reason', async (flaw, reason) => {
    const ca = createClusterCa({ clusterId: 'c' });
    const leaf = write(`${flaw}.pem`, ca.hostIdentity('127.9.9.9', flaw).pem);
    await expect(verify(write('ca.pem', ca.pem), leaf, '127.9.9.9')).rejects.toMatchObject({
      stderr: expect.stringMatching(reason),
    });
  });
});

describe.skipIf(!requirePeers(['certtool']).available)('GnuTLS', () => {
  it("accepts a host's certificate under its cluster's CA", async () => {
    const ca = createClusterCa({ clusterId: 'c' });
    const chain = join(folder, 'chain.pem');
    writeFileSync(chain, ca.hostIdentity('127.9.9.9').pem);
    writeFileSync(join(folder, 'gnutls-ca.pem'), ca.pem);
    const { stdout } = await run('certtool', [
      '--verify',
      '--load-ca-certificate',
      join(folder, 'gnutls-ca.pem'),
      '--infile',
      chain,
    ]);
    expect(stdout).toContain('Verified.');
  });
});
