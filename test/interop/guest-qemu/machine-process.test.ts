/** QEMU as a process: it ends with its owner, and what it says reaches the user. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requirePeers } from '../peers.ts';
import { needQemu, openQemuRig, PROXY } from './qemu-rig.ts';

describe.skipIf(!needQemu())('the process of a machine', () => {
  it.skipIf(!requirePeers(['setpriv']).available)('ends when its owner is killed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'backlot-killed-'));
    const owner = spawn(process.execPath, [join(import.meta.dirname, 'killed-owner.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: folder },
    });
    const [said] = (await once(owner.stdout, 'data')) as [Buffer];
    const machine = said.toString().trim();
    expect(machine).toMatch(/^\d+$/);
    expect(existsSync(`/proc/${machine}`)).toBe(true);
    owner.kill('SIGKILL');
    await expect.poll(() => existsSync(`/proc/${machine}`), { timeout: 20_000 }).toBe(false);
    rmSync(folder, { recursive: true });
  });

  it("says in QEMU's own words why it does not start", async () => {
    const refused = openQemuRig({ machine: { memoryMb: 1_000_000_000 } });
    await expect(refused).rejects.toThrow(/^qemu-system-x86_64 has ended \(1\): .*memory/s);
  });

  it('boots when the saved state of an earlier one is of no use', async () => {
    const cacheFolder = mkdtempSync(join(tmpdir(), 'backlot-state-'));
    try {
      await using rig = await openQemuRig({ machine: { cacheFolder } });
      const [state = ''] = readdirSync(cacheFolder).filter((name) => name.endsWith('.state'));
      writeFileSync(join(cacheFolder, state), 'no state of a machine');
      const agent = await rig.agent();
      expect(await agent.devices(new AbortController().signal)).toEqual([]);
      expect(existsSync(join(cacheFolder, state))).toBe(false);
    } finally {
      rmSync(cacheFolder, { recursive: true });
    }
  });

  it('runs commands for the platform, and reaches this machine over its network', async () => {
    const web = createServer((_, response) => response.end('the platform\n')).listen(0, '127.0.0.1');
    await once(web, 'listening');
    const { port } = web.address() as AddressInfo;
    await using rig = await openQemuRig({ machine: { hasNetwork: true } });
    const { world } = rig.hosted;
    const command = `wget -q -O - http://10.0.2.2:${port}/; cat /proc/version; exit 3`;
    const { taskId } = world.guest.exec(PROXY, command, 30, 'me');
    await rig.finished(taskId);
    const result = world.guest.execResult(taskId);
    expect(result?.output).toMatch(/^the platform\nLinux version .*Debian/);
    expect(result?.exitCode).toBe(3);
    web.close();
  });
});
