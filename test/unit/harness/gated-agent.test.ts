import { describe, expect, it } from 'vitest';
import { gateConnect } from '../../../harness/runner/gated-agent.ts';
import { holdWhileAsked } from '../../../harness/runner/holding-agent.ts';
import { KillSwitch } from '../../../harness/runner/kill-switch.ts';
import type { ConnectProxy, OpenDisk } from '../../../src/engine/proxy-agent.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { DISK_INFO } from '../engine/disk-info.ts';

const never = new AbortController().signal;
const PROXY = { id: 'p', name: 'proxy-1' };

/** Guests that answer after a few turns, and note what they are asked. */
function guests(): { connect: ConnectProxy; asked: string[] } {
  const asked: string[] = [];
  const answer = async <T>(what: string, value: T): Promise<T> => {
    asked.push(what);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return value;
  };
  const disk: OpenDisk = {
    info: DISK_INFO,
    reconnects: 0,
    read: (_offset, length) => answer('read', Buffer.alloc(length)),
    write: () => answer('write', undefined),
    writeZeroes: () => answer('zero', undefined),
    flush: () => answer('flush', undefined),
    blockStatus: () => answer('status', []),
    close: () => answer('close disk', undefined),
  };
  const connect: ConnectProxy = async () => ({
    devices: () => answer('devices', []),
    open: () => answer('open', disk),
    close: () => answer('close', undefined),
  });
  return { connect, asked };
}

async function openDisk(connect: ConnectProxy): Promise<OpenDisk> {
  const agent = await connect(PROXY, never);
  return agent.open('vdb', { write: true, signal: never });
}

describe('way into a guest behind a kill switch', () => {
  it('passes everything through while the process lives', async () => {
    const { connect, asked } = guests();
    const disk = await openDisk(gateConnect(connect, new KillSwitch()));
    expect(await disk.read(0, 4)).toHaveLength(4);
    await disk.flush();
    expect(asked).toEqual(['open', 'read', 'flush']);
  });

  it('closes at the kill, answers nothing any more and asks for nothing', async () => {
    const { connect, asked } = guests();
    const power = new KillSwitch();
    const disk = await openDisk(gateConnect(connect, power));
    const settled: string[] = [];
    void disk.read(0, 4).then(() => settled.push('read'));
    power.kill();
    void disk.write(0, new Uint8Array(4)).then(() => settled.push('write'));
    for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([settled, asked]).toEqual([[], ['open', 'read', 'close']]);
  });
});

describe('way into a guest outside of the process', () => {
  it('holds the clock during every question', async () => {
    const { connect } = guests();
    const clock = new VirtualClock(0);
    const held = holdWhileAsked(connect, clock);
    const work = async (): Promise<number> => {
      const agent = await held(PROXY, never);
      await agent.devices(never);
      const disk = await agent.open('vdb', { write: true, signal: never });
      await disk.read(0, 4);
      await disk.write(0, new Uint8Array(4));
      await disk.writeZeroes(0, 4);
      await disk.flush();
      await disk.blockStatus('base:allocation', 0, 4);
      await disk.close();
      await agent.close();
      return clock.now();
    };
    // Were time to move, it would be here.
    clock.setTimer(1000, () => undefined);
    expect(await clock.run(work())).toBe(0);
  });
});
