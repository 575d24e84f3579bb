/**
 * Guests of proxies that live outside of this process: sockets, files, devices or whole machines, and the engine's way
 * into them. They take real time, in which the world's clock stands still.
 */
import type { ConnectProxy } from '../../src/engine/proxy-agent.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';

export interface OpenGuests extends AsyncDisposable {
  readonly connectProxy: ConnectProxy;
}

/** `clock`: what is held while something outside is at work. */
export type OpenGuestsOf = (hosted: HostedWorld, clock: Clock) => Promise<OpenGuests>;
