/** Somebody's own disk as the proxy: here one sector that says on the serial port that it was booted. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AgentLost } from '../../../src/engine/proxy-agent.ts';
import { run } from '../../nbd/peer-process.ts';
import { requirePeers } from '../peers.ts';
import { needQemu, openQemuRig, PROXY, type QemuRig } from './qemu-rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-own-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

const GREETING = 'a vendor was here';

/**
 * Puts the text behind it out on the first serial port, byte by byte, and halts: xor ax,ax; mov ds,ax; mov si,text;
 * next: lodsb; or al,al; jz end; mov dx,3f8h; out dx,al; jmp next; end: hlt; jmp end.
 */
const CODE = Buffer.from('31c08ed8be157cac08c07406baf803eeebf5f4ebfd', 'hex');

function bootSector(): Buffer {
  const sector = Buffer.alloc(1024 * 1024);
  CODE.copy(sector);
  sector.write(`${GREETING}\0`, CODE.length);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

function consoleOf({ level }: QemuRig): string {
  const hidden = join(level.folder, '.backlot');
  const machines = readdirSync(hidden).filter((name) => name.startsWith('vm-'));
  return machines.map((name) => readFileSync(join(hidden, name, 'console.log'), 'utf8')).join('');
}

describe.skipIf(!needQemu())("a proxy with somebody's own image", () => {
  it('boots the disk while the proxy runs, and gets disks without an agent', async () => {
    const file = join(folder, 'proxy, raw.img');
    writeFileSync(file, bootSector());
    await using rig = await openQemuRig({ proxyImage: file, machine: { memoryMb: 128 } });
    await expect.poll(() => consoleOf(rig), { timeout: 60_000 }).toContain(GREETING);
    const lease = await rig.leaseForBackup();
    await rig.add(...lease.clones('ide0'));
    expect(rig.hosted.guests.devices(PROXY)).toHaveLength(1);
    await expect(rig.agent()).rejects.toThrow(AgentLost);
    await rig.powerOff(PROXY);
    await rig.settled();
    expect(await rig.machines()).toEqual([]);
    expect(readFileSync(file).equals(bootSector())).toBe(true);
  });

  it.skipIf(!requirePeers(['qemu-img']).available)('boots a qcow2 image as well', async () => {
    const raw = join(folder, 'proxy.raw');
    const file = join(folder, 'proxy.qcow2');
    writeFileSync(raw, bootSector());
    expect((await run('qemu-img', 'convert', '-O', 'qcow2', raw, file)).status).toBe(0);
    await using rig = await openQemuRig({ proxyImage: file, machine: { memoryMb: 128, hasNetwork: false } });
    await expect.poll(() => consoleOf(rig), { timeout: 60_000 }).toContain(GREETING);
  });

  it('is refused when the file cannot be read', async () => {
    await expect(openQemuRig({ proxyImage: join(folder, 'none.img') })).rejects.toThrow(/none\.img/);
  });
});
