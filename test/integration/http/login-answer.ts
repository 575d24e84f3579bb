/** Logs in the way clients do, with Node's own RSA. */
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import type { Answer, Testbed } from './api-testbed.ts';

export interface LoginOptions {
  readonly password?: string;
  readonly oaepHash?: 'sha1' | 'sha256';
}

export async function loginAnswer(
  testbed: Testbed,
  version: 'v1' | 'v2',
  { password = testbed.credential.password, oaepHash = 'sha1' }: LoginOptions = {},
): Promise<Answer> {
  const cipher = await encryptPassword(testbed, version, password, oaepHash);
  return testbed.call(
    version === 'v1' ? 'authenticate' : 'authenticate.v2',
    {},
    {
      headers: { Authorization: '' },
      body: { auth: { passwordCredentials: { username: testbed.credential.username, password: cipher } } },
    },
  );
}

export async function encryptPassword(
  { call }: Testbed,
  version: 'v1' | 'v2',
  password: string,
  oaepHash = 'sha1',
): Promise<string> {
  const name = version === 'v1' ? 'public-key' : 'public-key.v2';
  const { body } = await call(name, {}, { headers: { Authorization: '' } });
  const modulus = Buffer.from(String(body.data.public_key).trim(), 'hex');
  const key = createPublicKey({
    key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' },
    format: 'jwk',
  });
  const padding = version === 'v1' ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_OAEP_PADDING;
  return publicEncrypt({ key, padding, oaepHash }, Buffer.from(password)).toString('hex');
}
