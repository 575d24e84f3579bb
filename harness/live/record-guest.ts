/** Reads and writes of hot-added disks in the guest of a proxy, as the engine itself sees them, in a journal. */
import { guestDiskSerial } from '../../src/contract/assumed.ts';
import type { ConnectProxy, OpenDisk, ProxyAgent } from '../../src/engine/proxy-agent.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import { notedIo } from './noted-io.ts';

/** `disks` are the ids of those that were added, as of now: a device tells only the beginning of one. */
export function createRecordedGuests(
  connect: ConnectProxy,
  journal: Journal,
  disks: () => Iterable<string>,
): ConnectProxy {
  return async (proxy, signal) => {
    const agent = await connect(proxy, signal);
    const serials = new Map<string, string>();
    const recorded: ProxyAgent = {
      async devices(aborted) {
        const devices = await agent.devices(aborted);
        for (const { name, serial } of devices) serials.set(name, serial);
        return devices;
      },
      async open(name, options) {
        const opened = await agent.open(name, options);
        const serial = serials.get(name) ?? '';
        const disk = [...disks()].find((id) => serial !== '' && guestDiskSerial(id) === serial);
        if (disk === undefined) return opened;
        return recordedDisk(opened, (command, offset, length, error) => {
          const device = { server: proxy.id, device: name, disk };
          journal.append({ type: 'guest.io', ...device, command, offset, length, error });
        });
      },
      close: () => agent.close(),
    };
    return recorded;
  };
}

type Note = (command: string, offset: number, length: number, error: number) => void;

/** For every failure; which one it was, the engine's error says. */
const EIO = 5;

function recordedDisk(disk: OpenDisk, note: Note): OpenDisk {
  const noted = async <T>(command: string, offset: number, length: number, work: Promise<T>): Promise<T> => {
    try {
      const result = await work;
      note(command, offset, length, 0);
      return result;
    } catch (error) {
      note(command, offset, length, EIO);
      throw error;
    }
  };
  return {
    get info() {
      return disk.info;
    },
    get reconnects() {
      return disk.reconnects;
    },
    ...notedIo(disk, noted),
    close: () => disk.close(),
  };
}
