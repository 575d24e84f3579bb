/** The way into the guests of proxies as an engine gets it: it ends with the engine's process. */
import { DiskWithin } from '../../src/engine/disk-within.ts';
import type { ConnectProxy, ProxyAgent } from '../../src/engine/proxy-agent.ts';
import type { KillSwitch } from './kill-switch.ts';

export function gateConnect(connect: ConnectProxy, power: KillSwitch): ConnectProxy {
  return (proxy, signal) =>
    power.gate(async () => {
      const agent = await connect(proxy, signal);
      const forget = power.onKill(() => void agent.close().catch(() => undefined));
      return gateAgent(agent, power, forget);
    });
}

function gateAgent(agent: ProxyAgent, power: KillSwitch, forget: () => void): ProxyAgent {
  return {
    devices: (signal) => power.gate(() => agent.devices(signal)),
    open: (name, options) =>
      power.gate(async () => new DiskWithin(await agent.open(name, options), (work) => power.gate(work))),
    close() {
      forget();
      return power.gate(() => agent.close());
    },
  };
}
