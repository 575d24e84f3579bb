import { describe, expect, it } from 'vitest';
import { syncCodec } from '../../../src/repository/codec.ts';
import { decodeDocument, encodeDocument } from '../../../src/repository/document.ts';
import { DamagedDocument } from '../../../src/repository/errors.ts';

const body = { name: 'Grün "quoted" \\ \u2028', list: [1, 2.5, null, true], nested: { empty: {} } };

describe('document', () => {
  it('gives back its body and is one line of plain JSON', async () => {
    const bytes = await encodeDocument('test thing', body, syncCodec);
    expect(await decodeDocument('test thing', bytes, syncCodec)).toEqual(body);
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({
      format: 'backlot test thing',
      version: 1,
      body,
    });
    expect(Buffer.from(bytes).indexOf('\n')).toBe(bytes.length - 1);
  });

  it('recognises every single flipped bit', async () => {
    const bytes = await encodeDocument('test thing', body, syncCodec);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Uint8Array.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await expect(decodeDocument('test thing', damaged, syncCodec), `bit ${bit}`).rejects.toThrow(
        DamagedDocument,
      );
    }
  });

  it('recognises every truncation and appended bytes', async () => {
    const bytes = await encodeDocument('test thing', body, syncCodec);
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      await expect(decodeDocument('test thing', cut, syncCodec), `${length} bytes`).rejects.toThrow(
        DamagedDocument,
      );
    }
    const longer = Buffer.concat([bytes, Buffer.from('\n')]);
    await expect(decodeDocument('test thing', longer, syncCodec)).rejects.toThrow(DamagedDocument);
  });

  it('refuses a document of another kind', async () => {
    const bytes = await encodeDocument('test thing', body, syncCodec);
    await expect(decodeDocument('other thing', bytes, syncCodec)).rejects.toThrow(DamagedDocument);
  });

  it('says so when a newer version wrote it', async () => {
    const text = Buffer.from(await encodeDocument('test thing', body, syncCodec)).toString();
    const newer = Buffer.from(text.replace('"version":1', '"version":2'));
    await expect(decodeDocument('test thing', newer, syncCodec)).rejects.toThrow(/newer version .format 2/);
  });
});
