/** X.509 certificates, version 3, ECDSA with SHA-256 on P-256. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { bits, integer, objectId, octets, sequence, set, tagged, text, truth, utcTime } from './der.ts';

/** An attribute of a name, in the order in which it is written. */
export type NamePart = readonly ['CN' | 'OU' | 'O', string];

export interface CertificateRequest {
  readonly subject: readonly NamePart[];
  /** `2026-01-31T00:00:00Z`, 1950 to 2049. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Positive; unique under its issuer. */
  readonly serial: Uint8Array;
  readonly isCa: boolean;
  /** Addresses (IPv4) and DNS names of a server. */
  readonly names?: readonly string[];
}

/** A certificate together with its private key. */
export interface Identity {
  readonly der: Buffer;
  readonly pem: string;
  readonly keyPem: string;
  readonly subject: readonly NamePart[];
  readonly privateKey: KeyObject;
}

const OID = {
  CN: '2.5.4.3',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  ecdsaSha256: '1.2.840.10045.4.3.2',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** A new key and a certificate for it, signed by `issuer`, or by itself where there is none. */
export function issue(request: CertificateRequest, issuer?: Identity): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = issuer?.privateKey ?? privateKey;
  const body = certificateBody(request, issuer?.subject ?? request.subject, publicKey, signer);
  const der = sequence(body, sequence(objectId(OID.ecdsaSha256)), bits(sign('sha256', body, signer)));
  return {
    der,
    pem: toPem(der),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    subject: request.subject,
    privateKey,
  };
}

/** PEM of one certificate. */
export function toPem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function certificateBody(
  request: CertificateRequest,
  issuer: readonly NamePart[],
  publicKey: KeyObject,
  signer: KeyObject,
): Buffer {
  return sequence(
    tagged(0, true, integer(Buffer.from([2]))),
    integer(request.serial),
    sequence(objectId(OID.ecdsaSha256)),
    name(issuer),
    sequence(utcTime(request.notBefore), utcTime(request.notAfter)),
    name(request.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, true, sequence(...extensions(request, publicKey, signer))),
  );
}

const name = (parts: readonly NamePart[]): Buffer =>
  sequence(...parts.map(([kind, value]) => set(sequence(objectId(OID[kind]), text(value)))));

function extensions(request: CertificateRequest, publicKey: KeyObject, signer: KeyObject): Buffer[] {
  const identifiers = [
    extension(OID.subjectKeyId, octets(keyId(publicKey))),
    extension(OID.authorityKeyId, sequence(tagged(0, false, keyId(createPublicKey(signer))))),
  ];
  if (request.isCa)
    return [
      ...identifiers,
      criticalExtension(OID.basicConstraints, sequence(truth())),
      // keyCertSign and cRLSign: bits 5 and 6 of seven.
      criticalExtension(OID.keyUsage, bits(Buffer.from([0x06]), 1)),
    ];
  return [
    ...identifiers,
    criticalExtension(OID.basicConstraints, sequence()),
    criticalExtension(OID.keyUsage, bits(Buffer.from([0x80]), 7)),
    extension(OID.extendedKeyUsage, sequence(objectId(OID.serverAuth))),
    extension(OID.subjectAltName, sequence(...(request.names ?? []).map(alternativeName))),
  ];
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

const extension = (id: string, value: Buffer): Buffer => sequence(objectId(id), octets(value));
const criticalExtension = (id: string, value: Buffer): Buffer =>
  sequence(objectId(id), truth(), octets(value));

function alternativeName(value: string): Buffer {
  if (isIPv4(value)) return tagged(7, false, Buffer.from(value.split('.').map(Number)));
  return tagged(2, false, Buffer.from(value, 'latin1'));
}
