/** A device as a unix socket that speaks NBD. */
import { rm } from 'node:fs/promises';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream';

/** What the system's address of a unix socket holds, with its final NUL. */
const LONGEST_PATH_BYTES = 107;

/** Listens at `path`; every connection is one to the device. Closing ends them all. */
export async function openDeviceDoor(path: string, dial: () => Duplex | undefined): Promise<AsyncDisposable> {
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES)
    throw new Error(`${path} is too long for a unix socket (${LONGEST_PATH_BYTES} bytes)`);
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const device = dial();
    if (device === undefined) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // An end is passed on as an end, a break as a break; either way nobody is left who wants to know.
    pipeline(socket, device, socket, () => undefined);
  });
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
