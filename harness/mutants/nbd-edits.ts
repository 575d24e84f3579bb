/** Ways to change what an engine says to the data service, for mutants: whole calls of the client, or bytes. */
import { duplexPair, type Duplex } from 'node:stream';
import type { NbdClient, NbdDial } from '../../src/nbd/client/nbd-client-api.ts';
import { REQUEST_BYTES, REQUEST_MAGIC } from '../../src/nbd/wire/constants.ts';

/** The client with other methods in place of some. */
export function withMethods(client: NbdClient, methods: Partial<NbdClient>): NbdClient {
  return new Proxy(client, {
    get(target, key) {
      if (key in methods) return Reflect.get(methods, key);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/**
 * Streams whose bytes towards the service go through `edit`; what it does not return is not sent. `answer` says
 * something to the client in the service's place.
 */
export function withEditedBytes(
  dial: NbdDial,
  edit: (chunk: Buffer, answer: (bytes: Buffer) => void) => Buffer,
): NbdDial {
  return async (signal) => {
    const service = await dial(signal);
    const [client, behind] = duplexPair();
    const end = (one: Duplex, other: Duplex): void => {
      one.once('error', (error) => other.destroy(error)).once('close', () => other.destroy());
      one.once('end', () => other.end());
    };
    end(service, behind);
    end(behind, service);
    service.on('data', (chunk: Buffer) => behind.write(chunk));
    behind.on('data', (chunk: Buffer) => {
      const sent = edit(chunk, (bytes) => behind.write(bytes));
      if (sent.length > 0 && !service.destroyed) service.write(sent);
    });
    return client;
  };
}

/** Calls `edit` with every request header of a chunk; only for chunks without payload of writes. */
export function editRequests(chunk: Buffer, edit: (header: Buffer) => Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + REQUEST_BYTES <= chunk.length && chunk.readUInt32BE(at) === REQUEST_MAGIC) {
    parts.push(edit(chunk.subarray(at, at + REQUEST_BYTES)));
    at += REQUEST_BYTES;
  }
  return Buffer.concat([...parts, chunk.subarray(at)]);
}

/** Type of a request, by its header. */
export function commandOf(header: Buffer): number {
  return header.readUInt16BE(6);
}
