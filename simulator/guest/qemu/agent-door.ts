/**
 * The socket at which programs reach the agent in a proxy's guest. Many may be connected at once, to one port in the
 * guest: their requests are put through whole, so a program that dies in the middle of one harms nobody.
 */
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { dirname } from 'node:path';
import { ChannelLost } from '../../../src/guest-channel/channel-client.ts';
import { encodeFrame, FrameDecoder, requestPayloadBytes } from '../../../src/guest-channel/channel-frame.ts';
import { type Answer, answerRequest, refusalOf } from './agent-requests.ts';
import type { ProxyGuest } from './proxy-guest.ts';
import { QemuError } from './qemu-machine.ts';

export interface AgentDoor extends AsyncDisposable {
  /** Ends the connections that are there; new ones are taken. */
  cut(): void;
}

export interface AgentDoorOptions {
  readonly path: string;
  /** The guest that runs now, or comes up for this. Rejects when there is none. */
  readonly guest: () => Promise<ProxyGuest>;
}

/** Requests of one program under way; it is not listened to beyond. */
const MAX_UNDER_WAY = 64;

export async function openAgentDoor({ path, guest }: AgentDoorOptions): Promise<AgentDoor> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    void serve(socket, guest);
  });
  mkdirSync(dirname(path), { recursive: true });
  // Left by a process that did not end in order.
  rmSync(path, { force: true });
  server.listen({ path });
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    cut,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}

async function serve(socket: net.Socket, find: AgentDoorOptions['guest']): Promise<void> {
  try {
    serveRequests(socket, await find());
  } catch {
    // A guest that is off answers nothing: the program sees its connection end.
    socket.destroy();
  }
}

function serveRequests(socket: net.Socket, guest: ProxyGuest): void {
  let underWay = 0;
  const decoder = new FrameDecoder({
    payloadBytes: requestPayloadBytes,
    onFrame: ([id = '', ...words], payload) => {
      if (++underWay >= MAX_UNDER_WAY) socket.pause();
      void answerRequest(guest, words, payload)
        .then(
          (answer) => send(socket, id, answer),
          (error: unknown) => sendRefusal(socket, id, error),
        )
        .finally(() => {
          if (--underWay < MAX_UNDER_WAY) socket.resume();
        });
    },
  });
  socket.on('data', (chunk: Buffer) => {
    try {
      decoder.push(chunk);
    } catch {
      // What follows cannot be understood.
      socket.destroy();
    }
  });
}

async function send(socket: net.Socket, id: string, { payload, sent }: Answer): Promise<void> {
  socket.write(encodeFrame([id, 'ok', payload.length]));
  // Called also when the connection is gone.
  await new Promise<void>((resolve) => socket.write(payload, () => resolve()));
  sent();
}

function sendRefusal(socket: net.Socket, id: string, error: unknown): void {
  // Nobody in the guest will answer: the program sees its connection end.
  if (error instanceof ChannelLost || error instanceof QemuError) return void socket.destroy();
  const { status, text } = refusalOf(error);
  const payload = Buffer.from(text);
  socket.write(encodeFrame([id, status, payload.length]));
  socket.write(payload);
}
