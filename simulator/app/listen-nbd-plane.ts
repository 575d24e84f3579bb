/**
 * NBD on sockets: one listener on the shared address, and one on the own address of every host of every world, all on
 * the same port, as clients expect it of a cluster.
 */
import net from 'node:net';
import { type NbdPlane, SHARED_ADDRESS } from './nbd-plane.ts';

export interface NbdListeners extends AsyncDisposable {
  readonly port: number;
  /** Listens on the addresses of hosts that came, and no longer on those that went. */
  refresh(hostAddresses: Iterable<string>): Promise<void>;
}

export interface NbdListenOptions {
  readonly plane: NbdPlane;
  /** Address of the shared listener. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

interface Door {
  readonly port: number;
  close(): Promise<void>;
}

export async function listenNbdPlane(options: NbdListenOptions): Promise<NbdListeners> {
  const { plane, host } = options;
  const shared = await openDoor(plane, SHARED_ADDRESS, host, options.port);
  const doors = new Map<string, Door>();
  let refreshed = Promise.resolve();
  const reconcile = async (wanted: Set<string>): Promise<void> => {
    wanted.delete(host);
    wanted.delete(SHARED_ADDRESS);
    const gone = [...doors].filter(([address]) => !wanted.has(address));
    const come = [...wanted].filter((address) => !doors.has(address));
    for (const [address] of gone) doors.delete(address);
    await Promise.all(gone.map(([, door]) => door.close()));
    const opened = await Promise.all(come.map((address) => openDoor(plane, address, address, shared.port)));
    come.forEach((address, at) => {
      const door = opened[at];
      if (door !== undefined) doors.set(address, door);
    });
  };
  return {
    port: shared.port,
    refresh(hostAddresses) {
      // One after the other: two at a time would both open the door to an address that is new.
      refreshed = refreshed.catch(() => undefined).then(() => reconcile(new Set(hostAddresses)));
      return refreshed;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([shared, ...doors.values()].map((door) => door.close()));
    },
  };
}

/** Listens at `bindAddress` for what the plane serves at `address`. */
async function openDoor(plane: NbdPlane, address: string, bindAddress: string, port: number): Promise<Door> {
  const sockets = new Set<net.Socket>();
  // Half open: a client may close its side and still wait for the replies to what it asked before.
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    // A host that is down has no listener; the nearest thing to that, once the connection is there.
    if (!plane.isListening(address)) return socket.resetAndDestroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void plane.serve(socket, address, `${socket.remoteAddress}:${socket.remotePort}`);
    return undefined;
  });
  await listening(server, bindAddress, port);
  return {
    port: (server.address() as net.AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function listening(server: net.Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Whether this system lets anybody listen on addresses of 127.0.0.0/8 beside 127.0.0.1. Linux does, macOS does not. */
export async function canListenOn(address: string): Promise<boolean> {
  const server = net.createServer();
  try {
    await listening(server, address, 0);
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
