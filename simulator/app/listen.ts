/** Puts the simulator on sockets: the product's REST API twice, as SCP and as HCI, and NBD. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Differences } from '../../src/contract/differences.ts';
import { createProductApi } from '../http/product-api.ts';
import { openLazyDoor } from './lazy-door.ts';
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
  /** How a real platform was seen to differ from the simulator. */
  readonly differences?: Differences;
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
  const { directory, clock, passwordKey } = simulator;
  const { differences } = options;
  const shared = {
    worlds: directory,
    clock,
    passwordKey,
    ...(differences === undefined ? {} : { differences }),
  };
  const scp = createProductApi({ ...shared, surface: 'scp', tls });
  open.defer(() => scp.close());
  const scpPort = await listenHttp(scp, options.host, options.scpPort);
  // Few clients ever speak to HCI directly.
  const hci = open.use(
    await openLazyDoor({
      host: options.host,
      port: options.hciPort,
      tls,
      build: () => createProductApi({ ...shared, surface: 'hci' }),
    }),
  );
  const nbd = open.use(
    await listenNbdPlane({ plane: simulator.nbd, host: options.host, port: options.nbdPort }),
  );
  const refresh = (): Promise<void> =>
    nbd.refresh(simulator.worlds().flatMap(({ world }) => world.hosts.map(({ ip }) => ip)));
  await refresh();
  const opened = open.move();
  return {
    scpPort,
    hciPort: hci.port,
    nbdPort: nbd.port,
    caPem,
    refresh,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Returns the port really taken. @throws the system's error (EADDRINUSE, EACCES, ...) */
async function listenHttp(app: FastifyInstance, host: string, port: number): Promise<number> {
  await app.listen({ host, port });
  return (app.server.address() as AddressInfo).port;
}
