import { describe, expect, test } from 'vitest';
import { MemoryDevice } from '../../nbd/memory-device.ts';
import { NbdWorld } from '../../nbd/nbd-world.ts';
import {
  ABORT,
  GO,
  infoData,
  metaData,
  option,
  RawClient,
  request,
  SET_META,
  STRUCTURED,
  text,
  u16,
  u32,
} from '../../nbd/raw-client.ts';
import { TestDirectory } from '../../nbd/test-directory.ts';

const MIB = 2 ** 20;

function createWorld(): NbdWorld {
  const disk = new MemoryDevice({ sizeBytes: MIB, bitmaps: { cp1: [1], cp2: [2] } }).fill(0, MIB, 1);
  const other = new MemoryDevice({ sizeBytes: MIB });
  return new NbdWorld({ directory: new TestDirectory({ disk, other }) });
}

const LIST_META = (...queries: string[]): Buffer => option(9, metaData('disk', ...queries));
const INFO = (name: string): Buffer => option(6, infoData(name));

interface Case {
  readonly name: string;
  readonly flags?: number;
  readonly say: readonly Buffer[];
  readonly answer: string;
}

const OPEN_FOR_MORE: readonly Case[] = [
  { name: 'an unknown option', say: [option(0x1234, Buffer.alloc(100))], answer: 'ERR_UNSUP' },
  { name: 'an option of 64 KiB', say: [option(0x1234, Buffer.alloc(65_536))], answer: 'ERR_UNSUP' },
  { name: 'LIST', say: [option(3)], answer: 'SERVER,SERVER,ACK' },
  { name: 'LIST with data', say: [option(3, 'x')], answer: 'ERR_INVALID' },
  {
    name: 'GO with a name longer than its data',
    say: [option(7, Buffer.concat([u32(9), u16(0)]))],
    answer: 'ERR_INVALID',
  },
  {
    name: 'GO with a name of 4 GiB',
    say: [option(7, Buffer.concat([u32(0xffffffff), u16(0)]))],
    answer: 'ERR_INVALID',
  },
  { name: 'GO with 2 bytes of data', say: [option(7, u16(0))], answer: 'ERR_INVALID' },
  { name: 'GO without data', say: [option(7)], answer: 'ERR_INVALID' },
  { name: 'GO with a name of 5000 bytes', say: [GO('x'.repeat(5000))], answer: 'ERR_INVALID' },
  { name: 'GO with a name of 4097 bytes', say: [GO('x'.repeat(4097))], answer: 'ERR_INVALID' },
  { name: 'GO with a name of 4096 bytes', say: [GO('x'.repeat(4096))], answer: 'ERR_UNKNOWN' },
  { name: 'GO with a name of 257 bytes', say: [GO('x'.repeat(257))], answer: 'ERR_UNKNOWN' },
  { name: 'GO with NUL in the name', say: [GO('di\0sk')], answer: 'ERR_INVALID' },
  { name: 'GO with bad UTF-8', say: [option(7, infoData(Buffer.from([0xc3, 0x28])))], answer: 'ERR_INVALID' },
  {
    name: 'GO that says 5 infos and has 1',
    say: [option(7, Buffer.concat([text('disk'), u16(5, 3)]))],
    answer: 'ERR_INVALID',
  },
  {
    name: 'GO with a byte too many',
    say: [option(7, Buffer.concat([infoData('disk', 3), Buffer.alloc(1)]))],
    answer: 'ERR_INVALID',
  },
  { name: 'GO with an unknown name', say: [GO('nobody')], answer: 'ERR_UNKNOWN' },
  { name: 'INFO', say: [INFO('disk')], answer: 'INFO,INFO,ACK' },
  { name: 'INFO with an unknown name', say: [INFO('nobody')], answer: 'ERR_UNKNOWN' },
  { name: 'INFO with malformed data', say: [option(6, u16(0))], answer: 'ERR_INVALID' },
  { name: 'STRUCTURED_REPLY twice', say: [STRUCTURED, STRUCTURED], answer: 'ACK,ACK' },
  { name: 'STRUCTURED_REPLY with data', say: [option(8, 'x')], answer: 'ERR_INVALID' },
  { name: 'EXTENDED_HEADERS', say: [option(11)], answer: 'ERR_UNSUP' },
  { name: 'STARTTLS without a certificate', say: [option(5)], answer: 'ERR_POLICY' },
  { name: 'STARTTLS with data', say: [option(5, 'x')], answer: 'ERR_INVALID' },
  { name: 'SET_META before structured replies', say: [SET_META('base:allocation')], answer: 'ERR_INVALID' },
  { name: 'LIST_META before structured replies', say: [LIST_META()], answer: 'META,META,META,ACK' },
  { name: 'LIST_META of base:', say: [LIST_META('base:')], answer: 'META,ACK' },
  { name: 'LIST_META of qemu:', say: [LIST_META('qemu:')], answer: 'META,META,ACK' },
  {
    name: 'LIST_META of qemu:dirty-bitmap:',
    say: [LIST_META('qemu:dirty-bitmap:')],
    answer: 'META,META,ACK',
  },
  { name: 'LIST_META of an unknown namespace', say: [LIST_META('x-other:')], answer: 'ACK' },
  { name: 'SET_META of a wildcard', say: [STRUCTURED, SET_META('base:')], answer: 'ACK,ACK' },
  { name: 'SET_META of nothing', say: [STRUCTURED, SET_META()], answer: 'ACK,ACK' },
  {
    name: 'SET_META of an unknown namespace',
    say: [STRUCTURED, SET_META('x-other:thing')],
    answer: 'ACK,ACK',
  },
  { name: 'SET_META without a colon', say: [STRUCTURED, SET_META('allocation')], answer: 'ACK,ACK' },
  {
    name: 'SET_META of the same twice',
    say: [STRUCTURED, SET_META('base:allocation', 'base:allocation')],
    answer: 'ACK,META,ACK',
  },
  {
    name: 'SET_META of 4 billion queries',
    say: [STRUCTURED, option(10, Buffer.concat([text('disk'), u32(0xffffffff)]))],
    answer: 'ACK,ERR_INVALID',
  },
  {
    name: 'SET_META with a query past the end',
    say: [STRUCTURED, option(10, Buffer.concat([text('disk'), u32(1, 99)]))],
    answer: 'ACK,ERR_INVALID',
  },
  {
    name: 'SET_META with trailing bytes',
    say: [STRUCTURED, option(10, Buffer.concat([metaData('disk'), Buffer.alloc(1)]))],
    answer: 'ACK,ERR_INVALID',
  },
  {
    name: 'SET_META of an unknown export',
    say: [STRUCTURED, option(10, metaData('nobody', 'base:allocation'))],
    answer: 'ACK,ERR_UNKNOWN',
  },
  {
    name: 'SET_META of 10000 bytes',
    say: [STRUCTURED, SET_META('x'.repeat(10_000))],
    answer: 'ACK,ERR_INVALID',
  },
];

const THE_END: readonly Case[] = [
  { name: 'unknown client flags', flags: 0xffffffff, say: [], answer: 'CLOSED' },
  { name: 'a wrong option magic', say: [Buffer.alloc(16, 'x')], answer: 'CLOSED' },
  { name: 'an option of 4 GiB', say: [option(0x1234, '', 0xffffffff)], answer: 'CLOSED' },
  { name: 'GO of 64 MiB announced', say: [option(7, '', 64 * MIB - 1)], answer: 'CLOSED' },
  { name: 'an option of 64 KiB and a byte', say: [option(0x1234, Buffer.alloc(65_537))], answer: 'CLOSED' },
  { name: 'EXPORT_NAME of an unknown name', say: [option(1, 'nobody')], answer: 'CLOSED' },
  { name: 'EXPORT_NAME with bad UTF-8', say: [option(1, Buffer.from([0xff]))], answer: 'CLOSED' },
  { name: 'ABORT', say: [ABORT], answer: 'ACK,CLOSED' },
  { name: 'ABORT with data', say: [option(2, 'bye')], answer: 'ACK,CLOSED' },
];

describe('the handshake', () => {
  test.each(OPEN_FOR_MORE)('answers $name and goes on', async ({ say, answer }) => {
    const client = await RawClient.greet(createWorld());
    await client.say(...say);
    expect(client.optionReplies()).toBe(answer);
    await client.say(ABORT);
    expect(client.optionReplies()).toBe('ACK,CLOSED');
  });

  test.each(THE_END)('ends at $name', async ({ flags, say, answer }) => {
    const world = createWorld();
    const client = await RawClient.greet(world, flags);
    await client.say(...say);
    expect(client.optionReplies()).toBe(answer);
    await world.settled();
  });

  test('takes nothing but EXPORT_NAME from a client without fixed newstyle', async () => {
    const client = await RawClient.greet(createWorld(), 0);
    await client.say(GO());
    expect(client.optionReplies()).toBe('ERR_INVALID');
  });

  test.each([
    { flags: 0, reply: 10 + 124 },
    { flags: 1, reply: 10 + 124 },
    { flags: 3, reply: 10 },
  ])('answers EXPORT_NAME with $reply bytes for client flags $flags', async ({ flags, reply }) => {
    const client = await RawClient.greet(createWorld(), flags);
    await client.say(option(1, 'disk'));
    const answer = client.take(reply);
    expect(answer.readBigUInt64BE(0)).toBe(BigInt(MIB));
    expect(answer.subarray(10).every((byte) => byte === 0)).toBe(true);
    await client.say(request({ type: 0, length: 512 }));
    expect(client.replies(512)).toBe('simple:DATA512');
  });

  test.each([
    { infos: [], answer: 'INFO,INFO,ACK' },
    { infos: [3], answer: 'INFO,INFO,ACK' },
    { infos: [3, 3, 0, 1, 2, 999], answer: 'INFO,INFO,INFO,INFO,ACK' },
  ])('opens with the infos $infos', async ({ infos, answer }) => {
    const client = await RawClient.greet(createWorld());
    await client.say(GO('disk', ...infos));
    expect(client.optionReplies()).toBe(answer);
    await client.say(request({ type: 0, length: 512 }));
    expect(client.replies(512)).toBe('simple:DATA512');
  });

  test('gives the same data to INFO and to the GO after it', async () => {
    const client = await RawClient.greet(createWorld());
    await client.say(INFO('disk'));
    const first = client.take(client.receivedBytes);
    await client.say(GO());
    const second = client.take(client.receivedBytes);
    // Only the echoed option number differs.
    expect(first.toString('hex').replaceAll('565a900000006', '')).toBe(
      second.toString('hex').replaceAll('565a900000007', ''),
    );
  });

  test('forgets meta contexts of another export than the one opened', async () => {
    const client = await RawClient.greet(createWorld());
    await client.say(STRUCTURED, option(10, metaData('other', 'base:allocation')), GO());
    expect(client.optionReplies()).toBe('ACK,META,ACK,INFO,INFO,ACK');
    await client.say(request({ type: 7, length: 512 }));
    expect(client.replies()).toBe('sr:EINVAL');
  });

  test('forgets meta contexts when a later SET_META fails', async () => {
    const client = await RawClient.greet(createWorld());
    await client.say(STRUCTURED, SET_META('base:allocation'), option(10, u16(0)), GO());
    expect(client.optionReplies()).toBe('ACK,META,ACK,ERR_INVALID,INFO,INFO,ACK');
    await client.say(request({ type: 7, length: 512 }));
    expect(client.replies()).toBe('sr:EINVAL');
  });

  test('ends after 256 options', async () => {
    const world = createWorld();
    const client = await RawClient.greet(world);
    await client.say(...Array.from({ length: 1000 }, () => STRUCTURED));
    expect(client.isClosed).toBe(true);
    expect(world.log.filter((line) => line === '1 STRUCTURED_REPLY ACK')).toHaveLength(256);
    expect(world.log.at(-1)).toBe('1 closed: too many options');
  });

  test('drops what a client still sends after ABORT', async () => {
    const world = createWorld();
    const client = await RawClient.greet(world);
    await client.say(ABORT);
    await client.say(Buffer.alloc(MIB), GO());
    expect(client.optionReplies()).toBe('ACK,CLOSED');
    await client.endInput();
    await world.settled();
    expect(world.log.at(-1)).toBe('1 closed: abort');
  });

  test('understands a client that sends one byte at a time', async () => {
    const client = await RawClient.greet(createWorld());
    for (const byte of Buffer.concat([STRUCTURED, GO()])) await client.say(Buffer.from([byte]));
    expect(client.optionReplies()).toBe('ACK,INFO,INFO,ACK');
    for (const byte of request({ type: 0, length: 512 })) await client.say(Buffer.from([byte]));
    expect(client.replies()).toBe('sr:DATA512');
  });

  test('understands a client that says everything in one segment', async () => {
    const client = await RawClient.connect(createWorld());
    client.take(18);
    await client.say(u32(3), STRUCTURED, GO(), request({ type: 0, length: 512 }));
    const bytes = client.take(20 + 34 + 32 + 20);
    expect(bytes.length).toBe(106);
    expect(client.replies()).toBe('sr:DATA512');
  });

  test('ends a client that never speaks', async () => {
    const world = createWorld();
    const client = await RawClient.connect(world);
    await world.clock.advanceBy(9_999);
    expect(client.isClosed).toBe(false);
    await world.clock.advanceBy(1);
    expect(client.isClosed).toBe(true);
    expect(world.log.at(-1)).toBe('1 closed: handshake timeout');
  });

  test('ends a client that speaks too slowly', async () => {
    const world = createWorld();
    const client = await RawClient.greet(world);
    for (const byte of option(0x1234, Buffer.alloc(100))) {
      await client.say(Buffer.from([byte]));
      await world.clock.advanceBy(100);
    }
    expect(client.isClosed).toBe(true);
  });

  test('survives a client that leaves at any byte', async () => {
    const session = Buffer.concat([
      u32(3),
      STRUCTURED,
      SET_META('base:allocation'),
      GO(),
      request({ type: 0, length: 512 }),
    ]);
    const world = createWorld();
    for (let end = 0; end <= session.length; end++) {
      const client = await RawClient.connect(world);
      await client.say(session.subarray(0, end));
      await client.reset();
    }
    await world.settled();
    expect(world.log.filter((line) => line.includes('closed'))).toHaveLength(session.length + 1);
    expect(world.directory.connections.size).toBe(0);
  });
});
