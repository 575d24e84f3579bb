import { describe, expect, test } from 'vitest';
import { listNbdExports, NbdError, NbdRefused } from '../../../src/nbd/index.ts';
import { MemoryDevice } from '../../nbd/memory-device.ts';
import { NbdWorld, type NbdWorldOptions } from '../../nbd/nbd-world.ts';
import { TestDirectory } from '../../nbd/test-directory.ts';

const KIB = 1024;
const MIB = 2 ** 20;

function createWorld(device: MemoryDevice, options: Partial<NbdWorldOptions> = {}): NbdWorld {
  return new NbdWorld({ directory: new TestDirectory({ disk: device }), ...options });
}

describe('client and server in one process', () => {
  test.each([false, true])('read what was written, with a device that answers later: %s', async (isAsync) => {
    const world = createWorld(new MemoryDevice({ sizeBytes: 8 * MIB, isAsync }));
    const client = await world.connect({ exportName: 'disk' });
    const data = Buffer.alloc(3 * MIB, 'backlot');
    await world.run(client.write(12345, data));
    expect((await world.run(client.read(12345, data.length))).equals(data)).toBe(true);
    expect((await world.run(client.read(0, 12345))).equals(Buffer.alloc(12345))).toBe(true);
  });

  test('move no time while nobody waits', async () => {
    const world = createWorld(new MemoryDevice({ sizeBytes: 8 * MIB }).fill(0, 8 * MIB, 1));
    const before = world.clock.now();
    const client = await world.connect({ exportName: 'disk', connections: 4 });
    await world.run(client.read(0, 8 * MIB));
    await world.run(client.close());
    await world.settled();
    expect(world.clock.now()).toBe(before);
    expect(world.clock.nextTimerMs()).toBeUndefined();
  });

  test('close with DISC, and the export is released', async () => {
    const world = createWorld(new MemoryDevice({ sizeBytes: MIB }));
    {
      await using client = await world.connect({ exportName: 'disk' });
      expect(world.directory.connections.size).toBe(1);
      expect(client.info.sizeBytes).toBe(MIB);
    }
    await world.settled();
    expect(world.log.at(-1)).toBe('1 closed: disconnect');
    expect(world.directory.connections.size).toBe(0);
  });

  test('describe the export', async () => {
    const world = createWorld(new MemoryDevice({ sizeBytes: MIB, isReadOnly: true, bitmaps: { cp: [] } }));
    const dirty = 'qemu:dirty-bitmap:cp';
    const client = await world.connect({
      exportName: 'disk',
      metaContexts: ['base:allocation', dirty, 'x-no:thing'],
    });
    expect(client.info).toMatchObject({
      sizeBytes: MIB,
      isReadOnly: true,
      minBlockBytes: 1,
      preferredBlockBytes: 65_536,
      maxBlockBytes: 32 * MIB,
      metaContexts: ['base:allocation', dirty],
    });
  });

  test('say the same twice', async () => {
    const runOnce = async (): Promise<string[]> => {
      const world = createWorld(new MemoryDevice({ sizeBytes: 8 * MIB }).fill(0, 8 * MIB, 1));
      const client = await world.connect({ exportName: 'disk', connections: 3 });
      await world.run(
        Promise.all([client.read(0, 4 * MIB), client.write(5 * MIB, Buffer.alloc(MIB)), client.flush()]),
      );
      await world.run(client.close());
      await world.settled();
      return world.log;
    };
    expect(await runOnce()).toEqual(await runOnce());
  });

  test('use as many connections as asked for, each only when there is work for it', async () => {
    const world = createWorld(new MemoryDevice({ sizeBytes: 8 * MIB }));
    const client = await world.connect({ exportName: 'disk', connections: 3 });
    await world.run(client.read(0, 512));
    expect(world.connections).toBe(1);
    await world.run(client.read(0, 8 * MIB));
    expect(world.connections).toBe(3);
  });

  test('keep no more requests in flight than asked for', async () => {
    const device = new MemoryDevice({ sizeBytes: 8 * MIB, isAsync: true }).fill(0, 8 * MIB, 1);
    const world = createWorld(device, { limits: { maxQueuedBytes: 2 ** 30 } });
    let underWay = 0;
    let most = 0;
    const read = device.read.bind(device);
    device.read = async (offset, length) => {
      most = Math.max(most, ++underWay);
      await new Promise<void>((resolve) => setImmediate(resolve));
      underWay--;
      return read(offset, length);
    };
    const client = await world.connect({ exportName: 'disk', inFlight: 5 });
    await world.run(client.read(0, 8 * MIB));
    expect(most).toBe(5);
  });

  test('report what the disk says', async () => {
    const device = new MemoryDevice({ sizeBytes: MIB });
    const world = createWorld(device);
    const client = await world.connect({ exportName: 'disk' });
    device.read = () => Promise.reject(Object.assign(new Error('?'), { code: 'EIO' }));
    device.write = () => Promise.reject(Object.assign(new Error('?'), { code: 'ENOSPC' }));
    device.blockStatus = () => [{ lengthBytes: MIB, flags: 0 }];
    await expect(world.run(client.read(0, MIB))).rejects.toMatchObject({
      name: 'NbdError',
      code: 'EIO',
      errno: 5,
    });
    await expect(world.run(client.write(0, Buffer.alloc(512)))).rejects.toMatchObject({ code: 'ENOSPC' });
    await world.run(client.flush());
  });

  test('refuse to write to a read-only export before anything is sent', async () => {
    const world = createWorld(new MemoryDevice({ sizeBytes: MIB, isReadOnly: true }));
    const client = await world.connect({ exportName: 'disk' });
    await expect(world.run(client.write(0, Buffer.alloc(1)))).rejects.toThrow(NbdError);
    await expect(world.run(client.trim(0, 1))).rejects.toThrow(NbdError);
    await expect(world.run(client.writeZeroes(0, 1))).rejects.toThrow(NbdError);
    expect(world.log.filter((line) => line.includes('request'))).toEqual([]);
  });

  test.each([
    [-1, 1],
    [0, MIB + 1],
    [MIB, 1],
    [0.5, 1],
    [0, Number.NaN],
  ])('refuse the range [%d, +%d)', async (offset, length) => {
    const world = createWorld(new MemoryDevice({ sizeBytes: MIB }));
    const client = await world.connect({ exportName: 'disk' });
    await expect(world.run(client.read(offset, length))).rejects.toThrow(RangeError);
  });

  test('read nothing at the very end', async () => {
    const world = createWorld(new MemoryDevice({ sizeBytes: MIB }));
    const client = await world.connect({ exportName: 'disk' });
    expect(await world.run(client.read(MIB, 0))).toHaveLength(0);
    expect(await world.run(client.blockStatus('base:allocation', MIB, 0))).toEqual([]);
  });

  test('cover a range with extents of either context, merged', async () => {
    const device = new MemoryDevice({ sizeBytes: MIB, bitmaps: { cp: [1, 2, 9] } }).fill(
      64 * KIB,
      64 * KIB,
      1,
    );
    const world = createWorld(device, { limits: { maxExtents: 1 } });
    const dirty = 'qemu:dirty-bitmap:cp';
    const client = await world.connect({ exportName: 'disk', metaContexts: ['base:allocation', dirty] });
    expect(await world.run(client.blockStatus('base:allocation', 1000, MIB - 1000))).toEqual([
      { offset: 1000, length: 64 * KIB - 1000, flags: 3 },
      { offset: 64 * KIB, length: 64 * KIB, flags: 0 },
      { offset: 128 * KIB, length: MIB - 128 * KIB, flags: 3 },
    ]);
    expect(await world.run(client.blockStatus(dirty, 0, 40 * KIB))).toEqual([
      { offset: 0, length: 4096, flags: 0 },
      { offset: 4096, length: 8192, flags: 1 },
      { offset: 12_288, length: 24_576, flags: 0 },
      { offset: 36_864, length: 4096, flags: 1 },
    ]);
    await expect(world.run(client.blockStatus('x-no:thing', 0, 1))).rejects.toThrow(RangeError);
  });

  test('make holes by trim and zeros with or without room', async () => {
    const world = createWorld(new MemoryDevice({ sizeBytes: MIB }).fill(0, MIB, 1));
    const client = await world.connect({ exportName: 'disk' });
    await world.run(client.trim(0, 8 * KIB));
    await world.run(client.writeZeroes(8 * KIB, 8 * KIB));
    await world.run(client.writeZeroes(16 * KIB, 8 * KIB, { noHole: true }));
    expect(await world.run(client.blockStatus('base:allocation', 0, 32 * KIB))).toEqual([
      { offset: 0, length: 16 * KIB, flags: 3 },
      { offset: 16 * KIB, length: 8 * KIB, flags: 2 },
      { offset: 24 * KIB, length: 8 * KIB, flags: 0 },
    ]);
  });

  test('flush by FUA', async () => {
    const device = new MemoryDevice({ sizeBytes: MIB });
    const world = createWorld(device);
    const client = await world.connect({ exportName: 'disk' });
    await world.run(client.write(0, Buffer.alloc(512)));
    expect(device.flushes).toBe(0);
    await world.run(client.write(0, Buffer.alloc(512), { fua: true }));
    expect(device.flushes).toBe(1);
  });

  test('list the exports and refuse an unknown one', async () => {
    const world = createWorld(new MemoryDevice({ sizeBytes: MIB }));
    expect(await world.run(listNbdExports({ dial: world.dial }, world.clock))).toEqual([
      { name: 'disk', description: 'disk disk' },
    ]);
    await expect(world.connect({ exportName: 'nobody' })).rejects.toThrow(NbdRefused);
    await world.settled();
    expect(world.log.filter((line) => line.includes('closed'))).toHaveLength(2);
  });
});
