/** Programs that know nothing of backlot look at what was hot-added to a proxy: as a file, and as a block device. */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { userInfo, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { MIB, type ServedProxy, serveProxy } from '../../e2e/served-proxy.ts';
import { requirePeers } from '../peers.ts';

const exec = promisify(execFile);
const run = async (program: string, ...args: string[]): Promise<string> =>
  (await exec(program, args, { maxBuffer: 2 ** 27 })).stdout.trim();
const readAll = async (path: string): Promise<Buffer> =>
  (await exec('dd', [`if=${path}`, 'bs=1M'], { encoding: 'buffer', maxBuffer: 2 ** 27 })).stdout;

const folder = mkdtempSync(join(tmpdir(), 'backlot-devices-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Mounts and loop devices that belong to a guest folder. */
async function traces({ serve }: ServedProxy): Promise<string[]> {
  const loops = JSON.parse((await run('losetup', '--json', '--list')) || '{"loopdevices":[]}') as {
    loopdevices: readonly { 'back-file': string | null }[];
  };
  const files = loops.loopdevices.map((loop) => loop['back-file'] ?? '');
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return [...files, ...mounts].filter((text) => text.includes(serve.guestDir));
}

/** A detached mount hides the file behind a loop device, so the device itself is looked for. */
const loopDevices = async (): Promise<string[]> =>
  (await run('losetup', '--list', '--noheadings', '--output', 'NAME')).split('\n').map((name) => name.trim());

const fuse = requirePeers(['nbdfuse', 'dd', 'qemu-img', 'blockdev', 'losetup']);
const canLoop = fuse.available && userInfo().uid === 0;

describe.skipIf(!fuse.available)('a hot-added disk as a file', () => {
  it('is the snapshot to dd and qemu-img, named by its serial', async () => {
    await using proxy = await serveProxy(['--guest', 'fuse']);
    const [first, second] = await proxy.attach('ide0', 'ide1');
    if (first === undefined || second === undefined) throw new Error('not attached');
    for (const { path, content, serial } of [first, second]) {
      const image = join(folder, `${serial}.raw`);
      writeFileSync(image, content);
      expect((await readAll(path)).equals(content)).toBe(true);
      expect(await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', path, image)).toBe(
        'Images are identical.',
      );
      expect(statSync(path).size).toBe(content.length);
    }
    expect(readdirSync(join(proxy.root, 'dev/disk/by-id')).toSorted()).toEqual(
      [`virtio-${first.serial}`, `virtio-${second.serial}`].toSorted(),
    );
    await proxy.detach(first, second);
    expect(readdirSync(join(proxy.root, 'dev/disk/by-id'))).toEqual([]);
    expect(await traces(proxy)).toEqual([]);
  });

  it('takes what dd writes, to the end', async () => {
    await using proxy = await serveProxy(['--guest', 'fuse']);
    const disk = await proxy.attachLive('ide1');
    const changed = Buffer.from(disk.content)
      .fill(0x5a, 4096, 12_288)
      .fill(0x11, disk.content.length - 512);
    const image = join(folder, 'changed.raw');
    writeFileSync(image, changed);
    await run('dd', `if=${image}`, `of=${disk.path}`, 'bs=64k', 'conv=notrunc,fsync');
    expect((await proxy.liveBytes('ide1')).equals(changed)).toBe(true);
  });

  it('shows the new bytes when the same disk is attached again', async () => {
    await using proxy = await serveProxy(['--guest', 'fuse']);
    const before = await proxy.attachLive('ide1');
    await readAll(before.path);
    await proxy.detach(before);
    await proxy.serve.control('/worlds/default/servers/web/disks/ide1/write?offset=0', Buffer.alloc(8192, 7));
    await proxy.attachAgain(before);
    expect((await readAll(before.path)).subarray(0, 8192).equals(Buffer.alloc(8192, 7))).toBe(true);
  });
});

describe.skipIf(!canLoop)('a hot-added disk as a block device', () => {
  it('is the snapshot to dd, qemu-img and blockdev, and lsblk shows its size', async () => {
    await using proxy = await serveProxy(['--guest', 'loop']);
    const [disk] = await proxy.attach('ide0');
    if (disk === undefined) throw new Error('not attached');
    const device = realpathSync(disk.path);
    expect(device).toMatch(/^\/dev\/loop\d+$/);
    const image = join(folder, 'snapshot.raw');
    writeFileSync(image, disk.content);
    expect((await readAll(disk.path)).equals(disk.content)).toBe(true);
    expect(await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', disk.path, image)).toBe(
      'Images are identical.',
    );
    expect(await run('blockdev', '--getsize64', disk.path)).toBe(String(disk.content.length));
    expect(await run('lsblk', '--noheadings', '--bytes', '--output', 'SIZE', device)).toBe(
      String(disk.content.length),
    );
    await proxy.detach(disk);
    expect(readdirSync(join(proxy.root, 'dev'))).toEqual(['disk']);
    expect(await loopDevices()).not.toContain(device);
    expect(await traces(proxy)).toEqual([]);
  });

  it('shows its serial in lsblk, and takes it along', async () => {
    await using proxy = await serveProxy(['--guest', 'loop']);
    const [disk] = await proxy.attach('ide1');
    if (disk === undefined) throw new Error('not attached');
    const line = await run('lsblk', '--noheadings', '--output', 'SERIAL', realpathSync(disk.path));
    expect(line).toBe(disk.serial);
    const device = realpathSync(disk.path);
    await proxy.detach(disk);
    expect(await run('lsblk', '--noheadings', '--all', '--output', 'NAME,SERIAL', device)).not.toContain(
      disk.serial,
    );
  });

  it('takes what dd writes, to the end', async () => {
    await using proxy = await serveProxy(['--guest', 'loop']);
    const disk = await proxy.attachLive('ide1');
    const changed = Buffer.from(disk.content)
      .fill(0x5a, 4096, 12_288)
      .fill(0x11, disk.content.length - 512);
    const image = join(folder, 'loop.raw');
    writeFileSync(image, changed);
    await run('dd', `if=${image}`, `of=${disk.path}`, 'bs=64k', 'conv=notrunc');
    await proxy.detach(disk);
    expect((await proxy.liveBytes('ide1')).equals(changed)).toBe(true);
  });
});

describe.skipIf(!canLoop)('a device that a program holds open', () => {
  it.each(['fuse', 'loop'])('%s: is taken away all the same, and reading it fails', async (level) => {
    await using proxy = await serveProxy(['--guest', level]);
    const [disk] = await proxy.attach('ide0');
    if (disk === undefined) throw new Error('not attached');
    const file = await open(disk.path, 'r');
    await file.read(Buffer.alloc(4096), 0, 4096, 0);
    await proxy.detach(disk);
    await expect(file.read(Buffer.alloc(4096), 0, 4096, 8 * MIB)).rejects.toThrow(
      /EIO|ENOTCONN|ECONNABORTED/,
    );
    // Of a mount that is gone even the close says so.
    await file.close().catch(() => undefined);
    expect(existsSync(disk.path)).toBe(false);
    expect(await traces(proxy)).toEqual([]);
  });
});

describe.skipIf(!canLoop)('a proxy that is powered off', () => {
  it.each(['fuse', 'loop'])('%s: loses all devices at once, and its folder', async (level) => {
    await using proxy = await serveProxy(['--guest', level]);
    const disks = await proxy.attach('ide0', 'ide1');
    expect((await traces(proxy)).length).toBeGreaterThanOrEqual(disks.length);
    await proxy.powerOff();
    await expect.poll(() => existsSync(proxy.root), { timeout: 20_000 }).toBe(false);
    expect(await traces(proxy)).toEqual([]);
  });
});

describe.skipIf(!canLoop)('a simulator that ends', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('at %s leaves no mount, loop device or folder', async (signal) => {
    await using proxy = await serveProxy(['--guest', 'loop']);
    await proxy.attach('ide0');
    expect((await traces(proxy)).length).toBeGreaterThan(0);
    expect(await proxy.serve.stop(signal)).toBe(0);
    expect(await traces(proxy)).toEqual([]);
    expect(() => statSync(proxy.serve.guestDir)).toThrow('ENOENT');
  });

  it('by SIGKILL leaves what the next one cleans up', async () => {
    await using dead = await serveProxy(['--guest', 'loop']);
    const [disk] = await dead.attach('ide0');
    const device = realpathSync(disk?.path ?? '');
    await dead.serve.stop('SIGKILL');
    expect((await traces(dead)).length).toBeGreaterThan(0);
    await using next = await serveProxy(['--guest', 'socket']);
    expect(await loopDevices()).not.toContain(device);
    expect(await traces(dead)).toEqual([]);
    expect(() => statSync(dead.serve.guestDir)).toThrow('ENOENT');
    expect(statSync(next.serve.guestDir).isDirectory()).toBe(true);
  });
});
