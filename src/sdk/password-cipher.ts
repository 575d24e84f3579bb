/**
 * The password on its way to the platform: RSA with the platform's public key, as lower-case hex.
 * @source SCP OpenAPI 6.11.1, public-key; SCP 6.11.3 guide, authenticate v2
 */
import { constants, createPublicKey, type KeyObject, publicEncrypt } from 'node:crypto';
import { ProtocolError } from './protocol-error.ts';

export type PasswordPadding = 'pkcs1' | 'oaep';

/** Big-endian bytes of 65537, in base64url as a JWK has them; the platform never sends the exponent. */
const EXPONENT = 'AQAB';

/**
 * @param modulusHex the modulus as the platform sends it: hex, either case, perhaps ended by a newline
 * @throws ProtocolError when the key is no RSA modulus
 */
export function encryptPassword(modulusHex: string, password: string, padding: PasswordPadding): string {
  const key = publicKeyOf(modulusHex.trim());
  const plain = Buffer.from(password, 'utf8');
  const options =
    padding === 'pkcs1'
      ? { key, padding: constants.RSA_PKCS1_PADDING }
      : { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' };
  return publicEncrypt(options, plain).toString('hex');
}

function publicKeyOf(modulusHex: string): KeyObject {
  if (!/^(?:[0-9a-fA-F]{2}){128,}$/.test(modulusHex))
    throw new ProtocolError('public-key', 'public_key', 'is no RSA modulus in hex');
  const n = Buffer.from(modulusHex, 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n, e: EXPONENT }, format: 'jwk' });
}
