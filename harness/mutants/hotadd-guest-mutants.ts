/** Engines that trust a proxy's guest too much. */
import { guestDiskSerial } from '../../src/contract/assumed.ts';
import type {
  ConnectProxy,
  GuestBlockDevice,
  OpenDisk,
  ProxyAddress,
  ProxyAgent,
} from '../../src/engine/proxy-agent.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import type { HotAddedDisk } from '../../simulator/domain/hot-add-api.ts';
import type { Seams } from '../runner/seams.ts';
import { ignoringLostRaces } from './ignored-race.ts';
import type { Mutant } from './mutant.ts';

export const HOTADD_GUEST_MUTANTS: readonly Mutant[] = [
  {
    id: 'device-by-order',
    breaks: 'engine',
    title: 'takes the devices of a guest for its disks in the order in which they appeared',
    killers: ['S054-devices-in-another-order'],
    seams: () => ({ connectProxy: guessing((disks, _device, at) => disks[at]) }),
  },
  {
    id: 'device-by-name',
    breaks: 'engine',
    title: 'expects the disk of a slot under the name that the slot would have',
    killers: ['S054-devices-in-another-order'],
    seams: () => ({
      connectProxy: guessing((disks, { name }) => disks.find(({ slot }) => nameOfSlot(slot) === name)),
    }),
  },
  {
    id: 'race-error-ignored',
    breaks: 'engine',
    title: 'takes an add that lost the race for done, and the newest device for its disk',
    killers: ['S082-two-engines-race-for-one-proxy'],
    seams: () => {
      const believed = new Set<string>();
      return {
        transport: (inner, hosted) => ignoringLostRaces(inner, hosted, believed),
        connectProxy: (inner) =>
          withAgent(inner, (agent) => ({
            ...agent,
            devices: async (signal) => {
              const shown = await agent.devices(signal);
              const [missing] = [...believed].filter((id) =>
                shown.every(({ serial }) => serial !== guestDiskSerial(id)),
              );
              const newest = shown.length - 1;
              if (missing === undefined) return shown;
              return shown.map((device, at) =>
                at === newest ? { ...device, serial: guestDiskSerial(missing) } : device,
              );
            },
          })),
      };
    },
  },
  {
    id: 'vanished-device-reads-as-zeros',
    breaks: 'engine',
    title: 'takes what it can not read of a device that vanished for zeros',
    killers: ['S058-device-vanishes-in-mid-read'],
    seams: () => {
      const seen = new Map<string, GuestBlockDevice>();
      const first = new Map<string, Buffer>();
      return {
        connectProxy: (inner) =>
          withAgent(inner, (agent) => ({
            ...agent,
            devices: async (signal) => {
              for (const device of await agent.devices(signal)) seen.set(device.serial, device);
              return [...seen.values()];
            },
            open: async (name, options) => withZeros(await agent.open(name, options), first, name),
          })),
      };
    },
  },
];

/** Agents with `change` in their methods. */
function withAgent(
  inner: ConnectProxy,
  change: (agent: ProxyAgent, proxy: ProxyAddress) => ProxyAgent,
): ConnectProxy {
  return async (proxy, signal) => {
    const agent = await inner(proxy, signal);
    const plain: ProxyAgent = {
      devices: (until) => agent.devices(until),
      open: (name, options) => agent.open(name, options),
      close: () => agent.close(),
    };
    return change(plain, proxy);
  };
}

type Guess = (
  disks: readonly HotAddedDisk[],
  device: GuestBlockDevice,
  at: number,
) => HotAddedDisk | undefined;

/** Takes a device for the disk that `guess` says, whatever its serial. */
function guessing(guess: Guess): NonNullable<Seams['connectProxy']> {
  return (inner, hosted) =>
    withAgent(inner, (agent, proxy) => ({
      ...agent,
      devices: async (signal) => {
        const disks = attachedTo(hosted, proxy);
        const shown = await agent.devices(signal);
        return shown.map((device, at) => labelled(device, guess(disks, device, at)));
      },
    }));
}

/** In the order of the calls that attached them. */
function attachedTo({ world }: HostedWorld, proxy: ProxyAddress): HotAddedDisk[] {
  return [...world.hotAdd.list(proxy.id)];
}

function labelled(device: GuestBlockDevice, disk: HotAddedDisk | undefined): GuestBlockDevice {
  return { ...device, serial: disk === undefined ? '' : guestDiskSerial(disk.id) };
}

/** `virtio1` is `vdb`. */
function nameOfSlot(slot: string): string {
  const number = Number(/\d+$/.exec(slot)?.[0] ?? 0);
  return `vd${String.fromCodePoint('a'.charCodeAt(0) + number)}`;
}

/** The first sector, which the engine looks at again in the end, is still known from the beginning. */
function withZeros(disk: OpenDisk, first: Map<string, Buffer>, name: string): OpenDisk {
  const read: OpenDisk['read'] = async (offset, length, signal) => {
    try {
      const bytes = await disk.read(offset, length, signal);
      if (offset === 0) first.set(name, Buffer.from(bytes));
      return bytes;
    } catch {
      const known = offset === 0 ? first.get(name) : undefined;
      return known?.subarray(0, length) ?? Buffer.alloc(length);
    }
  };
  return new Proxy(disk, {
    get(target, key) {
      if (key === 'read') return read;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
