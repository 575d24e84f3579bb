import { describe, expect, it } from 'vitest';
import { patternBytes } from '../../../harness/oracle/write-pattern.ts';
import { createRememberingCodec } from '../../../harness/runner/remembering-codec.ts';
import { syncCodec } from '../../../src/repository/codec.ts';
import { decodeDocument, encodeDocument } from '../../../src/repository/document.ts';

const CHUNK_BYTES = 64 * 1024;

describe('remembering codec', () => {
  it('gives what the codec gives, the first time and again', () => {
    const codec = createRememberingCodec();
    for (const round of [1, 2])
      for (const number of [1, 2, 3]) {
        const bytes = patternBytes(number, 0, CHUNK_BYTES);
        expect(codec.hash(bytes), `round ${round}`).toBe(syncCodec.hash(bytes));
        expect(codec.compress(bytes)).toEqual(syncCodec.compress(bytes));
      }
  });

  it('reads a document once', async () => {
    const codec = createRememberingCodec();
    const bytes = await encodeDocument('restore point', { a: [1] }, codec);
    const read = await decodeDocument('restore point', bytes, codec);
    expect(read).toEqual({ a: [1] });
    expect(await decodeDocument('restore point', bytes, codec)).toBe(read);
  });

  it('does not take content for other content that looks alike', () => {
    const codec = createRememberingCodec();
    const one = new Uint8Array(CHUNK_BYTES);
    const other = new Uint8Array(CHUNK_BYTES);
    other[700] = 1;
    expect(codec.hash(one)).toBe(syncCodec.hash(one));
    expect(codec.hash(other)).toBe(syncCodec.hash(other));
  });

  it('knows what a buffer held when it was seen, not what it holds later', () => {
    const codec = createRememberingCodec();
    const bytes = new Uint8Array(CHUNK_BYTES);
    void codec.hash(bytes);
    bytes[700] = 1;
    expect(codec.hash(bytes)).toBe(syncCodec.hash(bytes));
  });

  it('goes on after having forgotten everything', () => {
    const codec = createRememberingCodec();
    const contents = Array.from({ length: 200 }, (_, at) => patternBytes(at + 1, 0, 16 * 1024));
    for (const bytes of [...contents, ...contents]) expect(codec.hash(bytes)).toBe(syncCodec.hash(bytes));
  });
});
