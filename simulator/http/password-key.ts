/**
 * The RSA key under which passwords travel at login. One per process, made at first use: it takes a tenth of a
 * second, and most runs use access keys.
 * @source SCP OpenAPI 6.11.1, public-key; 6.11.3 guide for OAEP
 * @fidelity documented; the hash of OAEP: assumed, SHA-1 or SHA-256
 */
import { constants, generateKeyPairSync, type KeyObject, privateDecrypt } from 'node:crypto';

export type PasswordPadding = 'pkcs1' | 'oaep';

export class PasswordKey {
  #pair: { readonly modulus: string; readonly key: KeyObject } | undefined;

  /** Upper-case hex of the modulus, ended by a newline as the product does. */
  get publicKey(): string {
    return `${this.#make().modulus}\n`;
  }

  /** The plain password, or `undefined` when the ciphertext is none of this key's. */
  decrypt(cipherHex: string, padding: PasswordPadding): string | undefined {
    const { key } = this.#make();
    const cipher = Buffer.from(cipherHex, 'hex');
    const plain = padding === 'pkcs1' ? decryptPkcs1(key, cipher) : decryptOaep(key, cipher);
    return plain?.toString('utf8');
  }

  #make(): { readonly modulus: string; readonly key: KeyObject } {
    if (this.#pair === undefined) {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const { n = '' } = publicKey.export({ format: 'jwk' });
      this.#pair = { modulus: Buffer.from(n, 'base64url').toString('hex').toUpperCase(), key: privateKey };
    }
    return this.#pair;
  }
}

/**
 * `00 02 <8 or more non-zero bytes> 00 <message>`. Unpadded here, because OpenSSL answers a bad padding with random
 * bytes (implicit rejection). Timing may tell good from bad padding: the simulator guards nothing.
 */
function decryptPkcs1(key: KeyObject, cipher: Buffer): Buffer | undefined {
  const block = decryptWith(() => privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, cipher));
  if (block === undefined || block[0] !== 0 || block[1] !== 2) return undefined;
  const end = block.indexOf(0, 2);
  return end < 10 ? undefined : block.subarray(end + 1);
}

function decryptOaep(key: KeyObject, cipher: Buffer): Buffer | undefined {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return (
    decryptWith(() => privateDecrypt({ key, padding, oaepHash: 'sha1' }, cipher)) ??
    decryptWith(() => privateDecrypt({ key, padding, oaepHash: 'sha256' }, cipher))
  );
}

function decryptWith(decrypt: () => Buffer): Buffer | undefined {
  try {
    return decrypt();
  } catch {
    return undefined;
  }
}
