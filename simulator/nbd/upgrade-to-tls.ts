import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';

/**
 * Turns the server's end of a plain stream into TLS. `undefined` when the handshake fails or the client goes; the
 * caller then closes the plain stream, and its handshake timer ends a client that just stays silent.
 */
export function upgradeToTls(stream: Duplex, secureContext: SecureContext): Promise<TLSSocket | undefined> {
  const secured = new TLSSocket(stream, { isServer: true, secureContext });
  return new Promise((resolve) => {
    const fail = (): void => resolve(undefined);
    // Before the handshake is done Node reports its errors under this name only.
    secured.on('_tlsError', fail).on('error', fail).on('close', fail);
    // A client that refuses the certificate ends the stream in mid-handshake; over an in-process pair that is no close.
    stream.once('close', fail).once('end', fail);
    secured.once('secure', () => resolve(secured));
  });
}
