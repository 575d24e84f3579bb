/** The engine's foot in a proxy's guest that is a virtual machine of its own: through the socket of its agent. */
import type { Duplex } from 'node:stream';
import {
  AgentLost,
  type ConnectProxy,
  DeviceGone,
  DeviceSilent,
  type GuestBlockDevice,
  type OpenDeviceOptions,
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
import { dialUnix } from './nbd-dial.ts';
import { createWallClock } from './wall-clock.ts';

export interface GuestChannelOptions {
  /** Folder with a folder for each proxy, as `backlot serve --json` names it. */
  readonly guestDir: string;
  /** Stands still while the guest works. Default: the wall's time. */
  readonly clock?: Clock;
}

/** Connects to `<guestDir>/<proxy name>/agent.sock`. */
export function connectGuestChannel(options: GuestChannelOptions): ConnectProxy {
  const { guestDir, clock = createWallClock() } = options;
  return ({ name }, signal) =>
    whileHolding(clock, async () => {
      const client = new ChannelClient(await dialAgent(agentSocket(guestDir, name), name, signal));
      const agent = new ChannelAgent(client, clock);
      try {
        await agent.greet(signal);
      } catch (error) {
        client.close();
        throw error;
      }
      return agent;
    });
}

class ChannelAgent implements ProxyAgent {
  readonly #client: ChannelClient;
  readonly #clock: Clock;

  constructor(client: ChannelClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async greet(signal: AbortSignal): Promise<void> {
    await this.#ask(['hello'], undefined, signal);
  }

  async devices(signal: AbortSignal): Promise<readonly GuestBlockDevice[]> {
    return (await this.#list(signal)).map(({ sequence: _sequence, ...device }) => device);
  }

  async open(name: string, { signal, requestTimeoutMs }: OpenDeviceOptions): Promise<OpenDisk> {
    const device = (await this.#list(signal)).find((one) => one.name === name);
    if (device === undefined) throw new DeviceGone(`the guest has no ${name}`);
    return openChannelDisk(device, (words, payload, abort) => {
      const answer = this.#ask(words, payload, abort);
      return requestTimeoutMs === undefined ? answer : this.#inTime(answer, requestTimeoutMs, name);
    });
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  async #list(signal: AbortSignal): Promise<readonly ChannelDevice[]> {
    return parseDevices(await this.#ask(['devices'], undefined, signal));
  }

  #ask(...[words, payload, signal]: Parameters<AskGuest>): Promise<Buffer> {
    const ask = (): Promise<Buffer> => this.#client.ask(words, payload).catch(translate);
    return whileHolding(this.#clock, () => untilAborted(ask(), signal));
  }

  /** The guest may answer later; nobody waits for it any more. @throws DeviceSilent */
  #inTime<T>(answer: Promise<T>, ms: number, name: string): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = this.#clock.setTimer(this.#clock.now() + ms, () =>
      reject(new DeviceSilent(`${name} has not answered for ${ms / 1000} s`)),
    );
    answer.catch(() => undefined);
    return Promise.race([answer, late]).finally(() => timer.cancel());
  }
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
async function dialAgent(path: string, proxy: string, signal: AbortSignal): Promise<Duplex> {
  try {
    return await dialUnix(path)(signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw new AgentLost(`${proxy}: no agent at ${path}`, { cause });
  }
}
