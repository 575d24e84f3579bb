/** The engine's foot in a proxy's guest that is a virtual machine of its own: through the socket of its agent. */
import net from 'node:net';
import {
  AgentLost,
  type ConnectProxy,
  DeviceGone,
  type GuestBlockDevice,
  type OpenDisk,
  type ProxyAgent,
} from '../engine/proxy-agent.ts';
import { ChannelClient, ChannelLost, ChannelRefusal } from '../guest-channel/channel-client.ts';
import { parseDevices, type ChannelDevice } from '../guest-channel/channel-devices.ts';
import { type Clock, whileHolding } from '../kernel/clock.ts';
import { agentSocket } from '../kernel/guest-folder.ts';
import { NbdError } from '../nbd/client/errors.ts';
import { ERRNO } from '../nbd/wire/errno.ts';
import { type AskGuest, openChannelDisk } from './channel-disk.ts';

export interface GuestChannelOptions {
  /** Folder with a folder for each proxy, as `backlot serve --json` names it. */
  readonly guestDir: string;
  /** Stands still while the guest works. Absent: the wall's time. */
  readonly clock?: Clock;
}

/** Connects to `<guestDir>/<proxy name>/agent.sock`. */
export function connectGuestChannel(options: GuestChannelOptions): ConnectProxy {
  const { guestDir, clock } = options;
  const hold = <T>(work: () => Promise<T>): Promise<T> =>
    clock === undefined ? work() : whileHolding(clock, work);
  return ({ name }, signal) =>
    hold(async () => {
      const client = new ChannelClient(await dialAgent(agentSocket(guestDir, name), name, signal));
      const ask: AskGuest = (words, payload, signal) =>
        hold(() => untilAborted(client.ask(words, payload).catch(translate), signal));
      try {
        await ask(['hello'], undefined, signal);
      } catch (error) {
        client.close();
        throw error;
      }
      return agentOver(client, ask);
    });
}

function agentOver(client: ChannelClient, ask: AskGuest): ProxyAgent {
  const list = async (signal: AbortSignal): Promise<readonly ChannelDevice[]> =>
    parseDevices(await ask(['devices'], undefined, signal));
  return {
    async devices(signal) {
      return (await list(signal)).map(({ sequence: _sequence, ...device }): GuestBlockDevice => device);
    },
    async open(name, { signal }): Promise<OpenDisk> {
      const device = (await list(signal)).find((one) => one.name === name);
      if (device === undefined) throw new DeviceGone(`the guest has no ${name}`);
      return openChannelDisk(device, ask);
    },
    async close() {
      client.close();
    },
  };
}

/** The words of the channel in the engine's terms. */
function translate(error: unknown): never {
  if (error instanceof ChannelLost) throw new AgentLost(error.message, { cause: error });
  if (!(error instanceof ChannelRefusal)) throw error;
  if (error.status === 'gone') throw new DeviceGone(error.message, { cause: error });
  // A guest's kernel has hardly any other error for its programs.
  throw new NbdError(ERRNO.EIO, error.message);
}

/** The guest goes on with what it was asked; nobody waits for it any more. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

/** @throws AgentLost */
function dialAgent(path: string, proxy: string, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = net.connect({ path });
    const abort = (): void => void socket.destroy(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const settle = (): void => {
      signal.removeEventListener('abort', abort);
      socket.off('error', fail);
    };
    const fail = (cause: Error): void => {
      settle();
      reject(signal.aborted ? signal.reason : new AgentLost(`${proxy}: no agent at ${path}`, { cause }));
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });
}
