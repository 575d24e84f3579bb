import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createHmacKey, hmacSha256, hmacSha256Hex, sha256Hex } from '../../../src/kernel/hmac-sha256.ts';

describe('HMAC-SHA-256', () => {
  it.each([0, 1, 31, 32, 63, 64, 65, 200])('is what OpenSSL makes of a key of %i bytes', (keyBytes) => {
    const secret = Buffer.from(Array.from({ length: keyBytes }, (_, at) => (at * 37 + 11) % 256));
    const key = createHmacKey(secret);
    for (const text of ['', 'a', 'x'.repeat(64), '盘é\u{1f4be}', 'y'.repeat(1000)]) {
      const expected = createHmac('sha256', secret).update(text, 'utf8').digest();
      expect(hmacSha256(key, text)).toEqual(expected);
      expect(hmacSha256Hex(key, text)).toBe(expected.toString('hex'));
    }
  });

  it('takes neither another text nor another key for the one before', () => {
    const expected = (secret: string, text: string): string =>
      createHmac('sha256', secret).update(text).digest('hex');
    const [one, other] = ['one', 'other'].map((secret) => createHmacKey(Buffer.from(secret)));
    if (one === undefined || other === undefined) throw new Error('no keys');
    for (const text of ['a', 'a', 'b', 'a']) {
      expect(hmacSha256Hex(one, text)).toBe(expected('one', text));
      expect(hmacSha256Hex(other, text)).toBe(expected('other', text));
      expect(sha256Hex(text)).toBe(createHash('sha256').update(text).digest('hex'));
    }
  });

  it('gives results that later ones leave alone', () => {
    const key = createHmacKey(Buffer.from('secret'));
    const first = hmacSha256(key, 'one');
    const copy = Buffer.from(first);
    hmacSha256(key, 'two');
    expect(first).toEqual(copy);
  });
});
