/** The way into a proxy's guest, opened when it is first needed and again after it was lost. */
import type { EngineEnvironment } from './engine-api.ts';
import {
  AgentLost,
  type GuestBlockDevice,
  type OpenDeviceOptions,
  type OpenDisk,
  type ProxyAddress,
  type ProxyAgent,
} from './proxy-agent.ts';

export class AgentLink {
  readonly #connect: NonNullable<EngineEnvironment['connectProxy']>;
  readonly #proxy: ProxyAddress;
  #agent: ProxyAgent | undefined;

  constructor(connect: NonNullable<EngineEnvironment['connectProxy']>, proxy: ProxyAddress) {
    this.#connect = connect;
    this.#proxy = proxy;
  }

  /** @throws AgentLost */
  async devices(signal: AbortSignal): Promise<readonly GuestBlockDevice[]> {
    return this.#ask(signal, (agent) => agent.devices(signal));
  }

  /** @throws AgentLost, DeviceGone */
  async open(name: string, options: OpenDeviceOptions): Promise<OpenDisk> {
    return this.#ask(options.signal, (agent) => agent.open(name, options));
  }

  async close(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.close().catch(() => {});
  }

  async #ask<T>(signal: AbortSignal, question: (agent: ProxyAgent) => Promise<T>): Promise<T> {
    this.#agent ??= await this.#connect(this.#proxy, signal);
    try {
      return await question(this.#agent);
    } catch (error) {
      if (error instanceof AgentLost) await this.close();
      throw error;
    }
  }
}
