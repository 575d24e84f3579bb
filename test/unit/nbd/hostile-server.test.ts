import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import {
  connectNbd,
  type NbdClient,
  NbdConnectionLost,
  NbdError,
  NbdProtocolError,
  NbdRefused,
  NbdTlsError,
  listNbdExports,
} from '../../../src/nbd/index.ts';
import { text, u16, u32 } from '../../nbd/raw-client.ts';
import {
  ack,
  chunk,
  dataPayload,
  greeting,
  holePayload,
  infoExport,
  infoSizes,
  metaContext,
  optionReply,
  type Script,
  ScriptedServer,
  type ScriptedRequest,
  SCRIPTED_BYTES,
  simple,
} from '../../nbd/scripted-server.ts';

const KIB = 1024;
const both = Buffer.concat.bind(Buffer);

function connect(server: ScriptedServer, clock: VirtualClock): Promise<NbdClient> {
  return clock.run(connectNbd({ dial: server.dial, exportName: 'disk', retries: 2 }, clock));
}

const HANDSHAKES: readonly { name: string; script: Script }[] = [
  { name: 'a wrong greeting magic', script: { greeting: greeting(3, 'NBDMAGIK') } },
  {
    name: 'an oldstyle greeting',
    script: { greeting: greeting(3, 'NBDMAGIC', '\0\0\x42\x02\x81\x86\x12\x53') },
  },
  { name: 'no fixed newstyle', script: { greeting: greeting(2) } },
  { name: 'a wrong option reply magic', script: { options: { 8: Buffer.alloc(20) } } },
  { name: 'a reply to another option', script: { options: { 8: ack(7) } } },
  { name: 'an option reply of 4 GiB', script: { options: { 8: optionReply(8, 1, '', 0xffffffff) } } },
  { name: 'ACK with data', script: { options: { 8: optionReply(8, 1, 'x') } } },
  { name: 'INFO in answer to STRUCTURED_REPLY', script: { options: { 8: optionReply(8, 3, 'xx') } } },
  {
    name: 'a context that was not asked for',
    script: { options: { 10: both([metaContext(1, 'x-a:b'), ack(10)]) } },
  },
  {
    name: 'a context given twice',
    script: {
      options: { 10: both([metaContext(1, 'base:allocation'), metaContext(2, 'base:allocation'), ack(10)]) },
    },
  },
  { name: 'a context without an id', script: { options: { 10: both([optionReply(10, 4, 'x'), ack(10)]) } } },
  {
    name: 'endless INFO',
    script: { options: { 7: both(Array.from({ length: 300 }, () => optionReply(7, 3, u16(99)))) } },
  },
  { name: 'INFO of one byte', script: { options: { 7: optionReply(7, 3, 'x') } } },
  {
    name: 'INFO_EXPORT that is too short',
    script: { options: { 7: optionReply(7, 3, both([u16(0), u32(1)])) } },
  },
  {
    name: 'BLOCK_SIZE that is too short',
    script: { options: { 7: optionReply(7, 3, both([u16(3), u32(1)])) } },
  },
  { name: 'SERVER in answer to GO', script: { options: { 7: optionReply(7, 2, text('disk')) } } },
  { name: 'ACK without INFO_EXPORT', script: { options: { 7: ack(7) } } },
  { name: 'a size of 2^64-1', script: { options: { 7: both([infoExport(2n ** 64n - 1n), ack(7)]) } } },
  { name: 'flags without HAS_FLAGS', script: { options: { 7: both([infoExport(1024, 4), ack(7)]) } } },
  {
    name: 'a size that is no multiple of the block',
    script: { options: { 7: both([infoSizes(4096, 4096, 2 ** 20), infoExport(5000), ack(7)]) } },
  },
  ...[0, 3, 2 ** 17].map((min) => ({
    name: `a minimum block of ${min}`,
    script: { options: { 7: both([infoSizes(min, 2 ** 18, 2 ** 20), infoExport(2 ** 20), ack(7)]) } },
  })),
  {
    name: 'a preferred block of 3000',
    script: { options: { 7: both([infoSizes(1, 3000, 2 ** 20), ack(7)]) } },
  },
  {
    name: 'a preferred block below the minimum',
    script: { options: { 7: both([infoSizes(4096, 512, 2 ** 20), ack(7)]) } },
  },
  {
    name: 'a maximum below the minimum',
    script: { options: { 7: both([infoSizes(4096, 4096, 512), ack(7)]) } },
  },
];

describe('the client, in the handshake', () => {
  test.each(HANDSHAKES)('refuses $name', async ({ script }) => {
    const server = new ScriptedServer(script);
    await expect(connect(server, new VirtualClock(0))).rejects.toThrow(NbdProtocolError);
    expect(server.connections).toBe(1);
  });

  test.each([
    { reply: 0x80000006, name: 'ERR_UNKNOWN' },
    { reply: 0x80000005, name: 'ERR_TLS_REQD' },
    { reply: 0x80000002, name: 'ERR_POLICY' },
  ])('reports $name', async ({ reply, name }) => {
    const server = new ScriptedServer({ options: { 7: optionReply(7, reply, 'because') } });
    const error = await connect(server, new VirtualClock(0)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NbdRefused);
    expect(error).toMatchObject({ reply: name });
  });

  test('gives up a server that says nothing', async () => {
    const clock = new VirtualClock(0);
    const server = new ScriptedServer({ greeting: Buffer.alloc(0) });
    await expect(connect(server, clock)).rejects.toThrow('no connection within 30000 ms');
    expect(clock.now()).toBe(30_000);
  });

  test('never falls back to plain when TLS is refused', async () => {
    const server = new ScriptedServer({});
    const tls = { ca: '', host: 'localhost' };
    const clock = new VirtualClock(0);
    const work = clock.run(connectNbd({ dial: server.dial, exportName: 'disk', tls }, clock));
    await expect(work).rejects.toThrow(NbdTlsError);
    expect(server.connections).toBe(1);
  });

  test('refuses plain bytes that come with the answer to STARTTLS', async () => {
    const server = new ScriptedServer({ options: { 5: both([ack(5), ack(8)]) } });
    const tls = { ca: '', host: 'localhost' };
    const clock = new VirtualClock(0);
    const work = clock.run(connectNbd({ dial: server.dial, exportName: 'disk', tls }, clock));
    await expect(work).rejects.toThrow(NbdProtocolError);
  });

  test('does without what the server does not know', async () => {
    const unsupported = { 8: optionReply(8, 0x80000001) };
    const answer = (request: ScriptedRequest): Buffer =>
      simple(request.cookie, 0, Buffer.alloc(request.length, 3));
    const clock = new VirtualClock(0);
    const client = await connect(new ScriptedServer({ options: unsupported, answer }), clock);
    expect(client.info.metaContexts).toEqual([]);
    expect((await clock.run(client.read(0, 512))).equals(Buffer.alloc(512, 3))).toBe(true);
  });

  test('lists exports, and refuses malformed lists', async () => {
    const clock = new VirtualClock(0);
    const honest = new ScriptedServer({});
    expect(await clock.run(listNbdExports({ dial: honest.dial }, clock))).toEqual([
      { name: 'disk', description: '' },
    ]);
    const hostile = new ScriptedServer({ options: { 3: optionReply(3, 2, u32(99)) } });
    await expect(clock.run(listNbdExports({ dial: hostile.dial }, clock))).rejects.toThrow(NbdProtocolError);
  });
});

type Answer = (request: ScriptedRequest) => Buffer;
type Work = (client: NbdClient) => Promise<unknown>;

const READ: Work = (client) => client.read(KIB, KIB);
const FLUSH: Work = (client) => client.flush();
const WRITE: Work = (client) => client.write(0, Buffer.alloc(KIB));
const STATUS: Work = (client) => client.blockStatus('base:allocation', 0, 4 * KIB);

const data = (cookie: Buffer, offset: number | bigint, bytes: number, isDone = true): Buffer =>
  chunk(cookie, 1, dataPayload(offset, bytes), isDone);
const status = (cookie: Buffer, ...numbers: number[]): Buffer => chunk(cookie, 5, u32(...numbers));
const errorPayload = (errno: number, announced: number, message: string): Buffer =>
  both([u32(errno), u16(announced), Buffer.from(message)]);

const TRANSMISSIONS: readonly { name: string; work: Work; answer: Answer; isStructured?: boolean }[] = [
  { name: 'a wrong magic', work: READ, answer: () => Buffer.alloc(32, 1) },
  { name: 'an unknown cookie', work: FLUSH, answer: () => simple(Buffer.alloc(8, 9)) },
  { name: 'content before the request', work: READ, answer: ({ cookie }) => data(cookie, 0, KIB) },
  { name: 'content after the request', work: READ, answer: ({ cookie }) => data(cookie, KIB + 1, KIB) },
  { name: 'content at 2^64-1', work: READ, answer: ({ cookie }) => data(cookie, 2n ** 64n - 1n, KIB) },
  {
    name: 'overlapping content',
    work: READ,
    answer: ({ cookie }) => both([data(cookie, KIB, 600, false), data(cookie, KIB + 500, 524)]),
  },
  {
    name: 'content with a gap',
    work: READ,
    answer: ({ cookie }) => both([data(cookie, KIB, 500, false), data(cookie, KIB + 501, 523)]),
  },
  { name: 'no content at all', work: READ, answer: ({ cookie }) => chunk(cookie, 0, Buffer.alloc(0)) },
  {
    name: 'a hole over content',
    work: READ,
    answer: ({ cookie }) => both([data(cookie, KIB, KIB, false), chunk(cookie, 2, holePayload(KIB, 1))]),
  },
  {
    name: 'a hole of no bytes',
    work: READ,
    answer: ({ cookie }) => chunk(cookie, 2, holePayload(KIB, 0), false),
  },
  {
    name: 'a hole of 13 bytes of payload',
    work: READ,
    answer: ({ cookie }) => chunk(cookie, 2, Buffer.alloc(13)),
  },
  { name: 'content of no bytes', work: READ, answer: ({ cookie }) => data(cookie, KIB, 0) },
  { name: 'NONE with a payload', work: READ, answer: ({ cookie }) => chunk(cookie, 0, Buffer.alloc(1)) },
  {
    name: 'NONE without DONE',
    work: FLUSH,
    answer: ({ cookie }) => chunk(cookie, 0, Buffer.alloc(0), false),
  },
  {
    name: 'a simple reply to READ',
    work: READ,
    answer: ({ cookie }) => simple(cookie, 0, Buffer.alloc(KIB)),
  },
  {
    name: 'a structured reply that was not negotiated',
    isStructured: false,
    work: READ,
    answer: ({ cookie }) => data(cookie, KIB, KIB),
  },
  { name: 'content in answer to FLUSH', work: FLUSH, answer: ({ cookie }) => data(cookie, 0, KIB) },
  { name: 'content in answer to WRITE', work: WRITE, answer: ({ cookie }) => data(cookie, 0, KIB) },
  {
    name: 'a hole in answer to WRITE',
    work: WRITE,
    answer: ({ cookie }) => chunk(cookie, 2, holePayload(0, KIB)),
  },
  { name: 'status in answer to READ', work: READ, answer: ({ cookie }) => status(cookie, 1, KIB, 0) },
  {
    name: 'a chunk of 4 GiB',
    work: READ,
    answer: ({ cookie }) => chunk(cookie, 1, dataPayload(KIB, 0), true, 0xffffffff),
  },
  {
    name: 'a status of 4 GiB',
    work: STATUS,
    answer: ({ cookie }) => chunk(cookie, 5, Buffer.alloc(0), true, 0xffffffff),
  },
  {
    name: 'an error of 4 GiB',
    work: READ,
    answer: ({ cookie }) => chunk(cookie, 0x8001, Buffer.alloc(0), true, 0xffffffff),
  },
  { name: 'an unknown chunk type', work: READ, answer: ({ cookie }) => chunk(cookie, 77, Buffer.alloc(0)) },
  { name: 'error 0', work: READ, answer: ({ cookie }) => chunk(cookie, 0x8001, errorPayload(0, 0, '')) },
  {
    name: 'an error message longer than its chunk',
    work: READ,
    answer: ({ cookie }) => chunk(cookie, 0x8001, errorPayload(5, 99, 'short')),
  },
  {
    name: 'an error message shorter than its chunk',
    work: READ,
    answer: ({ cookie }) => chunk(cookie, 0x8001, errorPayload(5, 2, 'short')),
  },
  {
    name: 'an error chunk without a message length',
    work: READ,
    answer: ({ cookie }) => chunk(cookie, 0x8001, u32(5)),
  },
  { name: 'status of another context', work: STATUS, answer: ({ cookie }) => status(cookie, 2, 4 * KIB, 0) },
  { name: 'an extent of no bytes', work: STATUS, answer: ({ cookie }) => status(cookie, 1, 0, 0) },
  { name: 'half an extent', work: STATUS, answer: ({ cookie }) => status(cookie, 1, 4 * KIB, 0, 1) },
  { name: 'status without an extent', work: STATUS, answer: ({ cookie }) => status(cookie, 1) },
  {
    name: 'more extents than asked for',
    work: STATUS,
    answer: ({ cookie }) => status(cookie, 1, 4 * KIB, 0, KIB, 3),
  },
  {
    name: 'extents past the end of the export',
    work: STATUS,
    answer: ({ cookie }) => status(cookie, 1, SCRIPTED_BYTES + 1, 0),
  },
  {
    name: 'status given twice',
    work: STATUS,
    answer: ({ cookie }) => both([chunk(cookie, 5, u32(1, KIB, 0), false), status(cookie, 1, KIB, 0)]),
  },
  { name: 'no status', work: STATUS, answer: ({ cookie }) => chunk(cookie, 0, Buffer.alloc(0)) },
  { name: 'a simple OK to BLOCK_STATUS', work: STATUS, answer: ({ cookie }) => simple(cookie) },
];

const NO_STRUCTURED: Script = { options: { 8: optionReply(8, 0x80000001) } };

describe('the client, in transmission', () => {
  test.each(TRANSMISSIONS)('refuses $name and does not ask again', async ({ work, answer, isStructured }) => {
    const server = new ScriptedServer({ ...(isStructured === false && NO_STRUCTURED), answer });
    const clock = new VirtualClock(0);
    const client = await connect(server, clock);
    await expect(clock.run(work(client))).rejects.toThrow(NbdProtocolError);
    expect(server.requests).toHaveLength(1);
    expect(server.connections).toBe(1);
  });

  test('refuses a second reply, at the cost of everybody else on the connection', async () => {
    const answer = ({ type, cookie }: ScriptedRequest): Buffer =>
      type === 3 ? both([simple(cookie), simple(cookie)]) : Buffer.alloc(0);
    const clock = new VirtualClock(0);
    const client = await connect(new ScriptedServer({ answer }), clock);
    const waiting = clock.run(READ(client)).catch((error: unknown) => error);
    await clock.run(FLUSH(client));
    expect(await waiting).toBeInstanceOf(NbdProtocolError);
  });
});

describe('the client, when a server fails', () => {
  test.each([
    {
      name: 'a structured error',
      answer: ({ cookie }: ScriptedRequest) => chunk(cookie, 0x8001, errorPayload(5, 8, 'worn out')),
      code: 'EIO',
    },
    {
      name: 'a structured error with an offset',
      answer: ({ cookie }: ScriptedRequest) =>
        chunk(cookie, 0x8002, both([errorPayload(12, 0, ''), Buffer.alloc(8)])),
      code: 'ENOMEM',
    },
    {
      name: 'an error after some content',
      answer: ({ cookie }: ScriptedRequest) =>
        both([data(cookie, KIB, 100, false), chunk(cookie, 0x8001, errorPayload(5, 0, ''))]),
      code: 'EIO',
    },
    {
      name: 'an unknown error number',
      answer: ({ cookie }: ScriptedRequest) => chunk(cookie, 0x8001, errorPayload(4711, 0, '')),
      code: 'EINVAL',
    },
    {
      name: 'an unknown kind of error',
      answer: ({ cookie }: ScriptedRequest) => chunk(cookie, 0x8765, errorPayload(75, 0, '')),
      code: 'EOVERFLOW',
    },
    {
      name: 'a server that is shutting down',
      answer: ({ cookie }: ScriptedRequest) => chunk(cookie, 0x8001, errorPayload(108, 0, '')),
      code: 'ESHUTDOWN',
    },
  ])('reports $name as $code', async ({ answer, code }) => {
    const clock = new VirtualClock(0);
    const server = new ScriptedServer({ answer });
    const client = await connect(server, clock);
    const error = await clock.run(READ(client)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NbdError);
    expect(error).toMatchObject({ code });
    expect(server.requests).toEqual([0]);
  });

  test('leaves a server that is shutting down', async () => {
    const answer = ({ cookie, offset, length }: ScriptedRequest, connection: number): Buffer =>
      connection === 1 ? chunk(cookie, 0x8001, errorPayload(108, 0, '')) : data(cookie, offset, length);
    const clock = new VirtualClock(0);
    const server = new ScriptedServer({ answer });
    const client = await connect(server, clock);
    await expect(clock.run(READ(client))).rejects.toThrow('ESHUTDOWN');
    await clock.run(READ(client));
    expect(server.connections).toBe(2);
  });

  test('repeats the exact range on a new connection when one closes in the middle of a chunk', async () => {
    const asked: ScriptedRequest[] = [];
    const answer = (request: ScriptedRequest, connection: number): Buffer | { close: Buffer } => {
      asked.push(request);
      const whole = data(request.cookie, request.offset, request.length);
      return connection === 1 ? { close: whole.subarray(0, 500) } : whole;
    };
    const clock = new VirtualClock(0);
    const client = await connect(new ScriptedServer({ answer }), clock);
    expect((await clock.run(client.read(KIB, KIB))).equals(Buffer.alloc(KIB, 0x5a))).toBe(true);
    expect(asked.map(({ offset, length }) => [offset, length])).toEqual([
      [KIB, KIB],
      [KIB, KIB],
    ]);
    expect(client.reconnects).toBe(1);
    expect(clock.now()).toBe(200);
  });

  test('gives up after the retries, with longer and longer waits', async () => {
    const clock = new VirtualClock(0);
    const server = new ScriptedServer({ answer: () => ({ close: Buffer.alloc(0) }) });
    const client = await connect(server, clock);
    await expect(clock.run(READ(client))).rejects.toThrow(NbdConnectionLost);
    expect(server.connections).toBe(3);
    expect(clock.now()).toBe(200 + 400);
  });

  test('gives up a request that is never answered', async () => {
    const clock = new VirtualClock(0);
    const server = new ScriptedServer({});
    const client = await clock.run(
      connectNbd(
        { dial: server.dial, exportName: 'disk', retries: 1, requestTimeoutMs: 1000, retryDelayMs: 50 },
        clock,
      ),
    );
    await expect(clock.run(READ(client))).rejects.toThrow('no answer for 1000 ms');
    expect(clock.now()).toBe(2050);
    expect(server.connections).toBe(2);
  });

  test('does not go on with another disk after reconnecting', async () => {
    let sizeBytes = SCRIPTED_BYTES;
    const options = {
      get 7() {
        const answer = both([infoExport(sizeBytes), ack(7)]);
        sizeBytes += KIB;
        return answer;
      },
    };
    const clock = new VirtualClock(0);
    const client = await connect(
      new ScriptedServer({ options, answer: () => ({ close: Buffer.alloc(0) }) }),
      clock,
    );
    await expect(clock.run(READ(client))).rejects.toThrow(NbdProtocolError);
  });
});
