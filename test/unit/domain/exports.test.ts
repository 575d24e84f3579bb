import { describe, expect, it } from 'vitest';
import type { ExportConnection, ExportDevice, OpenExport } from '../../../simulator/nbd/export-device.ts';
import type { WorldSettings } from '../../../simulator/domain/world-api.ts';
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

const SIZE = 10 * GRAIN + 100;

function world(isRunning: boolean, settings: Partial<WorldSettings> = {}): SmallWorld {
  const disks = [emptyDisk(DISK, SIZE, { isCbtEnabled: true })];
  return smallWorld([serverSpec({ isRunning, disks })], { settings });
}

async function take(small: SmallWorld): Promise<{ id: string; checkpoint: number }> {
  const made = small.world.snapshots.create(SERVER, { name: 's', description: '' }, 'me');
  await finish(small, made);
  return { id: made.snapshotId, checkpoint: small.world.snapshots.get(SERVER, made.snapshotId).checkpointId };
}

async function lock(small: SmallWorld, type: 'backup' | 'restore', owner = 'me'): Promise<string> {
  const request = { serverId: SERVER, type, lockTimeSeconds: 60 } as const;
  const made = small.world.backupResources.create(request, owner);
  await finish(small, made);
  return made.resourceId;
}

function connection(cuts: string[] = [], isTls = false): ExportConnection {
  return { id: 1, isTls, cut: (why) => cuts.push(why) };
}

function open(small: SmallWorld, name: string, cuts: string[] = []): OpenExport {
  const opened = small.world.exports.open(name, connection(cuts));
  if (typeof opened === 'string') throw new Error(opened);
  return opened;
}

async function text(device: ExportDevice, offset: number, length: number): Promise<string> {
  return Buffer.concat(await device.read(offset, length)).toString();
}

describe('the exports of a world', () => {
  it('are named after resource and disk, while the resource runs', async () => {
    const small = world(true);
    await take(small);
    const { exports, backupResources } = small.world;
    const id = await lock(small, 'backup');
    expect(exports.list(false)).toEqual([{ name: `${id}/${DISK}`, description: 'erp-01 ide0, snapshot s' }]);
    expect(exports.find(`${id}/${DISK}`, false)).toMatchObject({ sizeBytes: SIZE, isReadOnly: true });
    for (const name of [`${id}/ide9`, id, `/${DISK}`, '', `x/${DISK}`])
      expect(exports.find(name, false)).toBe('unknown');
    backupResources.delete(id, 'me');
    expect(exports.find(`${id}/${DISK}`, false)).toBe('unknown');
    expect(exports.open(`${id}/${DISK}`, connection())).toBe('unknown');
    expect(exports.list(false)).toEqual([]);
  });

  it('are unknown while the resource is pending', async () => {
    const small = world(false);
    const request = { serverId: SERVER, type: 'restore', lockTimeSeconds: 60 } as const;
    const { resourceId } = small.world.backupResources.create(request, 'me');
    expect(small.world.exports.find(`${resourceId}/${DISK}`, false)).toBe('unknown');
  });

  it('are to be had over TLS only, when the world says so', async () => {
    const small = world(false, { isTlsRequired: true });
    const name = `${await lock(small, 'restore')}/${DISK}`;
    expect(small.world.exports.list(false)).toEqual([]);
    expect(small.world.exports.list(true)).toHaveLength(1);
    expect(small.world.exports.find(name, false)).toBe('tls-required');
    expect(small.world.exports.find('x/ide0', false)).toBe('unknown');
    expect(small.world.exports.open(name, connection([], true))).toBeTypeOf('object');
  });

  it('are cut at the deadline, each connection once, and refuse whatever comes later', async () => {
    const small = world(false);
    const id = await lock(small, 'restore');
    const cuts: string[] = [];
    const { device } = open(small, `${id}/${DISK}`, cuts);
    open(small, `${id}/${DISK}`, cuts).release();
    await small.clock.advanceBy(60_000);
    expect(cuts).toEqual(['lock_time is over']);
    expect(codeOf(() => device.read(0, 1))).toBe('RESOURCE_GONE');
    expect(codeOf(() => device.write(0, Buffer.from('late')))).toBe('RESOURCE_GONE');
    expect(codeOf(() => device.blockStatus('base:allocation', 0, 1, 1))).toBe('RESOURCE_GONE');
    expect(Buffer.from(await small.world.guest.read(SERVER, DISK, 0, 4)).equals(Buffer.alloc(4))).toBe(true);
  });
});

describe('the export of a snapshot', () => {
  it('serves the newest snapshot of the moment of creation, whatever comes later', async () => {
    const small = world(true);
    const { guest } = small.world;
    await guest.write(SERVER, DISK, 0, Buffer.from('one'));
    await take(small);
    await guest.write(SERVER, DISK, 0, Buffer.from('two'));
    await take(small);
    const { device } = open(small, `${await lock(small, 'backup')}/${DISK}`);
    await guest.write(SERVER, DISK, 0, Buffer.from('six'));
    await take(small);
    expect(await text(device, 0, 3)).toBe('two');
    expect(() => device.write(0, Buffer.from('x'))).toThrow('read-only');
  });

  it('keeps its snapshot from being deleted until the resource ends', async () => {
    const small = world(true);
    const { id } = await take(small);
    const resource = await lock(small, 'backup');
    expect(codeOf(() => small.world.snapshots.delete(SERVER, [id], 'me'))).toBe('SNAPSHOT_IN_USE');
    small.world.backupResources.delete(resource, 'me');
    expect(await finish(small, small.world.snapshots.delete(SERVER, [id], 'me'))).toMatchObject({
      status: 'finish',
    });
  });

  it('reports allocation and the changes since each older checkpoint', async () => {
    const small = world(true);
    const { guest } = small.world;
    guest.writeSynthetic(SERVER, DISK, 1, 2);
    const first = await take(small);
    await guest.zero(SERVER, DISK, 4 * GRAIN, GRAIN);
    guest.writeSynthetic(SERVER, DISK, 10, 1);
    const second = await take(small);
    guest.writeSynthetic(SERVER, DISK, 2, 1);
    await take(small);
    const { device } = open(small, `${await lock(small, 'backup')}/${DISK}`);
    const contexts = [first, second].map(({ checkpoint }) => `qemu:dirty-bitmap:${checkpoint}`);
    expect(device.metaContexts).toEqual(['base:allocation', ...contexts]);
    const status = (context: string, offset: number, length: number, most = 100): string =>
      device
        .blockStatus(context, offset, length, most)
        .map(({ lengthBytes, flags }) => `${lengthBytes}:${flags}`)
        .join(' ');
    const g = GRAIN;
    expect(status('base:allocation', 0, SIZE)).toBe(`${g}:3 ${2 * g}:0 ${g}:3 ${g}:2 ${5 * g}:3 100:0`);
    expect(status(contexts[0] ?? '', 0, SIZE)).toBe(`${2 * g}:0 ${g}:1 ${g}:0 ${g}:1 ${5 * g}:0 100:1`);
    expect(status(contexts[1] ?? '', 0, SIZE)).toBe(`${2 * g}:0 ${g}:1 ${7 * g + 100}:0`);
    expect(status('base:allocation', 2 * g - 5, g)).toBe(`${g}:0`);
    expect(status('base:allocation', 3 * g - 5, g)).toBe(`5:0 ${g - 5}:3`);
    expect(status('base:allocation', 0, SIZE, 2)).toBe(`${g}:3 ${2 * g}:0`);
    expect(status('base:allocation', 0, 3 * g, 2)).toBe(`${g}:3 ${2 * g}:0`);
  });

  it('offers no checkpoint of an expired history', async () => {
    const small = world(true);
    await take(small);
    await take(small);
    small.world.cbt.expire(SERVER, 'a fault');
    const { device } = open(small, `${await lock(small, 'backup')}/${DISK}`);
    expect(device.metaContexts).toEqual(['base:allocation']);
  });
});

describe('the export of a live disk', () => {
  it('writes, zeroes and trims what the server will see', async () => {
    const small = world(false);
    const id = await lock(small, 'restore');
    const { device } = open(small, `${id}/${DISK}`);
    expect(device).toMatchObject({ isReadOnly: false, sizeBytes: SIZE });
    await device.write(GRAIN - 2, Buffer.from('data'));
    await device.write(SIZE - 3, Buffer.from('end'));
    await device.zero(3 * GRAIN, GRAIN, false);
    await device.zero(4 * GRAIN, GRAIN, true);
    await device.trim(0, GRAIN);
    await device.flush();
    const read = Buffer.from(await small.world.guest.read(SERVER, DISK, 0, SIZE));
    expect(read.subarray(GRAIN - 2, GRAIN + 2).toString('latin1')).toBe('\0\0ta');
    expect(read.subarray(-3).toString()).toBe('end');
    const flags = device.blockStatus('base:allocation', 0, SIZE, 10).map((extent) => extent.flags);
    expect(flags).toEqual([3, 0, 3, 2, 3, 0]);
  });

  it('locks the server: no start, no snapshot, no deletion', async () => {
    const small = world(false);
    await lock(small, 'restore');
    const { servers, snapshots } = small.world;
    expect(codeOf(() => servers.start(SERVER, 'me'))).toBe('SERVER_LOCKED');
    expect(codeOf(() => servers.delete(SERVER, 'me'))).toBe('SERVER_LOCKED');
    expect(codeOf(() => snapshots.create(SERVER, { name: 'a', description: '' }, 'me'))).toBe(
      'SERVER_LOCKED',
    );
  });

  it('voids the checkpoints with its first write, not with its opening', async () => {
    const small = world(false);
    const base = await take(small);
    const query = { deviceId: DISK, snapshotId: base.id, checkpointId: base.checkpoint, startOffset: 0 };
    const { device } = open(small, `${await lock(small, 'restore')}/${DISK}`);
    expect(codeOf(() => small.world.cbt.changedAreas(SERVER, query))).toBe('no error');
    await device.write(0, Buffer.from('x'));
    expect(codeOf(() => small.world.cbt.changedAreas(SERVER, query))).toBe('CBT_EXPIRED');
  });
});

describe('a restore that ends before it is whole', () => {
  const ends: readonly [string, (small: SmallWorld, id: string) => unknown][] = [
    ['expires', (small) => small.clock.advanceBy(60_000)],
    ['is pre-empted', (small) => small.world.backupResources.preempt(SERVER)],
    ['loses its host', (small) => small.world.setHostOnline('host-a', false)],
    ['is deleted by somebody else', (small, id) => small.world.backupResources.delete(id, 'admin')],
  ];

  it.each(ends)('keeps the server off when it %s after a write', async (_, end) => {
    const small = world(false);
    const id = await lock(small, 'restore');
    await open(small, `${id}/${DISK}`).device.write(0, Buffer.from('x'));
    await end(small, id);
    expect(small.world.servers.get(SERVER).isRestoreIncomplete).toBe(true);
    expect(codeOf(() => small.world.servers.start(SERVER, 'me'))).toBe('RESTORE_INCOMPLETE');
  });

  it.each(ends)('leaves the server alone when it %s before any write', async (_, end) => {
    const small = world(false);
    const id = await lock(small, 'restore');
    open(small, `${id}/${DISK}`);
    await end(small, id);
    await small.clock.advanceBy(1_000);
    expect(codeOf(() => small.world.servers.start(SERVER, 'me'))).toBe('no error');
  });

  it('is made good by a restore that writes and is deleted by its owner in time', async () => {
    const small = world(false);
    const first = await lock(small, 'restore');
    await open(small, `${first}/${DISK}`).device.write(0, Buffer.from('x'));
    await small.clock.advanceBy(60_000);
    const idle = await lock(small, 'restore');
    small.world.backupResources.delete(idle, 'me');
    expect(small.world.servers.get(SERVER).isRestoreIncomplete).toBe(true);
    await small.clock.advanceBy(1_000);
    const second = await lock(small, 'restore');
    await open(small, `${second}/${DISK}`).device.write(0, Buffer.from('y'));
    await finish(small, small.world.backupResources.delete(second, 'me'));
    expect(small.world.servers.get(SERVER).isRestoreIncomplete).toBe(false);
    expect(codeOf(() => small.world.servers.start(SERVER, 'me'))).toBe('no error');
  });

  it('is made good by going back to a snapshot from before', async () => {
    const small = world(false);
    const before = await take(small);
    const id = await lock(small, 'restore');
    await open(small, `${id}/${DISK}`).device.write(0, Buffer.from('x'));
    await small.clock.advanceBy(60_000);
    const options = { backup: false, powerOn: true };
    await finish(small, small.world.snapshots.recover(SERVER, before.id, options, 'me'));
    expect(small.world.servers.get(SERVER)).toMatchObject({ isRestoreIncomplete: false, status: 'running' });
  });
});
