import { createIdSource } from '../../src/kernel/ids.ts';
import type { Rng } from '../../src/kernel/rng.ts';
import type { CredentialSpec } from '../domain/inventory.ts';

/** The logins of a generated world: one platform administrator, and a tenant that may do nothing of a backup. */
export function generateCredentials(rng: Rng): CredentialSpec[] {
  const ids = createIdSource(rng.fork('credentials'));
  const login = (username: string, role: CredentialSpec['role']): CredentialSpec => ({
    username,
    password: simplePassword(username),
    accessKey: ids.hex(32),
    secretKey: ids.hex(40),
    role,
  });
  return [login('svc-backup', 'admin'), login('tenant-a', 'tenant')];
}

/** Known to everybody who knows the user: good enough where only this machine can connect. */
export const simplePassword = (username: string): string => `${username}-secret`;
