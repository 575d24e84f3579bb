import { describe, expect, it } from 'vitest';
import type { BaseImage } from '../../../simulator/store/base-image.ts';
import { recogniseBlock } from '../../../simulator/store/tiles.ts';
import { codeOf } from './refusal.ts';
import {
  DISK,
  GRAIN,
  SERVER,
  type SmallWorld,
  emptyDisk,
  finish,
  serverSpec,
  smallWorld,
} from './small-world.ts';

const MANY = 10_000;

function synthetic(allocatedRatio: number, runBytes: number, sizeBytes = MANY * GRAIN): SmallWorld {
  const content = { kind: 'synthetic', allocatedRatio, runBytes } as const;
  return smallWorld([serverSpec({ disks: [emptyDisk(DISK, sizeBytes, { content })] })]);
}

async function day(): Promise<string> {
  const small = synthetic(0.5, 4 * GRAIN);
  const { world } = small;
  await finish(small, world.cbt.set(SERVER, 'enable', undefined, 'me'));
  await finish(small, world.snapshots.create(SERVER, { name: 's', description: '' }, 'me'));
  await world.guest.write(SERVER, DISK, 9, Buffer.from('x'));
  const request = { serverId: SERVER, type: 'backup', lockTimeSeconds: 60 } as const;
  world.backupResources.create(request, 'me');
  await small.clock.advanceBy(600_000);
  return small.journal.hash();
}

describe('a world', () => {
  it('tells the same story twice, byte for byte', async () => {
    expect(await day()).toBe(await day());
  });

  it.each([0, 0.1, 0.5, 0.97, 1])('fills the share %d of a synthetic disk', (ratio) => {
    for (const runBytes of [GRAIN / 4, 8 * GRAIN]) {
      const { world } = synthetic(ratio, runBytes);
      const share = (world.servers.get(SERVER).disks[0]?.allocatedBytes ?? 0) / (MANY * GRAIN);
      expect(Math.abs(share - ratio)).toBeLessThan(0.1);
    }
  });

  it('keeps the beginning of a huge synthetic disk cheap', () => {
    const { world } = synthetic(0.5, GRAIN, 2 ** 46);
    const share = (world.servers.get(SERVER).disks[0]?.allocatedBytes ?? 0) / 2 ** 46;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.02);
  });

  it('refuses to offer its exports over TLS only where it offers no TLS', () => {
    const settings = { isTlsRequired: true, isTlsOffered: false };
    expect(() => smallWorld(undefined, { settings })).toThrow(
      new RangeError('exports can be had over TLS only where TLS is offered'),
    );
  });

  it('gives every disk a seed of its own', async () => {
    const content = { kind: 'synthetic', allocatedRatio: 1, runBytes: GRAIN } as const;
    const disks = ['ide0', 'ide1'].map((deviceId) => emptyDisk(deviceId, GRAIN, { content }));
    const { guest } = smallWorld([serverSpec({ disks })]).world;
    const seedOf = async (deviceId: string) =>
      recogniseBlock(await guest.read(SERVER, deviceId, 0, GRAIN))?.seed;
    expect(await seedOf('ide0')).toBeTypeOf('number');
    expect(await seedOf('ide0')).not.toBe(await seedOf('ide1'));
  });

  it('puts disks over images that somebody else opens', async () => {
    const content = { kind: 'image', file: 'disk.raw' } as const;
    const servers = [serverSpec({ disks: [emptyDisk(DISK, 2 * GRAIN, { content })] })];
    const opened: string[] = [];
    const baseImages = (file: string): BaseImage => {
      opened.push(file);
      const read = (_: number, length: number) => new Uint8Array(length).fill(7);
      return { sizeBytes: 2 * GRAIN, read, isHole: (block) => block === 1 };
    };
    const { world } = smallWorld(servers, { baseImages });
    const read = await world.guest.read(SERVER, DISK, GRAIN - 1, 2);
    expect([...read, opened]).toEqual([7, 0, ['disk.raw']]);
    expect(world.servers.get(SERVER).disks[0]?.allocatedBytes).toBe(GRAIN);
  });

  it('refuses an inventory that contradicts itself, by name', () => {
    expect(() => smallWorld([serverSpec({ hostId: 'host-x' })])).toThrow('host-x');
    expect(() => smallWorld([serverSpec({ disks: [emptyDisk(DISK, 1, { datastoreId: 'x' })] })])).toThrow(
      'x',
    );
    expect(() => smallWorld([serverSpec(), serverSpec()])).toThrow(SERVER);
  });

  it.each([500, 1000, 2 ** 21])('refuses a granularity of %d bytes', (granularityBytes) => {
    expect(() => smallWorld([], { settings: { granularityBytes } })).toThrow('granularityBytes');
  });

  it('keeps the other durations when one is given', () => {
    const settings = { taskMs: { start: 7 } as never };
    const { world } = smallWorld([], { settings });
    expect([world.settings.taskMs.start, world.settings.taskMs['cbt.set']]).toEqual([7, 500]);
  });

  it('stands still once it is closed, and cuts what is connected', async () => {
    const small = smallWorld([serverSpec({ isRunning: false })]);
    const request = { serverId: SERVER, type: 'restore', lockTimeSeconds: 60 } as const;
    const made = small.world.backupResources.create(request, 'me');
    await finish(small, made);
    const cuts: string[] = [];
    const cut = (why: string): number => cuts.push(why);
    small.world.exports.open(`${made.resourceId}/${DISK}`, { id: 1, isTls: false, cut });
    small.world.close();
    expect(cuts).toHaveLength(1);
    expect(small.clock.nextTimerMs()).toBeUndefined();
  });

  it('knows its hosts and datastores', () => {
    const { world, journal } = smallWorld();
    world.setHostOnline('host-a', false);
    world.setHostOnline('host-a', false);
    expect(world.hosts.map((host) => host.isOnline)).toEqual([false, true, true]);
    expect(journal.entries).toHaveLength(1);
    expect(codeOf(() => world.setHostOnline('host-x', true))).toBe('NOT_FOUND');
    expect(codeOf(() => world.setDatastoreOnline('store-x', true))).toBe('NOT_FOUND');
  });
});
