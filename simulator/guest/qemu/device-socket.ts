/** A unix socket behind which one disk is served in NBD, for the QEMU of one machine. */
import { once } from 'node:events';
import net from 'node:net';
import { type Duplex, pipeline } from 'node:stream';

export interface DeviceSocket {
  /** Ends the connections: from now on the guest gets errors. */
  cut(): void;
  close(): Promise<void>;
}

/** `dial` gives the other end of every connection; `undefined` when there is none any more. */
export async function listenForQemu(path: string, dial: () => Duplex | undefined): Promise<DeviceSocket> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    const disk = dial();
    if (disk === undefined) return void socket.destroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Either side may end at any time; then the other one ends too, and that is all there is to do.
    pipeline(socket, disk, socket, () => undefined);
  });
  server.listen({ path });
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    cut,
    async close() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
