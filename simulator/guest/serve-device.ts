/** Serves programs in a guest: a device in NBD, with every answered request written to the journal. */
import { duplexPair, type Duplex } from 'node:stream';
import { letGoWhenClosed } from '../../src/kernel/let-go.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import { commandName } from '../../src/nbd/wire/constants.ts';
import type { ExportConnection, ExportDevice, ExportDirectory, RequestGuard } from '../nbd/export-device.ts';
import { defaultNbdLimits } from '../nbd/nbd-limits.ts';
import { type NbdObserver, silentObserver } from '../nbd/nbd-observer.ts';
import { serveNbd } from '../nbd/serve-nbd.ts';
import type { GuestPresence } from './guest-presence.ts';

export interface ServeDeviceOptions {
  readonly presence: GuestPresence;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly connectionId: number;
  /** Goes round every request. */
  readonly guard?: (connection: ExportConnection) => RequestGuard;
  /** The device as programs see its content. */
  readonly view?: (device: ExportDevice) => ExportDevice;
  /** Told after every read that was answered. */
  readonly onRead?: (bytes: number) => void;
}

/** The program's end of a new connection. */
export function dialDevice(options: ServeDeviceOptions): Duplex {
  const [program, server] = duplexPair();
  letGoWhenClosed(program);
  letGoWhenClosed(server);
  void serveNbd(server, {
    directory: directoryOf(options),
    observer: observe(options),
    limits: defaultNbdLimits,
    clock: options.clock,
    connectionId: options.connectionId,
    address: 'guest',
  });
  return program;
}

/** One export, whatever name is asked for: a device in a guest has no other. */
function directoryOf({ presence, guard, view }: ServeDeviceOptions): ExportDirectory {
  const { content, device } = presence;
  const description = `${device.name}, serial ${device.serial}`;
  return {
    list: () => [{ name: '', description }],
    find: () => content,
    open(_name, connection) {
      if (presence.state === 'gone') return 'shutting-down';
      presence.connections.add(connection);
      return {
        device: view?.(content) ?? content,
        description,
        ...(guard === undefined ? {} : { guard: guard(connection) }),
        release: () => void presence.connections.delete(connection),
      };
    },
  };
}

interface Asked {
  readonly command: number;
  readonly offset: number;
  readonly length: number;
}

const READ = 'READ';

function observe({ presence, journal, onRead }: ServeDeviceOptions): NbdObserver {
  const asked = new Map<number, Asked>();
  return {
    ...silentObserver,
    request(_connection, request, command, _flags, offset, length) {
      asked.set(request, { command, offset, length });
    },
    reply(_connection, request, error, bytes) {
      const about = asked.get(request);
      asked.delete(request);
      if (about === undefined) return;
      const { offset, length } = about;
      const command = commandName(about.command);
      noteIo(journal, presence, { command, offset, length, error });
      if (command === READ && error === 0) onRead?.(bytes);
    },
  };
}

/** A request of a program, or of the guest's system itself, when it is answered. */
export function noteIo(
  journal: Journal,
  { server, device }: GuestPresence,
  io: { readonly command: string; readonly offset: number; readonly length: number; readonly error: number },
): void {
  journal.append({
    type: 'guest.io',
    server: server.id,
    device: device.name,
    disk: device.diskId,
    ...io,
  });
}
