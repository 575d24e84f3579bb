/** Environments that are broken on purpose, from outside of the engine. */
import type { EngineEnvironment } from '../../../src/engine/engine-api.ts';
import type { ConnectProxy, GuestBlockDevice, OpenDisk } from '../../../src/engine/proxy-agent.ts';
import { type Clock, sleep } from '../../../src/kernel/clock.ts';
import { connectNbd } from '../../../src/nbd/client/connect-nbd.ts';
import type { NbdClient } from '../../../src/nbd/client/nbd-client-api.ts';
import type { PointWriter, Repository } from '../../../src/repository/repository-api.ts';
import type { HttpRequest, HttpResponse } from '../../../src/sdk/http-transport.ts';

/** Sees and may change every REST answer. */
export function tapScp(
  env: EngineEnvironment,
  tap: (request: HttpRequest, send: () => Promise<HttpResponse>) => Promise<HttpResponse>,
): EngineEnvironment {
  const scp = {
    send: (request: HttpRequest, signal?: AbortSignal) => tap(request, () => env.scp.send(request, signal)),
    close: () => env.scp.close(),
  };
  return { ...env, scp };
}

/** Changes the writers of new points. */
export function tapWriter(
  env: EngineEnvironment,
  change: (writer: PointWriter) => PointWriter,
): EngineEnvironment {
  const repository: Repository = {
    ...env.repository,
    begin: async (point) => change(await env.repository.begin(point)),
  };
  return { ...env, repository };
}

/** Changes every NBD client; what `change` leaves out stays. `opened` counts the clients from 1. */
export function tapNbd(
  env: EngineEnvironment,
  change: (client: NbdClient, opened: number) => Partial<NbdClient>,
): EngineEnvironment {
  let opened = 0;
  return {
    ...env,
    async connectNbd(options, clock) {
      const client = await connectNbd(options, clock);
      const changed = change(client, ++opened);
      return new Proxy(client, {
        get(target, key) {
          const from = key in changed ? changed : target;
          const value: unknown = Reflect.get(from, key, from);
          return typeof value === 'function' ? value.bind(from) : value;
        },
      });
    },
  };
}

/** Changes what the guests of proxies list. */
export function tapDevices(
  env: EngineEnvironment,
  change: (devices: readonly GuestBlockDevice[], hasOpened: boolean) => readonly GuestBlockDevice[],
): EngineEnvironment {
  const { connectProxy } = env;
  if (connectProxy === undefined) throw new Error('there is no way into guests to change');
  let hasOpened = false;
  return {
    ...env,
    async connectProxy(proxy, signal) {
      const agent = await connectProxy(proxy, signal);
      return {
        devices: async (until) => change(await agent.devices(until), hasOpened),
        open(name, options) {
          hasOpened = true;
          return agent.open(name, options);
        },
        close: () => agent.close(),
      };
    },
  };
}

/** Every write takes its time. */
export function slowWriter(clock: Clock, ms: number): (writer: PointWriter) => PointWriter {
  return (writer) => ({
    write: async (deviceId, offset, data) => {
      await sleep(clock, ms);
      await writer.write(deviceId, offset, data);
    },
    writeZeros: (deviceId, offset, length) => writer.writeZeros(deviceId, offset, length),
    commit: (engine) => writer.commit(engine),
    abort: () => writer.abort(),
  });
}

/** An engine whose process is gone: whatever it asks for from then on is never answered. */
export function createKill(): {
  kill: () => void;
  readonly isDead: boolean;
  deaden: (env: EngineEnvironment) => EngineEnvironment;
} {
  let isDead = false;
  const gate = <T>(work: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      if (isDead) return;
      work().then(
        (value) => isDead || resolve(value),
        (error: unknown) => isDead || reject(error),
      );
    });
  return {
    get isDead() {
      return isDead;
    },
    kill: () => {
      isDead = true;
    },
    deaden: (env) => ({
      ...env,
      clock: {
        now: () => env.clock.now(),
        setTimer: (atMs, fire) => env.clock.setTimer(atMs, () => isDead || fire()),
        hold: () => env.clock.hold(),
      },
      scp: {
        send: (request, signal) => gate(() => env.scp.send(request, signal)),
        close: () => Promise.resolve(),
      },
      dialNbd: (host, port, signal) => gate(() => env.dialNbd(host, port, signal)),
      ...(env.connectProxy === undefined ? {} : { connectProxy: gateProxy(env.connectProxy, gate) }),
      repository: gateAll(env.repository, gate),
    }),
  };
}

type Gate = <T>(work: () => Promise<T>) => Promise<T>;

function gateProxy(connect: ConnectProxy, gate: Gate): ConnectProxy {
  return (proxy, signal) =>
    gate(async () => {
      const agent = await connect(proxy, signal);
      return {
        devices: (until) => gate(() => agent.devices(until)),
        open: (name, options) => gate(async () => gateDisk(await agent.open(name, options), gate)),
        close: () => gate(() => agent.close()),
      };
    });
}

function gateDisk(disk: OpenDisk, gate: Gate): OpenDisk {
  return {
    info: disk.info,
    reconnects: disk.reconnects,
    read: (...range) => gate(() => disk.read(...range)),
    write: (...change) => gate(() => disk.write(...change)),
    writeZeroes: (...change) => gate(() => disk.writeZeroes(...change)),
    flush: (...how) => gate(() => disk.flush(...how)),
    blockStatus: (...query) => gate(() => disk.blockStatus(...query)),
    close: () => gate(() => disk.close()),
  };
}

function gateAll(repository: Repository, gate: <T>(work: () => Promise<T>) => Promise<T>): Repository {
  return {
    points: () => gate(() => repository.points()),
    latest: (id) => gate(() => repository.latest(id)),
    begin: (point) => gate(async () => gateWriter(await repository.begin(point), gate)),
    open: (id) => gate(() => repository.open(id)),
    verify: (ids) => gate(() => repository.verify(ids)),
    prune: (options) => gate(() => repository.prune(options)),
    readNote: (key) => gate(() => repository.readNote(key)),
    writeNote: (key, value) => gate(() => repository.writeNote(key, value)),
    removeNote: (key) => gate(() => repository.removeNote(key)),
    noteKeys: () => gate(() => repository.noteKeys()),
  };
}

function gateWriter(writer: PointWriter, gate: <T>(work: () => Promise<T>) => Promise<T>): PointWriter {
  return {
    write: (deviceId, offset, data) => gate(() => writer.write(deviceId, offset, data)),
    writeZeros: (deviceId, offset, length) => gate(() => writer.writeZeros(deviceId, offset, length)),
    commit: (engine) => gate(() => writer.commit(engine)),
    abort: () => gate(() => writer.abort()),
  };
}
