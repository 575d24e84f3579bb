import 'reflect-metadata';
import { X509Certificate as NodeCertificate } from 'node:crypto';
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509Certificate } from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { createClusterCa, createPlatformIdentity } from '../../../simulator/app/pki.ts';

const HOST = '127.9.8.7';

/** Read by an implementation of X.509 that shares nothing with the writer. */
const parse = (pem: string): X509Certificate => new X509Certificate(pem);

describe('a cluster CA', () => {
  it('is a self-signed certificate with the subject that the product shows', async () => {
    const ca = parse(createClusterCa({ clusterId: 'c-1' }).pem);
    expect(ca.subject).toMatch(/^CN=SANGFOR HCI, OU=[0-9a-f]{32}, O=HCI Cluster Manager CA$/);
    expect(ca.issuer).toBe(ca.subject);
    expect(await ca.isSelfSigned()).toBe(true);
    expect(ca.getExtension(BasicConstraintsExtension)?.ca).toBe(true);
  });

  it('is handed out as base64 of its DER, in one line without armour', () => {
    const ca = createClusterCa({ clusterId: 'c-1' });
    expect(ca.base64Der).toMatch(/^[A-Za-z0-9+/]+=*$/);
    expect(Buffer.from(ca.base64Der, 'base64')).toEqual(new NodeCertificate(ca.pem).raw);
  });

  it('is valid for ten years and more from whatever year a world or a client is in', () => {
    const ca = parse(createClusterCa({ clusterId: 'c-1' }).pem);
    expect(ca.notBefore.getUTCFullYear()).toBe(2020);
    expect(ca.notAfter.getUTCFullYear()).toBe(2049);
  });

  it('is another one for another cluster, and stays the same while it is asked', () => {
    const [one, two] = [createClusterCa({ clusterId: 'c-1' }), createClusterCa({ clusterId: 'c-2' })];
    expect(parse(one.pem).subject).not.toBe(parse(two.pem).subject);
    expect(one.pem).toBe(one.pem);
  });
});

describe("a host's certificate", () => {
  it('is signed by the CA and names the address of the host, 127.0.0.1 and localhost', async () => {
    const ca = createClusterCa({ clusterId: 'c-1' });
    const leaf = parse(ca.hostIdentity(HOST).pem);
    expect(
      await leaf.verify({ publicKey: await parse(ca.pem).publicKey.export(), signatureOnly: true }),
    ).toBe(true);
    expect(leaf.getExtension(SubjectAlternativeNameExtension)?.names.toJSON()).toEqual([
      { type: 'ip', value: HOST },
      { type: 'ip', value: '127.0.0.1' },
      { type: 'dns', value: 'localhost' },
    ]);
    expect(new NodeCertificate(leaf.toString('pem')).checkIP(HOST)).toBe(HOST);
  });

  it('fits its private key', () => {
    const { pem, privateKey } = createClusterCa({ clusterId: 'c-1' }).hostIdentity(HOST);
    expect(new NodeCertificate(pem).checkPrivateKey(privateKey)).toBe(true);
  });

  it('has a subject like the genuine one but does not verify when its CA is foreign', () => {
    const ca = createClusterCa({ clusterId: 'c-1' });
    const leaf = new NodeCertificate(ca.hostIdentity(HOST, 'foreign-ca').pem);
    const genuine = new NodeCertificate(ca.pem);
    expect(leaf.issuer).toBe(genuine.subject);
    expect(leaf.verify(genuine.publicKey)).toBe(false);
  });

  it('verifies but is over when it is expired, and verifies but names others when the host is wrong', () => {
    const ca = createClusterCa({ clusterId: 'c-1' });
    const expired = new NodeCertificate(ca.hostIdentity(HOST, 'expired').pem);
    const wrongHost = new NodeCertificate(ca.hostIdentity(HOST, 'wrong-host').pem);
    const { publicKey } = new NodeCertificate(ca.pem);
    expect([expired.verify(publicKey), wrongHost.verify(publicKey)]).toEqual([true, true]);
    expect(parse(expired.toString()).notAfter.getUTCFullYear()).toBe(2020);
    expect([wrongHost.checkIP(HOST), wrongHost.checkHost('localhost')]).toEqual([undefined, undefined]);
  });
});

describe("the platform's certificate", () => {
  it('names every address that it is asked for', () => {
    const { caPem, server } = createPlatformIdentity(['127.0.0.1', 'localhost', '192.0.2.7']);
    const leaf = new NodeCertificate(server.pem);
    expect(leaf.verify(new NodeCertificate(caPem).publicKey)).toBe(true);
    expect([leaf.checkIP('192.0.2.7'), leaf.checkHost('localhost')]).toEqual(['192.0.2.7', 'localhost']);
  });
});
