/** An engine in a guest folder: over unix sockets of a simulator, over files, and where there is nothing. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenGuestLevel } from '../../../simulator/guest/levels/guest-level.ts';
import { openGuestLevel } from '../../../simulator/guest/levels/open-guest-level.ts';
import { AgentLost, DeviceGone, DeviceSilent, type ProxyAgent } from '../../../src/engine/proxy-agent.ts';
import { connectGuestFolder } from '../../../src/runtime/guest-folder-agent.ts';
import { createWallClock } from '../../../src/runtime/wall-clock.ts';
import { createGuestRig, GRAIN, type GuestRig, PROXY } from './guest-rig.ts';

const parent = mkdtempSync(join(tmpdir(), 'backlot-gf-'));
afterAll(() => rmSync(parent, { recursive: true }));
let count = 0;
const newFolder = (): string => {
  const folder = join(parent, `${++count}`);
  mkdirSync(folder);
  return folder;
};

const { signal } = new AbortController();
const wall = createWallClock();

/** The world's guests on sockets in a new folder, and an agent that knows the folder only. */
async function onSockets(
  rig: GuestRig,
): Promise<{ folder: string; level: OpenGuestLevel; agent: ProxyAgent; complaints: string[] }> {
  const folder = newFolder();
  const complaints: string[] = [];
  const level = await openGuestLevel('socket', {
    folder,
    world: rig.hosted.world,
    guests: rig.hosted.guests,
    wall,
    report: (line) => complaints.push(line),
  });
  const connect = connectGuestFolder({ folder, clock: rig.clock });
  const agent = await rig.run(connect({ id: PROXY, name: PROXY }, signal));
  return { folder, level, agent, complaints };
}

const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name);

describe('a guest folder with sockets', () => {
  it('shows what the guest shows, and reads and writes its bytes while virtual time stands still', async () => {
    await using rig = await createGuestRig();
    const { level, agent } = await onSockets(rig);
    await using _ = level;
    await rig.add('ide1', 'ide0');
    const devices = await rig.run(agent.devices(signal));
    const shown = rig.shown().map(({ diskId: _diskId, ...device }) => device);
    expect(devices.toSorted(byName)).toEqual(shown.toSorted(byName));
    const beforeMs = rig.clock.now();
    const disk = await rig.run(agent.open('vdc', { write: true, signal }));
    expect((await rig.run(disk.read(GRAIN, GRAIN))).subarray(0, 7)).toEqual(Buffer.from('disk 0 '));
    await rig.run(disk.write(0, Buffer.from('hello')));
    await rig.run(disk.flush());
    expect((await rig.run(disk.read(0, 5))).toString()).toBe('hello');
    expect(rig.clock.now()).toBe(beforeMs);
    await rig.run(agent.close());
  });

  it('tells a device that is late from one that is gone: it can be opened anew', async () => {
    await using rig = await createGuestRig();
    const { level, folder } = await onSockets(rig);
    await using _ = level;
    await rig.add('ide0');
    // The machine's own time: the world's stands still, so that the delay has no end.
    const agent = await connectGuestFolder({ folder, clock: wall })({ id: PROXY, name: PROXY }, signal);
    const late = await agent.open('vdb', { write: false, signal, requestTimeoutMs: 500 });
    rig.fault({ kind: 'delay', ms: 40_000, when: 'before' });
    await expect(late.read(GRAIN, 7)).rejects.toBeInstanceOf(DeviceSilent);
    expect(rig.fired()).toBe(1);
    const again = await agent.open('vdb', { write: false, signal });
    expect((await again.read(GRAIN, 7)).toString()).toBe('disk 0 ');
    await rig.taskEnd(rig.remove('ide0'));
    const gone: unknown = await again.read(0, 16).catch((error: unknown) => error);
    expect(gone).toBeInstanceOf(DeviceGone);
    expect(gone).not.toBeInstanceOf(DeviceSilent);
    await agent.close();
  });

  it('loses a device with the detach, and the folder of a proxy with its power', async () => {
    await using rig = await createGuestRig();
    const { folder, level, agent } = await onSockets(rig);
    await using _ = level;
    await rig.add('ide0');
    const disk = await rig.run(agent.open('vdb', { write: false, signal }));
    await rig.taskEnd(rig.remove('ide0'));
    await expect(rig.run(disk.read(0, 16))).rejects.toBeInstanceOf(DeviceGone);
    await expect(rig.run(agent.open('vdb', { write: false, signal }))).rejects.toBeInstanceOf(DeviceGone);
    expect(await rig.run(agent.devices(signal))).toEqual([]);
    await rig.taskEnd(rig.hosted.world.servers.stop(PROXY, { force: true }, 'test'));
    await level[Symbol.asyncDispose]();
    expect(readdirSync(folder)).toEqual(['.backlot']);
    await expect(rig.run(agent.devices(signal))).rejects.toBeInstanceOf(AgentLost);
  });

  it('links a serial to the device that came last, and keeps the link when the older one goes', async () => {
    await using rig = await createGuestRig();
    const { folder, level } = await onSockets(rig);
    await using _ = level;
    rig.fault({ kind: 'detach-early', ms: 60_000 });
    await rig.add('ide0');
    await rig.taskEnd(rig.remove('ide0'));
    await rig.add('ide0');
    await rig.clock.advanceBy(61_000);
    const byId = join(folder, PROXY, 'dev/disk/by-id');
    expect(readdirSync(byId)).toEqual([`virtio-${rig.uuid('ide0').slice(0, 20)}`]);
    expect(rig.shown().map(({ name }) => name)).toEqual(['vdc']);
  });

  it('shows a device without a serial under its name only', async () => {
    await using rig = await createGuestRig();
    const { level, agent } = await onSockets(rig);
    await using _ = level;
    rig.fault({ kind: 'device-serial', characters: 0 });
    await rig.add('ide0');
    expect(await rig.run(agent.devices(signal))).toEqual([
      { name: 'vdb', serial: '', sizeBytes: 16 * GRAIN, isReadOnly: false },
    ]);
  });

  it('says so when the path of a socket would be too long, and the device stays away', async () => {
    await using rig = await createGuestRig();
    const folder = join(newFolder(), 'x'.repeat(100));
    mkdirSync(folder);
    const complaints: string[] = [];
    await using _ = await openGuestLevel('socket', {
      folder,
      world: rig.hosted.world,
      guests: rig.hosted.guests,
      wall,
      report: (line) => complaints.push(line),
    });
    await rig.add('ide0');
    await rig.clock.advanceBy(10);
    expect(rig.shown()).toEqual([]);
    expect(complaints.join('\n')).toContain('too long for a unix socket');
  });
});

describe('a root with files for devices, as inside a proxy', () => {
  const root = newFolder();
  const connect = connectGuestFolder({ folder: root, clock: wall });
  let agent: ProxyAgent;
  beforeAll(async () => {
    mkdirSync(join(root, 'dev/disk/by-id'), { recursive: true });
    writeFileSync(join(root, 'dev/vdb'), Buffer.alloc(8192, 'bytes '));
    for (const name of ['virtio-SERIAL-1', 'virtio-SERIAL-1-part1', 'ata-OTHER'])
      symlinkSync('../../vdb', join(root, 'dev/disk/by-id', name));
    symlinkSync('../../vdz', join(root, 'dev/disk/by-id/virtio-DANGLING'));
    agent = await connect({ id: 'p', name: 'whatever' }, signal);
  });

  it('lists whole disks by the serials in their links', async () => {
    expect(await agent.devices(signal)).toEqual([
      { name: 'vdb', serial: 'SERIAL-1', sizeBytes: 8192, isReadOnly: false },
    ]);
  });

  it('reads, writes and zeroes any range, and has no extents', async () => {
    const disk = await agent.open('vdb', { write: true, signal });
    await disk.write(1000, Buffer.from('changed'));
    await disk.writeZeroes(6, 3);
    await disk.flush();
    expect((await disk.read(998, 11)).toString()).toBe('techanged b');
    expect(await disk.read(4, 6)).toEqual(
      Buffer.concat([Buffer.from('s '), Buffer.alloc(3), Buffer.from('e')]),
    );
    await expect(disk.blockStatus('base:allocation', 0, 512)).rejects.toThrow("can't be asked");
    await expect(disk.read(8000, 193)).rejects.toBeInstanceOf(RangeError);
    await disk.close();
  });

  it('takes a device that ends too early for one that is gone', async () => {
    const disk = await agent.open('vdb', { write: false, signal });
    truncateSync(join(root, 'dev/vdb'), 4096);
    await expect(disk.read(4096, 512)).rejects.toBeInstanceOf(DeviceGone);
    await disk.close();
  });

  it('knows no device of another name', async () => {
    await expect(agent.open('vdq', { write: false, signal })).rejects.toBeInstanceOf(DeviceGone);
  });
});

it('a folder without the proxy means that its guest is lost', async () => {
  const connect = connectGuestFolder({ folder: newFolder(), clock: wall });
  await expect(connect({ id: 'p', name: '../other' }, signal)).rejects.toBeInstanceOf(AgentLost);
});
