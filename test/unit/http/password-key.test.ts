import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PasswordKey } from '../../../simulator/http/password-key.ts';

const key = new PasswordKey();
const modulus = Buffer.from(key.publicKey.trim(), 'hex');
const publicKey = createPublicKey({
  key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' },
  format: 'jwk',
});

const encrypt = (password: string, padding: number, oaepHash?: string): string =>
  publicEncrypt(
    { key: publicKey, padding, ...(oaepHash === undefined ? {} : { oaepHash }) },
    Buffer.from(password),
  ).toString('hex');

describe('the password key', () => {
  it('is an RSA-2048 modulus in upper-case hex with a newline', () => {
    expect(key.publicKey).toMatch(/^[0-9A-F]{512}\n$/);
    expect(key.publicKey).toBe(key.publicKey);
  });

  it.each(['', 'a', 'Passwört 密码', 'x'.repeat(200)])('opens a v1 password %o', (password) => {
    expect(key.decrypt(encrypt(password, constants.RSA_PKCS1_PADDING), 'pkcs1')).toBe(password);
  });

  it.each(['sha1', 'sha256'])('opens a v2 password under OAEP with %s', (hash) => {
    expect(key.decrypt(encrypt('secret', constants.RSA_PKCS1_OAEP_PADDING, hash), 'oaep')).toBe('secret');
  });

  it('does not take one padding for the other', () => {
    expect(key.decrypt(encrypt('secret', constants.RSA_PKCS1_PADDING), 'oaep')).toBeUndefined();
    expect(key.decrypt(encrypt('secret', constants.RSA_PKCS1_OAEP_PADDING), 'pkcs1')).toBeUndefined();
  });

  it.each(['', '00', 'zz', 'ff'.repeat(256), 'ff'.repeat(300)])('opens nothing from %o', (cipher) => {
    expect(key.decrypt(cipher, 'pkcs1')).toBeUndefined();
    expect(key.decrypt(cipher, 'oaep')).toBeUndefined();
  });
});
