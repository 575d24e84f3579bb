import { nextTick } from 'node:process';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Clock } from '../../kernel/clock.ts';
import { letGoWhenClosed } from '../../kernel/let-go.ts';
import { NbdTlsError } from './errors.ts';
import type { NbdTlsOptions } from './nbd-client-api.ts';
import { trustIn } from './trust.ts';
import { whyUntrusted } from './verify-peer.ts';

/**
 * Turns the client's end of a plain stream into TLS and checks the server's certificate.
 * @throws NbdTlsError when the handshake fails or the certificate is not the right one
 */
export function upgradeToTls(stream: Duplex, options: NbdTlsOptions, clock: Clock): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    // A duplex pair may hand bytes over at once; then the handshake would be over before anybody listens.
    stream.cork();
    nextTick(() => stream.uncork());
    const secured = tls.connect({
      socket: stream,
      secureContext: trustIn(options.ca).context,
      host: options.host,
      // A server name indication must not be an address.
      ...(net.isIP(options.host) === 0 && { servername: options.host }),
      // Checked below, because validity in time is a matter of the injected clock.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    letGoWhenClosed(secured);
    const fail = (error?: Error): void => {
      secured.destroy();
      reject(
        new NbdTlsError(error?.message ?? 'connection closed during the TLS handshake', { cause: error }),
      );
    };
    const onClose = (): void => fail();
    secured.once('error', fail).once('close', onClose);
    secured.once('secureConnect', () => {
      const why = whyUntrusted(secured, options, clock.now());
      if (why !== undefined) return fail(new Error(why));
      secured.off('error', fail).off('close', onClose);
      resolve(secured);
    });
  });
}
