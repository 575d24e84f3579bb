import { describe, expect, it } from 'vitest';
import type { DeviceMirror } from '../../../simulator/guest/guest-api.ts';
import { AgentLost, DeviceGone } from '../../../src/engine/proxy-agent.ts';
import { createGuestRig, GRAIN, PROXY, SERVER } from './guest-rig.ts';

const HEAD = Buffer.alloc(16, 'disk 0 ');

describe('disks that are hot-added to a proxy', () => {
  it('appear after its own ones, in the order of the call, named by the beginning of their ids', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide1', 'ide0');
    expect(await rig.devices()).toEqual([
      { name: 'vdb', serial: rig.uuid('ide1').slice(0, 20), sizeBytes: 8 * GRAIN, isReadOnly: false },
      { name: 'vdc', serial: rig.uuid('ide0').slice(0, 20), sizeBytes: 16 * GRAIN, isReadOnly: false },
    ]);
  });

  it('give the bytes of the snapshot, not of the live disk', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    await rig.hosted.world.guest.write(SERVER, 'ide0', GRAIN, Buffer.alloc(16, 'later'));
    const disk = await rig.open('vdb');
    expect(await rig.run(disk.read(GRAIN, 16))).toEqual(HEAD);
    expect(await rig.run(disk.read(0, GRAIN))).toEqual(Buffer.alloc(GRAIN));
  });

  it('take writes of the guest without touching the snapshot', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    await rig.run(disk.write(GRAIN, Buffer.alloc(16, 'guest')));
    expect(await rig.run(disk.read(GRAIN, 16))).toEqual(Buffer.alloc(16, 'guest'));
    await rig.taskEnd(rig.remove('ide0'));
    await rig.add('ide0');
    const again = await rig.open('vdb');
    expect(await rig.run(again.read(GRAIN, 16))).toEqual(HEAD);
  });

  it('are the server’s own disks when it is restored', async () => {
    await using rig = await createGuestRig();
    await rig.addLive('ide0');
    const disk = await rig.open('vdb');
    await rig.run(disk.write(5 * GRAIN, Buffer.from('restored')));
    await rig.run(disk.flush());
    expect(await rig.hosted.world.guest.read(SERVER, 'ide0', 5 * GRAIN, 8)).toEqual(Buffer.from('restored'));
  });

  it('have whole sectors where the disk ends within one, and zeros behind its end', async () => {
    await using rig = await createGuestRig({ oddBytes: 100 });
    await rig.add('ide1');
    expect(rig.shown()[0]?.sizeBytes).toBe(8 * GRAIN + 512);
    const disk = await rig.open('vdb');
    await rig.run(disk.write(8 * GRAIN, Buffer.alloc(512, 1)));
    const tail = await rig.run(disk.read(8 * GRAIN, 512));
    expect(tail).toEqual(Buffer.concat([Buffer.alloc(100, 1), Buffer.alloc(412)]));
  });

  it('take the lowest name that is free', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    await rig.add('ide1');
    await rig.taskEnd(rig.remove('ide0'));
    expect(rig.shown().map(({ name }) => name)).toEqual(['vdc']);
    await rig.add('ide0');
    expect(rig.shown().map(({ name, diskId }) => [name, diskId])).toEqual([
      ['vdc', rig.uuid('ide1')],
      ['vdb', rig.uuid('ide0')],
    ]);
  });

  it('are written to the journal as they come, as they are read, and as they go', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    await rig.run(disk.read(GRAIN, 16));
    await rig.run(disk.close());
    await rig.taskEnd(rig.remove('ide0'));
    const about = { server: PROXY, device: 'vdb', disk: rig.uuid('ide0') };
    const { serial } = { serial: rig.uuid('ide0').slice(0, 20) };
    expect(rig.guestEntries()).toMatchObject([
      { type: 'guest.device', ...about, change: 'appears', serial },
      { type: 'guest.io', ...about, command: 'READ', offset: GRAIN, length: 16, error: 0 },
      { type: 'guest.device', ...about, change: 'vanishes', serial },
    ]);
  });
});

describe('a device that goes', () => {
  it('breaks what a program had open, also by power-off, and is not opened again', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    await rig.taskEnd(rig.remove('ide0'));
    await expect(rig.run(disk.read(0, 16))).rejects.toBeInstanceOf(DeviceGone);
    await expect(rig.open('vdb')).rejects.toBeInstanceOf(DeviceGone);
  });

  it('does not come back under its name: a program keeps its device or none', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    await rig.taskEnd(rig.remove('ide0'));
    await rig.add('ide1');
    expect(rig.shown()[0]?.name).toBe('vdb');
    await expect(rig.run(disk.read(0, 16))).rejects.toBeInstanceOf(DeviceGone);
  });

  it('goes with the power of the proxy, and the agent with it', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    await rig.taskEnd(rig.hosted.world.servers.stop(PROXY, { force: true }, 'test'));
    expect(rig.shown()).toEqual([]);
    await expect(rig.run(disk.read(0, 16))).rejects.toBeInstanceOf(AgentLost);
    await expect(rig.devices()).rejects.toBeInstanceOf(AgentLost);
    expect(rig.guestEntries().at(-1)).toMatchObject({ change: 'vanishes', why: expect.any(String) });
  });

  it('goes with the backup resource', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    const disk = await rig.open('vdb');
    const [resource] = rig.hosted.world.backupResources.list();
    rig.hosted.world.backupResources.expireNow(resource?.id ?? '');
    await expect(rig.run(disk.read(0, 16))).rejects.toBeInstanceOf(DeviceGone);
    expect(rig.shown()).toEqual([]);
  });
});

describe('a mirror of the guests', () => {
  /** Writes down what it is told, each thing done only when the test says so. */
  function slowMirror(): { mirror: DeviceMirror; told: string[]; finish(): void } {
    const told: string[] = [];
    let finish = (): void => undefined;
    const later = (what: string) => {
      told.push(what);
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    };
    return {
      told,
      finish: () => finish(),
      mirror: {
        appear: (server, { name }) => later(`${server.name} ${name} appears`),
        vanish: (server, { name }, isForced) =>
          later(`${server.name} ${name} vanishes${isForced ? ' now' : ''}`),
      },
    };
  }
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  it('makes the guest wait for it, while virtual time stands still', async () => {
    await using rig = await createGuestRig();
    const { mirror, told, finish } = slowMirror();
    await rig.hosted.guests.mirror(mirror);
    const added = rig.add('ide0');
    while (told.length === 0) await turn();
    const beforeMs = rig.clock.now();
    await turn();
    expect(rig.clock.now()).toBe(beforeMs);
    expect(rig.shown()).toEqual([]);
    finish();
    await added;
    expect(rig.shown()).toHaveLength(1);
    expect(told).toEqual(['proxy-1 vdb appears']);
  });

  it('is waited for by a removal', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    const { mirror, finish } = slowMirror();
    const following = rig.hosted.guests.mirror(mirror);
    await turn();
    finish();
    await following;
    const { taskId } = rig.remove('ide0');
    const advanced = rig.clock.advanceBy(60_000);
    while (rig.hosted.world.tasks.get(taskId).progress < 50) await turn();
    expect(rig.hosted.world.tasks.get(taskId).endMs).toBeUndefined();
    finish();
    await advanced;
    expect(rig.hosted.world.tasks.get(taskId).status).toBe('finish');
  });

  it('is told of what was there before it', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    const { mirror, told, finish } = slowMirror();
    const following = rig.hosted.guests.mirror(mirror);
    await turn();
    finish();
    await following;
    expect(told).toEqual(['proxy-1 vdb appears']);
  });

  it('hides a device that it could not show', async () => {
    await using rig = await createGuestRig();
    await rig.hosted.guests.mirror({
      appear: () => Promise.reject(new Error('no more loop devices')),
      vanish: () => Promise.resolve(),
    });
    await rig.add('ide0');
    await rig.clock.advanceBy(10);
    expect(rig.shown()).toEqual([]);
    expect((await rig.taskEnd(rig.remove('ide0'))).status).toBe('finish');
  });

  it('makes the removal fail when it could not take the device away', async () => {
    await using rig = await createGuestRig();
    await rig.hosted.guests.mirror({
      appear: () => Promise.resolve(),
      vanish: () => Promise.reject(new Error('busy')),
    });
    await rig.add('ide0');
    await rig.clock.advanceBy(10);
    expect((await rig.taskEnd(rig.remove('ide0'))).status).toBe('failure');
    expect(rig.shown()).toHaveLength(1);
  });
});

describe('a command in the guest', () => {
  it.each([
    ['lsblk -n -b -o NAME,SIZE,RO /dev/vdb', 0, `vdb ${16 * GRAIN} 0\n`],
    ['blockdev --getsize64 /dev/vdb', 0, `${16 * GRAIN}\n`],
    ['echo "two  words" three', 0, 'two  words three\n'],
    ['true', 0, ''],
    ['false', 1, ''],
    ['dd if=/dev/vdb', 127, 'sh: 1: dd: not found\n'],
    ['cat /sys/block/vdx/serial', 1, 'cat: /sys/block/vdx/serial: No such file or directory\n'],
  ])('%s', async (command, exitCode, output) => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    const task = rig.hosted.world.guest.exec(PROXY, command, 10, 'test');
    expect((await rig.taskEnd(task)).status).toBe('finish');
    expect(rig.hosted.world.guest.execResult(task.taskId)).toEqual({ exitCode, output });
  });

  it('sees the serials, of its own disks too', async () => {
    await using rig = await createGuestRig();
    await rig.add('ide0');
    const task = rig.hosted.world.guest.exec(PROXY, 'ls /dev/disk/by-id', 10, 'test');
    await rig.taskEnd(task);
    const own = rig.hosted.world.servers.get(PROXY).disks[0]?.uuid ?? '';
    const links = [own, rig.uuid('ide0')].map((id) => `virtio-${id.slice(0, 20)}\n`).toSorted();
    expect(rig.hosted.world.guest.execResult(task.taskId)?.output).toBe(links.join(''));
  });
});
