import { describe, expect, it } from 'vitest';
import { AgentLink } from '../../../src/engine/agent-link.ts';
import { AgentLost, DeviceGone, type ProxyAgent } from '../../../src/engine/proxy-agent.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';

const NEVER = new AbortController().signal;

/** Agents by the order in which they are connected; the last one serves every further connection. */
function linkTo(...agents: Partial<ProxyAgent>[]) {
  const clock = new VirtualClock(0);
  const log: string[] = [];
  let connections = 0;
  const link = new AgentLink({
    clock,
    proxy: { id: 'p1', name: 'proxy-1' },
    patienceMs: 1000,
    connect: async () => {
      const number = ++connections;
      log.push(`connect ${number}`);
      return {
        devices: async () => [],
        open: async () => Promise.reject(new DeviceGone('no such device')),
        close: async () => void log.push(`close ${number}`),
        ...agents[Math.min(number, agents.length) - 1],
      };
    },
  });
  return { link, log, clock };
}

const lost = { devices: () => Promise.reject(new AgentLost('the agent is gone')) };

describe('the way into a guest', () => {
  it('is opened once, when it is needed', async () => {
    const { link, log } = linkTo({});
    expect(log).toEqual([]);
    expect(await link.devices(NEVER)).toEqual([]);
    await link.devices(NEVER);
    await link.close();
    await link.close();
    expect(log).toEqual(['connect 1', 'close 1']);
  });

  it('is opened anew after it was lost', async () => {
    const { link, log } = linkTo(lost, {});
    await expect(link.devices(NEVER)).rejects.toThrow(AgentLost);
    expect(await link.devices(NEVER)).toEqual([]);
    expect(log).toEqual(['connect 1', 'close 1', 'connect 2']);
  });

  it('stays open when only a device is gone', async () => {
    const { link, log } = linkTo({});
    await expect(link.open('vdb', { write: false, signal: NEVER })).rejects.toThrow(DeviceGone);
    expect(log).toEqual(['connect 1']);
  });

  it('counts as lost when no answer comes', async () => {
    const { link, log, clock } = linkTo({ devices: () => new Promise(() => {}) }, {});
    await expect(clock.run(link.devices(NEVER))).rejects.toThrow('proxy-1 has not answered for 1 s');
    expect(clock.now()).toBe(1000);
    await link.devices(NEVER);
    expect(log).toEqual(['connect 1', 'close 1', 'connect 2']);
  });

  it('is not waited for after an abort', async () => {
    const { link } = linkTo({ devices: () => new Promise(() => {}) });
    const abort = new AbortController();
    const asked = link.devices(abort.signal);
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });
});
