/** The way into the guests of proxies as an engine gets it: it ends with the engine's process. */
import type { ConnectProxy, OpenDisk, ProxyAgent } from '../../src/engine/proxy-agent.ts';
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
    open: (name, options) => power.gate(async () => gateDisk(await agent.open(name, options), power)),
    close() {
      forget();
      return power.gate(() => agent.close());
    },
  };
}

function gateDisk(disk: OpenDisk, power: KillSwitch): OpenDisk {
  return {
    info: disk.info,
    get reconnects() {
      return disk.reconnects;
    },
    read: (...range) => power.gate(() => disk.read(...range)),
    write: (...change) => power.gate(() => disk.write(...change)),
    writeZeroes: (...change) => power.gate(() => disk.writeZeroes(...change)),
    flush: (...how) => power.gate(() => disk.flush(...how)),
    blockStatus: (...query) => power.gate(() => disk.blockStatus(...query)),
    close: () => power.gate(() => disk.close()),
  };
}
