/**
 * An HTTP listener whose application is built by the first request. Building costs tens of milliseconds, which the
 * start of the process does not pay for a door that may never be used.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';

export interface LazyDoor extends AsyncDisposable {
  readonly port: number;
}

export interface LazyDoorOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM; plain HTTP without it. */
  readonly tls?: { readonly cert: string; readonly key: string };
  build(): FastifyInstance;
}

/** @throws the system's error (EADDRINUSE, EACCES, ...) */
export async function openLazyDoor(options: LazyDoorOptions): Promise<LazyDoor> {
  let app: Promise<FastifyInstance> | undefined;
  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    app ??= prepare(options.build());
    (await app).routing(request, response);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    void route(request, response).catch((error: Error) => response.destroy(error));
  const server =
    options.tls === undefined
      ? createServer(onRequest)
      : createTlsServer({ ...options.tls, minVersion: 'TLSv1.2' }, onRequest);
  await listening(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await (await app)?.close();
    },
  };
}

async function prepare(app: FastifyInstance): Promise<FastifyInstance> {
  await app.ready();
  return app;
}

function listening(server: Server, { host, port }: LazyDoorOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
