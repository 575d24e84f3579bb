/** QEMU as a process: it ends with its owner, and what it says reaches the user. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentLost } from '../../../src/engine/proxy-agent.ts';
import { requirePeers } from '../peers.ts';
import { needQemu, openQemuRig, PROXY } from './qemu-rig.ts';

describe.skipIf(!needQemu())('the process of a machine', () => {
  it.skipIf(!requirePeers(['setpriv']).available)('ends when its owner is killed', async () => {
    const owner = spawn(process.execPath, [join(import.meta.dirname, 'killed-owner.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(owner.stdout, 'data')) as [Buffer];
    const machine = said.toString().trim();
    expect(machine).toMatch(/^\d+$/);
    expect(existsSync(`/proc/${machine}`)).toBe(true);
    owner.kill('SIGKILL');
    await expect.poll(() => existsSync(`/proc/${machine}`), { timeout: 20_000 }).toBe(false);
  });

  it("says in QEMU's own words why it does not start", async () => {
    await using rig = await openQemuRig({ machine: { memoryMb: 1_000_000_000 } });
    await expect(rig.agent()).rejects.toThrow(AgentLost);
    expect(rig.reports.join()).toMatch(/^proxy-1: qemu-system-x86_64 has ended \(1\): .*memory/s);
  });

  it('runs commands for the platform', async () => {
    await using rig = await openQemuRig();
    const { world } = rig.hosted;
    const { taskId } = world.guest.exec(PROXY, 'echo to everyone; cat /proc/version; exit 3', 30, 'me');
    await rig.finished(taskId);
    const result = world.guest.execResult(taskId);
    expect(result?.exitCode).toBe(3);
    expect(result?.output).toMatch(/^to everyone\nLinux version .*Debian/);
  });
});
