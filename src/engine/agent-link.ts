/** The way into a proxy's guest, opened when it is first needed and again after it was lost. */
import { linkedAbort } from '../kernel/linked-abort.ts';
import type { Clock } from '../kernel/clock.ts';
import {
  AgentLost,
  type ConnectProxy,
  type GuestBlockDevice,
  type OpenDisk,
  type ProxyAddress,
  type ProxyAgent,
} from './proxy-agent.ts';
import { untilAborted } from './until-aborted.ts';

export interface AgentLinkOptions {
  readonly connect: ConnectProxy;
  readonly proxy: ProxyAddress;
  readonly clock: Clock;
  /** A guest that does not answer for so long counts as lost. */
  readonly patienceMs: number;
}

export class AgentLink {
  readonly #options: AgentLinkOptions;
  #agent: ProxyAgent | undefined;

  constructor(options: AgentLinkOptions) {
    this.#options = options;
  }

  /** @throws AgentLost */
  devices(signal: AbortSignal): Promise<readonly GuestBlockDevice[]> {
    return this.#ask(signal, (agent, patient) => agent.devices(patient));
  }

  /** @throws AgentLost, DeviceGone */
  open(name: string, options: Parameters<ProxyAgent['open']>[1]): Promise<OpenDisk> {
    return this.#ask(options.signal, (agent, signal) => agent.open(name, { ...options, signal }));
  }

  async close(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.close().catch(() => {});
  }

  async #ask<T>(
    signal: AbortSignal,
    question: (agent: ProxyAgent, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { connect, proxy } = this.#options;
    try {
      return await this.#inTime(signal, async (patient) => {
        this.#agent ??= await connect(proxy, patient);
        return question(this.#agent, patient);
      });
    } catch (error) {
      if (error instanceof AgentLost) await this.close();
      throw error;
    }
  }

  async #inTime<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, patienceMs, proxy } = this.#options;
    const late = linkedAbort(signal);
    const timer = clock.setTimer(clock.now() + patienceMs, () =>
      late.abort(new AgentLost(`the guest of ${proxy.name} has not answered for ${patienceMs / 1000} s`)),
    );
    try {
      return await untilAborted(work(late.signal), late.signal);
    } finally {
      timer.cancel();
      late.unlink();
    }
  }
}
