/** What a CA's text comes to: the same for every connection that trusts it, and dear to make. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

export interface Trust {
  /** Trusts this CA and no other. */
  readonly context: SecureContext;
  readonly authorities: readonly X509Certificate[];
}

/** Classic key agreement: what NBD servers speak; the hybrid groups make a handshake a third dearer, unasked for. */
const GROUPS = 'X25519:prime256v1:secp384r1';

/** The latest are kept: a job opens a dozen connections to a host, and an engine meets few clusters. */
const KEPT = 16;
const known = new Map<string, Trust>();

/** @throws Error when OpenSSL can't read `ca`, PEM certificates */
export function trustIn(ca: string): Trust {
  const trust = known.get(ca) ?? {
    context: createSecureContext({ ca, minVersion: 'TLSv1.2', ecdhCurve: GROUPS }),
    authorities: parseAuthorities(ca),
  };
  known.delete(ca);
  known.set(ca, trust);
  for (const oldest of known.keys()) {
    if (known.size <= KEPT) break;
    known.delete(oldest);
  }
  return trust;
}

function parseAuthorities(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}
