/** The public seams at which a mutant may break an engine or a simulator; a sound run has none of them. */
import type { Engine, EngineEnvironment, EngineOptions } from '../../src/engine/engine-api.ts';
import type { ConnectProxy } from '../../src/engine/proxy-agent.ts';
import type { connectNbd } from '../../src/nbd/client/connect-nbd.ts';
import type { Repository } from '../../src/repository/repository-api.ts';
import type { HttpTransport } from '../../src/sdk/http-transport.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';

export type CreateEngine = (environment: EngineEnvironment, options?: EngineOptions) => Engine;

export interface Seams {
  readonly transport?: (inner: HttpTransport, hosted: HostedWorld) => HttpTransport;
  readonly dialNbd?: (
    inner: EngineEnvironment['dialNbd'],
    hosted: HostedWorld,
  ) => EngineEnvironment['dialNbd'];
  readonly connectNbd?: (inner: typeof connectNbd) => NonNullable<EngineEnvironment['connectNbd']>;
  readonly connectProxy?: (inner: ConnectProxy, hosted: HostedWorld) => ConnectProxy;
  readonly repository?: (inner: Repository, hosted: HostedWorld) => Repository;
  readonly options?: (options: EngineOptions) => EngineOptions;
  readonly createEngine?: (inner: CreateEngine) => CreateEngine;
  /** Changes the simulated world itself, once, before the story begins. */
  readonly world?: (hosted: HostedWorld) => void;
  /** Told when lists of steps begin to run side by side, and when all of them are over. */
  readonly together?: (side: 'begins' | 'ends') => void;
}
