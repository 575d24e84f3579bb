/** One life of an engine: from its start until it is killed or the story ends. */
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Credentials, Engine, EngineEnvironment, EngineOptions } from '../../src/engine/engine-api.ts';
import type { ConnectProxy } from '../../src/engine/proxy-agent.ts';
import { createIdSource } from '../../src/kernel/ids.ts';
import { createRng } from '../../src/kernel/rng.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { connectNbd } from '../../src/nbd/client/connect-nbd.ts';
import { createRepository } from '../../src/repository/create-repository.ts';
import type { MemoryStorage } from '../../src/repository/memory-storage.ts';
import type { Repository } from '../../src/repository/repository-api.ts';
import type { HostedWorld, Simulator } from '../../simulator/app/simulator-api.ts';
import type { Checkpoints } from './checkpoints.ts';
import { connectGuests } from './connect-guests.ts';
import { gateConnect } from './gated-agent.ts';
import { gateStorage, type StorageStage } from './gated-storage.ts';
import { gateClock, gateDial, gateTransport, KillSwitch } from './kill-switch.ts';
import type { MachineClock } from './machine-clock.ts';
import { parseDuration, parseSize } from './quantities.ts';
import { createRememberingCodec } from './remembering-codec.ts';
import type { EngineNode } from './scenario-schema.ts';
import type { Seams } from './seams.ts';

/** Small, so that small disks have several chunks and incrementals share some. */
const CHUNK_BYTES = 256 * 1024;
/** Of all runs of this thread. */
const codec = createRememberingCodec();

export interface ProcessOptions {
  readonly simulator: Simulator;
  readonly hosted: HostedWorld;
  readonly clock: Clock;
  readonly machineClock: MachineClock;
  readonly checkpoints: Checkpoints;
  readonly storage: MemoryStorage;
  readonly storageStage: StorageStage;
  readonly settings: EngineNode;
  readonly seams: Seams;
  /** The way into the guests of proxies; straight to the simulated ones when absent. */
  readonly connectProxy?: ConnectProxy;
  /** Draws the ids of this life; another one for every life. */
  readonly seed: string;
  /** Which of the world's credentials it has, from 0. */
  readonly account: number;
  /** Marks what it makes on the platform; the engine's own default when absent. */
  readonly tag?: string;
}

export interface EngineProcess {
  readonly engine: Engine;
  readonly power: KillSwitch;
}

export function startProcess(options: ProcessOptions): EngineProcess {
  const power = new KillSwitch();
  const environment = buildEnvironment(options, power);
  const { seams, tag } = options;
  const engineOptions = { ...buildOptions(options.settings), ...(tag === undefined ? {} : { tag }) };
  const create = seams.createEngine?.(createEngine) ?? createEngine;
  return { engine: create(environment, seams.options?.(engineOptions) ?? engineOptions), power };
}

function buildEnvironment(options: ProcessOptions, power: KillSwitch): EngineEnvironment {
  const { simulator, hosted, storageStage, checkpoints, seams } = options;
  const clock = gateClock(options.machineClock, power);
  const ids = createIdSource(createRng(options.seed));
  const storage = gateStorage(options.storage, storageStage, power);
  const repository = createRepository({ storage, codec, clock, ids, chunkBytes: CHUNK_BYTES });
  const dial: EngineEnvironment['dialNbd'] = (host, port, signal) => simulator.dialNbd(host, port, signal);
  const { connectProxy = connectGuests(hosted) } = options;
  return {
    clock,
    ids,
    credentials: credentialsOf(options),
    scp: gateTransport(seams.transport?.(simulator.transport, hosted) ?? simulator.transport, power),
    dialNbd: gateDial(seams.dialNbd?.(dial, hosted) ?? dial, power),
    ...(seams.connectNbd === undefined ? {} : { connectNbd: seams.connectNbd(connectNbd) }),
    connectProxy: gateConnect(seams.connectProxy?.(connectProxy, hosted) ?? connectProxy, power),
    repository: seams.repository?.(repository, hosted) ?? repository,
    onProgress: (event) => power.isKilled || checkpoints.tell(event),
  };
}

/** The repository as the harness looks into it: no gate, no mutant, no fault. */
export function openRepository(storage: MemoryStorage, clock: Clock): Repository {
  const ids = createIdSource(createRng('harness'));
  return createRepository({ storage, codec, clock, ids, chunkBytes: CHUNK_BYTES });
}

/** Every engine of a story has an account of its own, so that the journal tells their calls apart. */
export function credentialsOf({
  hosted,
  settings,
  account,
}: Pick<ProcessOptions, 'hosted' | 'settings' | 'account'>): Credentials {
  const credential = hosted.world.credentials[account];
  if (credential === undefined) throw new Error(`the world has no credential ${account}`);
  const { accessKey, secretKey, username, password } = credential;
  const { login = 'accessKey' } = settings;
  return login === 'accessKey'
    ? { kind: 'ec2', accessKey, secretKey }
    : { kind: 'password', username, password };
}

function buildOptions(node: EngineNode): EngineOptions {
  const seconds = (text: string): number => parseDuration(text) / 1000;
  return {
    ...(node.lockTime === undefined ? {} : { lockTimeSeconds: seconds(node.lockTime) }),
    ...(node.renewEvery === undefined ? {} : { renewEverySeconds: seconds(node.renewEvery) }),
    ...(node.connections === undefined ? {} : { connections: node.connections }),
    ...(node.readBytes === undefined ? {} : { readBytes: parseSize(node.readBytes) }),
    ...(node.requestTimeout === undefined ? {} : { requestTimeoutMs: parseDuration(node.requestTimeout) }),
    ...(node.busyWait === undefined ? {} : { busyWaitMs: parseDuration(node.busyWait) }),
    ...(node.verify === undefined ? {} : { verify: node.verify }),
    ...(node.leaveCbtAlone === undefined ? {} : { leaveCbtAlone: node.leaveCbtAlone }),
    ...(node.proxies === undefined ? {} : { proxies: node.proxies }),
    ...(node.deviceWait === undefined ? {} : { deviceWaitMs: parseDuration(node.deviceWait) }),
    ...(node.maxDisksPerProxy === undefined ? {} : { maxDisksPerProxy: node.maxDisksPerProxy }),
    ...(node.fallback === undefined ? {} : { fallback: node.fallback }),
  };
}
