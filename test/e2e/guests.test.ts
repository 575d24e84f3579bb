/** The guests of a served simulator, from other processes. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AgentLost, DeviceGone } from '../../src/engine/proxy-agent.ts';
import { connectGuestFolder } from '../../src/runtime/guest-folder-agent.ts';
import { createWallClock } from '../../src/runtime/wall-clock.ts';
import { backlot, startServe } from './serve-process.ts';
import { DISKS, serveProxy } from './served-proxy.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-guests-e2e-'));
afterAll(() => rmSync(folder, { recursive: true }));
const { signal } = new AbortController();
const proxy = { id: 'any', name: 'backup-proxy-1' };

describe('backlot serve', () => {
  it('shows hot-added disks as sockets in the guest folder, with the bytes of the snapshot', async () => {
    await using served = await serveProxy([]);
    expect(served.serve.ready.guest).toBe('socket');
    const agent = await connectGuestFolder({ folder: served.serve.guestDir, clock: createWallClock() })(
      proxy,
      signal,
    );
    expect(await agent.devices(signal)).toEqual([]);
    const [first, second] = await served.attach('ide0', 'ide1');
    if (first === undefined || second === undefined) throw new Error('not attached');
    expect(statSync(first.path).isSocket()).toBe(true);
    const devices = await agent.devices(signal);
    expect(devices.map(({ serial, sizeBytes }) => ({ serial, sizeBytes }))).toEqual(
      expect.arrayContaining([
        { serial: first.serial, sizeBytes: DISKS.ide0 },
        { serial: second.serial, sizeBytes: DISKS.ide1 },
      ]),
    );
    const name = devices.find(({ serial }) => serial === first.serial)?.name ?? '';
    const disk = await agent.open(name, { write: false, signal });
    expect((await disk.read(0, DISKS.ide0)).equals(first.content)).toBe(true);
    await served.detach(first, second);
    await expect(disk.read(0, 512)).rejects.toBeInstanceOf(DeviceGone);
    await agent.close();
  });

  it('tells by the control interface where each device is', async () => {
    await using served = await serveProxy(['--guest-dir', join(folder, 'mine')]);
    const [disk] = await served.attach('ide1');
    const answer = await fetch(`${served.serve.ready.control}/_backlot/v1/worlds/default/guests`);
    expect(await answer.json()).toEqual([
      expect.objectContaining({
        name: proxy.name,
        folder: join(folder, 'mine', proxy.name),
        devices: [expect.objectContaining({ name: 'vdb', path: disk?.path, diskId: disk?.id })],
      }),
    ]);
    expect(disk?.path.startsWith(join(folder, 'mine'))).toBe(true);
  });

  it('leaves the guests of another simulator alone', async () => {
    await using first = await serveProxy([]);
    const [disk] = await first.attach('ide1');
    await using _second = await serveProxy([]);
    const connect = connectGuestFolder({ folder: first.serve.guestDir, clock: createWallClock() });
    const agent = await connect(proxy, signal);
    const opened = await agent.open('vdb', { write: false, signal });
    expect((await opened.read(0, DISKS.ide1)).equals(disk?.content ?? Buffer.alloc(0))).toBe(true);
    await agent.close();
  });

  it('keeps the guests of a second world apart', async () => {
    await using served = await serveProxy([]);
    await served.serve.control('/worlds', { id: 'second', preset: 'tiny' });
    const second = join(served.serve.guestDir, '.worlds/second');
    expect(readdirSync(second).filter((name) => name !== '.backlot').length).toBeGreaterThan(0);
    const gone = await fetch(`${served.serve.ready.control}/_backlot/v1/worlds/second`, { method: 'DELETE' });
    expect(gone.ok).toBe(true);
    expect(existsSync(second)).toBe(false);
    const connect = connectGuestFolder({ folder: second, clock: createWallClock() });
    await expect(connect(proxy, signal)).rejects.toBeInstanceOf(AgentLost);
  });

  it('leaves nothing in a folder that it was given, and takes one that a killed process left', async () => {
    const mine = join(folder, 'killed');
    const dead = await startServe(['--guest-dir', mine]);
    await dead.stop('SIGKILL');
    expect(readdirSync(mine)).not.toEqual([]);
    const next = await startServe(['--guest-dir', mine]);
    expect(await next.stop('SIGINT')).toBe(0);
    expect(readdirSync(mine)).toEqual([]);
  });
});

describe('backlot serve refuses', () => {
  it('a folder that another one uses', async () => {
    const mine = join(folder, 'used');
    const first = await startServe(['--guest-dir', mine]);
    const { code, stderr } = await backlot(['serve', '--json', '--guest-dir', mine]);
    await first.stop();
    expect(stderr).toContain(`belongs to process ${first.pid}, which is running`);
    expect(code).toBe(3);
  });

  it('a folder with somebody’s files, which stay', async () => {
    const theirs = mkdtempSync(join(folder, 'theirs-'));
    writeFileSync(join(theirs, 'thesis.txt'), 'all of it');
    const { code, stderr } = await backlot(['serve', '--json', '--guest-dir', theirs]);
    expect(stderr).toContain('is not empty');
    expect(code).toBe(3);
    expect(existsSync(join(theirs, 'thesis.txt'))).toBe(true);
  });

  it('a level whose program is missing, and says what to install', async () => {
    const { code, stderr } = await backlot(['serve', '--json', '--guest', 'fuse'], { PATH: '/nonexistent' });
    expect(stderr).toContain('nbdfuse is not installed');
    expect(stderr).toContain('apt-get install libnbd-bin fuse3');
    expect(code).toBe(3);
  });

  it('a level that does not exist', async () => {
    const { code, stderr } = await backlot(['serve', '--guest', 'floppy']);
    expect(stderr).toContain('It must be one of socket, fuse, loop, qemu.');
    expect(code).toBe(2);
  });
});
