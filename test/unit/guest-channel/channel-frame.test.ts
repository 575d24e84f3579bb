import { describe, expect, it } from 'vitest';
import {
  answerPayloadBytes,
  ChannelProtocolError,
  encodeFrame,
  FrameDecoder,
  MAX_PIECE_BYTES,
  requestPayloadBytes,
} from '../../../src/guest-channel/channel-frame.ts';

type Frame = readonly [words: string, payload: string];

function decode(payloadBytes: (words: readonly string[]) => number, pieces: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder({
    payloadBytes,
    onFrame: (words, payload) => frames.push([words.join(' '), payload.toString('latin1')]),
  });
  for (const piece of pieces) decoder.push(piece);
  return frames;
}

describe('frames of the channel', () => {
  it('are the same wherever the stream is cut', () => {
    const stream = Buffer.from(
      '1 hello\n2 write vdb 7 0 5\n\n\0\n1 3 read vdb 7 512 1024\n4 exec 10 3\nls\n',
      'latin1',
    );
    const whole = decode(requestPayloadBytes, [stream]);
    expect(whole).toEqual([
      ['1 hello', ''],
      ['2 write vdb 7 0 5', '\n\0\n1 '],
      ['3 read vdb 7 512 1024', ''],
      ['4 exec 10 3', 'ls\n'],
    ]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const pieces = [stream.subarray(0, cut), stream.subarray(cut)];
      expect(decode(requestPayloadBytes, pieces)).toEqual(whole);
    }
    expect(
      decode(
        requestPayloadBytes,
        Array.from(stream, (byte) => Buffer.from([byte])),
      ),
    ).toEqual(whole);
  });

  it('of answers carry what their third word says', () => {
    const stream = Buffer.from('7 ok 3\nabc8 gone 0\n9 failed 2\nno');
    expect(decode(answerPayloadBytes, [stream])).toEqual([
      ['7 ok 3', 'abc'],
      ['8 gone 0', ''],
      ['9 failed 2', 'no'],
    ]);
  });

  it.each([
    ['a length that is none', '1 write vdb 7 0 many\n'],
    ['a negative length', '1 write vdb 7 0 -1\n'],
    ['no length', '1 exec 5\n'],
    ['more than a piece', `1 write vdb 7 0 ${MAX_PIECE_BYTES + 1}\n`],
    ['a line that does not end', 'x'.repeat(256)],
  ])('with %s end the conversation', (_, text) => {
    expect(() => decode(requestPayloadBytes, [Buffer.from(text)])).toThrow(ChannelProtocolError);
  });

  it('are lines of words', () => {
    expect(encodeFrame([1, 'read', 'vdb', '7', 0, 512]).toString()).toBe('1 read vdb 7 0 512\n');
  });
});
