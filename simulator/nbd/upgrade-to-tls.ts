import { nextTick } from 'node:process';
import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { letGoWhenClosed } from '../../src/kernel/let-go.ts';

/**
 * Turns the server's end of a plain stream into TLS. `undefined` when the handshake fails, of which `onFailure` hears
 * before the stream is closed, or when the client goes. A client that just stays silent is the caller's to end.
 */
export function upgradeToTls(
  stream: Duplex,
  secureContext: SecureContext,
  onFailure: () => void,
): Promise<TLSSocket | undefined> {
  // A duplex pair may hand bytes over at once; then the handshake would be over before anybody listens.
  stream.cork();
  nextTick(() => stream.uncork());
  const secured = new TLSSocket(stream, { isServer: true, secureContext });
  letGoWhenClosed(secured);
  return new Promise((resolve) => {
    const fail = (): void => resolve(undefined);
    // Before the handshake is done Node reports its errors under this name only.
    secured.on('_tlsError', () => {
      onFailure();
      fail();
    });
    secured.on('error', fail).on('close', fail);
    // A client that refuses the certificate ends the stream in mid-handshake; over an in-process pair that is no close.
    stream.once('close', fail).once('end', fail);
    secured.once('secure', () => resolve(secured));
  });
}
