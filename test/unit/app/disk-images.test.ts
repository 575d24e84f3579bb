import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openDiskImages, parseDiskRequest } from '../../../simulator/app/disk-images.ts';
import { parseInventory } from '../../../simulator/inventory/parse-inventory.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-images-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'disk.img'), Buffer.alloc(4096, 1));

const open = (text: string, ...requests: { server: string; deviceId: string; file: string }[]) =>
  openDiskImages({
    inventory: parseInventory(text, 'lab.yaml'),
    requests,
    folder,
    blockBytes: 65_536,
    clock: new VirtualClock(0),
  });

describe('parseDiskRequest', () => {
  it('takes VM:slot=FILE apart, also where the parts hold colons and equals signs', () => {
    expect(parseDiskRequest('web:ide0=a.img')).toEqual({ server: 'web', deviceId: 'ide0', file: 'a.img' });
    expect(parseDiskRequest('a:b:virtio12=/x=y.img')).toEqual({
      server: 'a:b',
      deviceId: 'virtio12',
      file: '/x=y.img',
    });
  });

  it.each(['', 'web', 'web:ide0', 'web:ide0=', ':ide0=f', 'web:sda=f'])('refuses %j', (text) => {
    expect(parseDiskRequest(text)).toBeUndefined();
  });
});

describe('openDiskImages', () => {
  it("gives an image's size to the disk that the inventory file puts it under", async () => {
    await using images = await open(
      'servers: [{ name: web, disks: [{ content: { kind: image, file: disk.img } }] }]',
    );
    const disk = images.inventory.servers[0]?.disks[0];
    expect(disk?.sizeBytes).toBe(4096);
    const file = disk?.content.kind === 'image' ? disk.content.file : '';
    expect(images.open(file).sizeBytes).toBe(4096);
  });

  it('puts an image under a disk, or adds the disk where the slot is free', async () => {
    const file = join(folder, 'disk.img');
    await using images = await open(
      'servers: [{ name: web, disks: [1GiB] }]',
      { server: 'web', deviceId: 'ide0', file },
      { server: 'web', deviceId: 'virtio1', file },
    );
    expect(images.inventory.servers[0]?.disks).toMatchObject([
      { deviceId: 'ide0', sizeBytes: 4096, content: { kind: 'image', file } },
      { deviceId: 'virtio1', sizeBytes: 4096, content: { kind: 'image', file } },
    ]);
  });

  it('refuses a server that does not exist, naming those that do', async () => {
    await expect(
      open('servers: [{ name: web, disks: [1GiB] }]', { server: 'db', deviceId: 'ide0', file: 'x' }),
    ).rejects.toThrow('no server goes by "db"; there are: web');
  });

  it('refuses a file that does not exist', async () => {
    await expect(
      open('servers: [{ name: web, disks: [1GiB] }]', { server: 'web', deviceId: 'ide0', file: '/none.img' }),
    ).rejects.toThrow('/none.img: cannot be opened (ENOENT)');
  });
});
