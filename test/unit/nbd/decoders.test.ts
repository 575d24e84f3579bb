import { describe, expect, test } from 'vitest';
import {
  encodeClientFlags,
  encodeGreeting,
  encodeInfoRequest,
  encodeOption,
  encodeOptionReply,
} from '../../../src/nbd/wire/encode-handshake.ts';
import {
  encodeDataChunk,
  encodeErrorChunk,
  encodeHoleChunk,
  encodeRequest,
  encodeSimpleReply,
  encodeStatusChunk,
} from '../../../src/nbd/wire/encode-transmission.ts';
import { HandshakeClientDecoder } from '../../../src/nbd/wire/handshake-client-decoder.ts';
import { HandshakeServerDecoder } from '../../../src/nbd/wire/handshake-server-decoder.ts';
import { ReplyDecoder, type ReplyHandler } from '../../../src/nbd/wire/reply-decoder.ts';
import { RequestDecoder } from '../../../src/nbd/wire/request-decoder.ts';

/** Feeds `bytes` cut at `at`, then byte by byte for `at` = -1, from memory that is overwritten after every push. */
function feed(bytes: Buffer, at: number, push: (chunk: Buffer) => void): void {
  const chunks =
    at < 0 ? [...bytes].map((byte) => Buffer.from([byte])) : [bytes.subarray(0, at), bytes.subarray(at)];
  for (const chunk of chunks) {
    const borrowed = Buffer.from(chunk);
    push(borrowed);
    if (isReused) borrowed.fill(0xee);
  }
}

let isReused = false;

/** Decodes `bytes` cut at every position; all ways must give the same events. */
function expectSameEverywhere(bytes: Buffer, decode: (at: number) => unknown[], count: number): void {
  const whole = decode(bytes.length);
  expect(whole).toHaveLength(count);
  for (let at = -1; at < bytes.length; at++) expect(decode(at)).toEqual(whole);
}

/** Everything a pulled decoder has to say, as plain data. */
function pull(next: () => object | undefined): object[] {
  const events: object[] = [];
  for (let event = next(); event !== undefined; event = next()) events.push(event);
  return events;
}

function collect(handled: unknown[], readBytes = 0): ReplyHandler {
  return {
    onSimple(cookie, errno) {
      handled.push(['simple', cookie, errno]);
      return errno === 0 ? readBytes : 0;
    },
    onDataChunk: (...args) => handled.push(['chunk', ...args]),
    onData(cookie, offset, bytes) {
      for (const [index, byte] of bytes.entries()) {
        handled.push(['byte', cookie, offset === undefined ? undefined : offset + index, byte]);
      }
    },
    onHole: (...args) => handled.push(['hole', ...args]),
    onStatus: (...args) => handled.push(['status', ...args]),
    onError: (...args) => handled.push(['error', ...args]),
    onDone: (cookie) => handled.push(['done', cookie]),
  };
}

const COOKIE = { cookieHigh: 0, cookieLow: 7 };

describe('the decoders, at every cut of their input', () => {
  test('read the handshake of a client', () => {
    const bytes = Buffer.concat([
      encodeClientFlags(3),
      encodeOption(8),
      encodeOption(7, encodeInfoRequest('disk', [3])),
      encodeOption(2),
    ]);
    const decode = (at: number): object[] => {
      const decoder = new HandshakeServerDecoder(1000);
      const events: object[] = [];
      feed(bytes, at, (chunk) => {
        decoder.push(chunk);
        events.push(...pull(() => decoder.next()));
      });
      expect(decoder.pendingBytes).toBe(0);
      return events;
    };
    expectSameEverywhere(bytes, decode, 4);
  });

  test('read the handshake of a server', () => {
    isReused = true;
    const bytes = Buffer.concat([
      encodeGreeting(3),
      encodeOptionReply(8, 1),
      encodeOptionReply(7, 3, Buffer.alloc(12, 1)),
      encodeOptionReply(7, 1),
    ]);
    const decode = (at: number): object[] => {
      const decoder = new HandshakeClientDecoder(1000);
      const events: object[] = [];
      feed(bytes, at, (chunk) => {
        decoder.push(chunk);
        events.push(...pull(() => decoder.next()));
      });
      return events;
    };
    expectSameEverywhere(bytes, decode, 4);
    isReused = false;
  });

  test('read requests, with payloads collected and skipped', () => {
    const payload = Buffer.from('twelve bytes');
    const bytes = Buffer.concat([
      encodeRequest(0, 4, 1, 2 ** 40 + 512, 4096),
      encodeRequest(1, 0, 2, 0, payload.length),
      payload,
      encodeRequest(1, 1, 3, 512, payload.length),
      payload,
      encodeRequest(3, 0, 0xffffffff, 0, 0),
    ]);
    const decode = (at: number): object[] => {
      const decoder = new RequestDecoder();
      const next = (): object | undefined => {
        const event = decoder.next();
        if (event?.kind === 'request' && event.type === 1) {
          if (event.flags === 0) decoder.collectPayload(event.length);
          else decoder.skipPayload(event.length);
        }
        return event?.kind === 'payload' ? { payload: event.bytes.toString() } : event;
      };
      const events: object[] = [];
      feed(bytes, at, (chunk) => {
        decoder.push(chunk);
        events.push(...pull(next));
      });
      return events;
    };
    expectSameEverywhere(bytes, decode, 6);
    expect(decode(0)).toMatchObject([
      { offset: 2 ** 40 + 512, length: 4096, cookieLow: 1 },
      { cookieLow: 2 },
      { payload: 'twelve bytes' },
      { cookieLow: 3 },
      { kind: 'skipped' },
      { type: 3, cookieLow: 0xffffffff },
    ]);
  });

  test('read structured replies of every kind', () => {
    isReused = true;
    const bytes = Buffer.concat([
      encodeDataChunk(COOKIE, false, 2 ** 33, 3),
      Buffer.from([1, 2, 3]),
      encodeHoleChunk(COOKIE, true, 2 ** 33 + 3, 5),
      encodeStatusChunk(COOKIE, false, 1, [
        { lengthBytes: 10, flags: 3 },
        { lengthBytes: 20, flags: 0 },
      ]),
      encodeErrorChunk(COOKIE, 5, 'worn out'),
      encodeSimpleReply(COOKIE, 28),
    ]);
    const decode = (at: number): unknown[] => {
      const handled: unknown[] = [];
      const decoder = new ReplyDecoder(collect(handled), true);
      feed(bytes, at, (chunk) => decoder.push(chunk));
      expect(decoder.isBetweenReplies).toBe(true);
      return handled;
    };
    expectSameEverywhere(bytes, decode, 11);
    isReused = false;
  });

  test('read simple replies with data', () => {
    const bytes = Buffer.concat([
      encodeSimpleReply(COOKIE, 0),
      Buffer.from('data!'),
      encodeSimpleReply(COOKIE, 22),
    ]);
    const decode = (at: number): unknown[] => {
      const handled: unknown[] = [];
      const decoder = new ReplyDecoder(collect(handled, 5), false);
      feed(bytes, at, (chunk) => decoder.push(chunk));
      return handled;
    };
    expectSameEverywhere(bytes, decode, 9);
  });
});

describe('lengths', () => {
  test('are refused before anything of an option is kept', () => {
    const decoder = new HandshakeServerDecoder(1000);
    decoder.push(encodeClientFlags(3));
    decoder.push(encodeOption(7, Buffer.alloc(1001)).subarray(0, 16));
    expect(pull(() => decoder.next())).toMatchObject([{ kind: 'client-flags' }, { kind: 'broken' }]);
    decoder.push(Buffer.alloc(1001));
    expect(decoder.next()).toBeUndefined();
  });

  test('are refused before anything of an option reply is kept', () => {
    const decoder = new HandshakeClientDecoder(1000);
    decoder.push(
      Buffer.concat([encodeGreeting(3), encodeOptionReply(7, 3, Buffer.alloc(1001)).subarray(0, 20)]),
    );
    expect(pull(() => decoder.next())).toMatchObject([{ kind: 'greeting' }, { kind: 'broken' }]);
  });
});
