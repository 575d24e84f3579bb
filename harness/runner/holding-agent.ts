/** A way into guests outside of this process, during whose work a clock is held. */
import { DiskWithin } from '../../src/engine/disk-within.ts';
import type { ConnectProxy, ProxyAgent } from '../../src/engine/proxy-agent.ts';
import { type Clock, whileHolding } from '../../src/kernel/clock.ts';

export function holdWhileAsked(connect: ConnectProxy, clock: Clock): ConnectProxy {
  return (proxy, signal) =>
    whileHolding(clock, async () => holdingAgent(await connect(proxy, signal), clock));
}

function holdingAgent(agent: ProxyAgent, clock: Clock): ProxyAgent {
  return {
    devices: (signal) => whileHolding(clock, () => agent.devices(signal)),
    open: (name, options) =>
      whileHolding(
        clock,
        async () => new DiskWithin(await agent.open(name, options), (work) => whileHolding(clock, work)),
      ),
    close: () => whileHolding(clock, () => agent.close()),
  };
}
