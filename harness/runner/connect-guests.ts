/**
 * The engine's way into the guests of a world in the same process: no sockets, no wall clock. What a guest folder or a
 * channel into a virtual machine is for engines outside.
 */
import { openNbdDevice } from '../../src/engine/nbd-device.ts';
import {
  AgentLost,
  type ConnectProxy,
  DeviceGone,
  type OpenDeviceOptions,
  type OpenDisk,
  type ProxyAddress,
} from '../../src/engine/proxy-agent.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';

type Hosted = Pick<HostedWorld, 'world' | 'guests'>;

export function connectGuests(hosted: Hosted): ConnectProxy {
  return async (proxy, signal) => {
    const look = (signal: AbortSignal): void => {
      signal.throwIfAborted();
      refuseOff(hosted, proxy);
    };
    look(signal);
    const opened = new Set<OpenDisk>();
    return {
      async devices(signal) {
        look(signal);
        // The id behind a device is the simulator's knowledge, not the guest's.
        return hosted.guests.devices(proxy.id).map(({ diskId: _diskId, ...device }) => device);
      },
      async open(name, options) {
        look(options.signal);
        const disk = await openDevice(hosted, proxy, name, options);
        opened.add(disk);
        return disk;
      },
      async close() {
        await Promise.all(Array.from(opened, (disk) => disk.close()));
      },
    };
  };
}

function openDevice(
  hosted: Hosted,
  proxy: ProxyAddress,
  name: string,
  { signal, requestTimeoutMs }: OpenDeviceOptions,
): Promise<OpenDisk> {
  const stream = hosted.guests.dial(proxy.id, name);
  if (stream === undefined) throw new DeviceGone(`${proxy.name} has no device ${name}`);
  return openNbdDevice({
    dial: async () => stream,
    clock: hosted.world.clock,
    signal,
    requestTimeoutMs,
    lost(cause) {
      const status = statusOf(hosted, proxy);
      if (status !== 'running') return new AgentLost(`${proxy.name} is ${status}`, { cause });
      return new DeviceGone(`${proxy.name} lost ${name}: ${cause.message}`, { cause });
    },
  });
}

/** @throws AgentLost */
function refuseOff(hosted: Hosted, proxy: ProxyAddress): void {
  const status = statusOf(hosted, proxy);
  if (status !== 'running') throw new AgentLost(`${proxy.name} is ${status}`);
}

function statusOf({ world }: Hosted, { id }: ProxyAddress): string {
  return world.servers.list().find((server) => server.id === id)?.status ?? 'deleted';
}
