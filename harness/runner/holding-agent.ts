/** A way into guests outside of this process, during whose work a clock is held. */
import type { ConnectProxy, OpenDisk, ProxyAgent } from '../../src/engine/proxy-agent.ts';
import { type Clock, whileHolding } from '../../src/kernel/clock.ts';

export function holdWhileAsked(connect: ConnectProxy, clock: Clock): ConnectProxy {
  return (proxy, signal) =>
    whileHolding(clock, async () => holdingAgent(await connect(proxy, signal), clock));
}

function holdingAgent(agent: ProxyAgent, clock: Clock): ProxyAgent {
  return {
    devices: (signal) => whileHolding(clock, () => agent.devices(signal)),
    open: (name, options) =>
      whileHolding(clock, async () => holdingDisk(await agent.open(name, options), clock)),
    close: () => whileHolding(clock, () => agent.close()),
  };
}

function holdingDisk(disk: OpenDisk, clock: Clock): OpenDisk {
  return {
    info: disk.info,
    get reconnects() {
      return disk.reconnects;
    },
    read: (...range) => whileHolding(clock, () => disk.read(...range)),
    write: (...change) => whileHolding(clock, () => disk.write(...change)),
    writeZeroes: (...change) => whileHolding(clock, () => disk.writeZeroes(...change)),
    flush: (...how) => whileHolding(clock, () => disk.flush(...how)),
    blockStatus: (...query) => whileHolding(clock, () => disk.blockStatus(...query)),
    close: () => whileHolding(clock, () => disk.close()),
  };
}
