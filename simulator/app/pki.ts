/**
 * The certificates of a cluster: its own CA, which backup resources hand out as `ca_cert`, and one certificate per
 * host for NBD over TLS.
 *
 * Made when first asked for, because most worlds never speak TLS. Keys are P-256 where the product shows RSA-2048: an
 * RSA key costs a hundred milliseconds. The validity does not follow a world's clock, because real TLS peers judge it
 * by their own: it spans every year that both may be in.
 *
 * @source SCP OpenAPI 6.11.1, backup-resources (ca_cert: self-signed, subject CN, OU, O)
 * @fidelity observed, except key kind and validity: assumed
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Identity, issue } from './certificate.ts';

const VALIDITY = { notBefore: '2020-01-01T00:00:00Z', notAfter: '2049-12-31T23:59:59Z' } as const;
const EXPIRED = { notBefore: '2020-01-01T00:00:00Z', notAfter: '2020-12-31T23:59:59Z' } as const;

export type CertificateFlaw = 'foreign-ca' | 'expired' | 'wrong-host';

export interface ClusterCa {
  readonly clusterId: string;
  /** The CA's certificate. */
  readonly pem: string;
  /** As `ca_cert` carries it: base64 DER in one line, without armour. */
  readonly base64Der: string;
  /** What a host shows: names its address, `localhost` and 127.0.0.1; with a flaw, one that must be refused. */
  hostIdentity(hostIp: string, flaw?: CertificateFlaw): Identity;
}

export function createClusterCa(options: { readonly clusterId: string }): ClusterCa {
  const ca = lazy(() => issueCa(options.clusterId));
  const foreignCa = lazy(() => issueCa(options.clusterId));
  const identities = new Map<string, Identity>();
  return {
    clusterId: options.clusterId,
    get pem() {
      return ca().pem;
    },
    get base64Der() {
      return ca().der.toString('base64');
    },
    hostIdentity(hostIp, flaw) {
      const key = `${hostIp} ${flaw ?? ''}`;
      const known = identities.get(key);
      if (known !== undefined) return known;
      const identity = issueLeaf(hostIp, flaw, flaw === 'foreign-ca' ? foreignCa() : ca());
      identities.set(key, identity);
      return identity;
    },
  };
}

/** What the product's HTTPS port shows, with the CA to trust it by. */
export function createPlatformIdentity(names: readonly string[]): { caPem: string; server: Identity } {
  const ca = issue({
    subject: [
      ['CN', 'SANGFOR SCP'],
      ['O', 'Sangfor Cloud Platform'],
    ],
    serial: newSerial(),
    isCa: true,
    ...VALIDITY,
  });
  const server = issue(
    { subject: [['CN', names[0] ?? 'localhost']], serial: newSerial(), isCa: false, names, ...VALIDITY },
    ca,
  );
  return { caPem: ca.pem, server };
}

function issueCa(clusterId: string): Identity {
  return issue({
    subject: [
      ['CN', 'SANGFOR HCI'],
      // 32 hex digits, whatever the id looks like.
      ['OU', createHash('sha256').update(clusterId).digest('hex').slice(0, 32)],
      ['O', 'HCI Cluster Manager CA'],
    ],
    serial: newSerial(),
    isCa: true,
    ...VALIDITY,
  });
}

function issueLeaf(hostIp: string, flaw: CertificateFlaw | undefined, ca: Identity): Identity {
  const names =
    flaw === 'wrong-host' ? ['192.0.2.1', 'other-host.invalid'] : [hostIp, '127.0.0.1', 'localhost'];
  const validity = flaw === 'expired' ? EXPIRED : VALIDITY;
  return issue(
    { subject: [['CN', names[0] ?? hostIp]], serial: newSerial(), isCa: false, names, ...validity },
    ca,
  );
}

/** Sixteen random bytes, positive and without a leading zero. */
function newSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
