/**
 * Whether a server's certificate is to be trusted.
 *
 * OpenSSL judges the chain, except for dates: it would use the machine's clock, and a run in virtual time lives in
 * another year. So a date error of OpenSSL is set aside, the signatures are checked again here (a date error may hide
 * an earlier one), and the dates are compared with the injected clock.
 */
import type { X509Certificate } from 'node:crypto';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { NbdTlsOptions } from './nbd-client-api.ts';
import { trustIn } from './trust.ts';

const DATE_ERRORS: readonly string[] = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'];
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const MAX_CHAIN = 8;

/** Why the peer is not trusted, or `undefined` when it is. `nowMs` is the time that dates are compared with. */
export function whyUntrusted(socket: TLSSocket, options: NbdTlsOptions, nowMs: number): string | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return 'server without a certificate';
  const verdict = socket.authorizationError;
  if (verdict && !DATE_ERRORS.includes(String(verdict))) return String(verdict);
  const chain = chainToAuthority(leaf, trustIn(options.ca).authorities);
  if (chain === undefined) return 'certificate is not signed by the trusted authority';
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.includes(SERVER_AUTH)) return 'not a server certificate';
  const stale = chain.find((certificate) => !isValidAt(certificate, nowMs));
  if (stale !== undefined)
    return `certificate not valid at this time: ${stale.validFrom} to ${stale.validTo}`;
  return names(leaf, options.host) ? undefined : `certificate is not for ${options.host}`;
}

function names(certificate: X509Certificate, host: string): boolean {
  return (net.isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
}

/** The certificates from `leaf` to one of `authorities`, or `undefined` when the signatures don't lead there. */
function chainToAuthority(
  leaf: X509Certificate,
  authorities: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const chain = [leaf];
  for (let at = leaf; chain.length <= MAX_CHAIN; ) {
    const authority = authorities.find((candidate) => isIssuedBy(at, candidate));
    if (authority !== undefined) return [...chain, authority];
    const issuer = at.issuerCertificate;
    if (
      issuer === undefined ||
      !issuer.ca ||
      issuer.fingerprint256 === at.fingerprint256 ||
      !isIssuedBy(at, issuer)
    ) {
      return undefined;
    }
    chain.push(issuer);
    at = issuer;
  }
  return undefined;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isValidAt(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.validFromDate.getTime() <= nowMs && nowMs <= certificate.validToDate.getTime();
}
