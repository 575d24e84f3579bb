import net from 'node:net';
import type { NbdServerContext } from './nbd-server-context.ts';
import { serveNbd } from './serve-nbd.ts';

export type NbdAddress = { readonly host: string; readonly port: number } | { readonly path: string };

export interface ListenNbdOptions extends Omit<NbdServerContext, 'connectionId' | 'address'> {
  readonly address: NbdAddress;
  /** Connections beyond are closed at once. Default 1024. */
  readonly maxConnections?: number;
  /** Numbers of connections; shared by the listeners of one server. Default: counts from 1. */
  readonly nextConnectionId?: () => number;
}

export interface NbdListener extends AsyncDisposable {
  /** The port really taken; 0 for a unix socket. */
  readonly port: number;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

/** Listens on a TCP port (0 takes a free one) or a unix socket. */
export async function listenNbd(options: ListenNbdOptions): Promise<NbdListener> {
  const { address, maxConnections = 1024, nextConnectionId = countFromOne(), ...shared } = options;
  const sockets = new Set<net.Socket>();
  // Half open: a client may close its side and still wait for the replies to what it asked before.
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const from = 'path' in address ? 'unix' : `${socket.remoteAddress}:${socket.remotePort}`;
    void serveNbd(socket, { ...shared, connectionId: nextConnectionId(), address: from });
  });
  server.maxConnections = maxConnections;
  await listening(server, address);
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port: portOf(server), close, [Symbol.asyncDispose]: close };
}

function listening(server: net.Server, address: NbdAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function portOf(server: net.Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function countFromOne(): () => number {
  let count = 0;
  return () => ++count;
}
