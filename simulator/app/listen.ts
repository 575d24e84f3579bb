/** Puts the simulator on sockets: the product's REST API twice, as SCP and as HCI, and NBD. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { createProductApi } from '../http/product-api.ts';
import { listenNbdPlane } from './listen-nbd-plane.ts';
import { createPlatformIdentity } from './pki.ts';
import type { ListenableSimulator } from './simulator.ts';

export interface ListenOptions {
  /** Loopback unless the caller wants the network to reach it. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly scpPort: number;
  readonly hciPort: number;
  readonly nbdPort: number;
}

export interface Listeners extends AsyncDisposable {
  readonly scpPort: number;
  readonly hciPort: number;
  readonly nbdPort: number;
  /** PEM of the CA that signed the REST listeners' certificate. */
  readonly caPem: string;
  /** To be called whenever worlds came or went. */
  refresh(): Promise<void>;
}

export async function listen(simulator: ListenableSimulator, options: ListenOptions): Promise<Listeners> {
  const names = [...new Set(['127.0.0.1', 'localhost', options.host])];
  const { caPem, server } = createPlatformIdentity(names);
  const tls = { cert: server.pem, key: server.keyPem };
  await using open = new AsyncDisposableStack();
  const serve = async (surface: 'scp' | 'hci', port: number): Promise<number> => {
    const { directory, clock, passwordKey } = simulator;
    const app = createProductApi({ worlds: directory, clock, surface, tls, passwordKey });
    open.defer(() => app.close());
    return listenHttp(app, options.host, port);
  };
  const scpPort = await serve('scp', options.scpPort);
  const hciPort = await serve('hci', options.hciPort);
  const nbd = open.use(
    await listenNbdPlane({ plane: simulator.nbd, host: options.host, port: options.nbdPort }),
  );
  const refresh = (): Promise<void> =>
    nbd.refresh(simulator.worlds().flatMap(({ world }) => world.hosts.map(({ ip }) => ip)));
  await refresh();
  const opened = open.move();
  return {
    scpPort,
    hciPort,
    nbdPort: nbd.port,
    caPem,
    refresh,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Returns the port really taken. @throws the system's error (EADDRINUSE, EACCES, ...) */
export async function listenHttp(app: FastifyInstance, host: string, port: number): Promise<number> {
  await app.listen({ host, port });
  return (app.server.address() as AddressInfo).port;
}
