/** Certificates in the files that qemu, libnbd and nbdkit look for. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { createClusterCa } from '../../simulator/app/pki.ts';

export interface MemoryPki {
  readonly ca: string;
  readonly secureContext: () => SecureContext;
}

export interface TestPki extends MemoryPki {
  /** Holds ca-cert.pem, server-cert.pem and server-key.pem. */
  readonly folder: string;
}

let clusters = 0;

/** A new authority, and a server's certificate for 127.0.0.1 and localhost. */
export function createMemoryPki(): MemoryPki {
  return issue();
}

/** The same, in files. */
export function createTestPki(folder: string): TestPki {
  const { ca, certificate, key, secureContext } = issue();
  mkdirSync(folder);
  writeFileSync(join(folder, 'ca-cert.pem'), ca);
  writeFileSync(join(folder, 'server-cert.pem'), certificate);
  writeFileSync(join(folder, 'server-key.pem'), key);
  return { ca, secureContext, folder };
}

function issue() {
  const authority = createClusterCa({ clusterId: `test ${++clusters}` });
  const { pem: certificate, keyPem: key } = authority.hostIdentity('127.0.0.1');
  const context = createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' });
  return { ca: authority.pem, certificate, key, secureContext: () => context };
}
