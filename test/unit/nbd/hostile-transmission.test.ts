import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/kernel/clock.ts';
import { MemoryDevice } from '../../nbd/memory-device.ts';
import { NbdWorld, type NbdWorldOptions } from '../../nbd/nbd-world.ts';
import { type RawRequest, RawClient, request } from '../../nbd/raw-client.ts';
import { TestDirectory } from '../../nbd/test-directory.ts';

const KIB = 1024;
const MIB = 2 ** 20;
const SIZE = 64 * MIB;
const READ = 0;
const WRITE = 1;
const DISC = 2;
const FLUSH = 3;
const TRIM = 4;
const CACHE = 5;
const ZEROES = 6;
const STATUS = 7;
const FUA = 1;
const NO_HOLE = 2;
const DF = 4;
const REQ_ONE = 8;
const FAST_ZERO = 16;

interface Setup {
  readonly isAsync?: boolean;
  readonly isReadOnly?: boolean;
  readonly structured?: boolean;
  readonly contexts?: string[];
}

interface Case extends Setup {
  readonly name: string;
  readonly ask: RawRequest;
  readonly answer: string;
}

/** Data, but for the second MiB, which is a hole. */
function createWorld(setup: Setup = {}, options: Partial<NbdWorldOptions> = {}): NbdWorld {
  const { isReadOnly = false, isAsync = false } = setup;
  const disk = new MemoryDevice({ sizeBytes: SIZE, isReadOnly, isAsync, bitmaps: { cp: [1, 3] } });
  disk.fill(0, MIB, 1).fill(2 * MIB, SIZE - 2 * MIB, 2);
  return new NbdWorld({ directory: new TestDirectory({ disk }), ...options });
}

const payload = (bytes: number): Buffer => Buffer.alloc(bytes, 0x5a);
const ALLOCATION = ['base:allocation'];
const TWO = ['base:allocation', 'qemu:dirty-bitmap:cp'];

const ANSWERED: readonly Case[] = [
  { name: 'READ', ask: { type: READ, length: 512 }, answer: 'sr:DATA512' },
  {
    name: 'READ without structured replies',
    structured: false,
    ask: { type: READ, length: 512 },
    answer: 'simple:DATA512',
  },
  { name: 'READ of a hole', ask: { type: READ, offset: MIB, length: 64 * KIB }, answer: 'sr:HOLE65536' },
  {
    name: 'READ of a hole between data',
    ask: { type: READ, offset: MIB - 512, length: MIB + KIB },
    answer: 'sr:DATA512+,sr:HOLE1048576+,sr:DATA512',
  },
  {
    name: 'READ of a hole with DF',
    ask: { type: READ, flags: DF, offset: MIB - 512, length: KIB },
    answer: 'sr:DATA1024',
  },
  {
    name: 'READ of 64 KiB with DF',
    ask: { type: READ, flags: DF, length: 64 * KIB },
    answer: 'sr:DATA65536',
  },
  {
    name: 'READ with DF without structured replies',
    structured: false,
    ask: { type: READ, flags: DF, length: 512 },
    answer: 'simple:EINVAL',
  },
  { name: 'READ of the last byte', ask: { type: READ, offset: SIZE - 1, length: 1 }, answer: 'sr:DATA1' },
  { name: 'READ past the end', ask: { type: READ, offset: SIZE, length: 512 }, answer: 'sr:EINVAL' },
  {
    name: 'READ past the end without structured replies',
    structured: false,
    ask: { type: READ, offset: SIZE, length: 512 },
    answer: 'simple:EINVAL',
  },
  { name: 'READ across the end', ask: { type: READ, offset: SIZE - 511, length: 512 }, answer: 'sr:EINVAL' },
  { name: 'READ at 2^64-1', ask: { type: READ, offset: 2n ** 64n - 1n, length: 512 }, answer: 'sr:EINVAL' },
  { name: 'READ at 2^63', ask: { type: READ, offset: 2n ** 63n, length: 512 }, answer: 'sr:EINVAL' },
  { name: 'READ of nothing', ask: { type: READ, length: 0 }, answer: 'sr:EINVAL' },
  { name: 'READ of 4 GiB', ask: { type: READ, length: 0xffffffff }, answer: 'sr:EINVAL' },
  { name: 'READ of 32 MiB', ask: { type: READ, flags: DF, length: 32 * MIB }, answer: 'sr:DATA33554432' },
  { name: 'READ of 33 MiB', ask: { type: READ, length: 33 * MIB }, answer: 'sr:EINVAL' },
  { name: 'READ with FUA', ask: { type: READ, flags: FUA, length: 512 }, answer: 'sr:DATA512' },
  { name: 'READ with an unknown flag', ask: { type: READ, flags: 0x8000, length: 512 }, answer: 'sr:EINVAL' },
  { name: 'READ with REQ_ONE', ask: { type: READ, flags: REQ_ONE, length: 512 }, answer: 'sr:EINVAL' },
  { name: 'an unknown command', ask: { type: 99 }, answer: 'simple:EINVAL' },
  { name: 'WRITE', ask: { type: WRITE, length: 4096, payload: payload(4096) }, answer: 'simple:OK' },
  {
    name: 'WRITE with FUA',
    ask: { type: WRITE, flags: FUA, length: 512, payload: payload(512) },
    answer: 'simple:OK',
  },
  {
    name: 'WRITE with an unknown flag',
    ask: { type: WRITE, flags: DF, length: 512, payload: payload(512) },
    answer: 'simple:EINVAL',
  },
  {
    name: 'WRITE on a read-only export',
    isReadOnly: true,
    ask: { type: WRITE, length: 4096, payload: payload(4096) },
    answer: 'simple:EPERM',
  },
  {
    name: 'WRITE past the end',
    ask: { type: WRITE, offset: SIZE, length: 512, payload: payload(512) },
    answer: 'simple:ENOSPC',
  },
  { name: 'WRITE of nothing', ask: { type: WRITE }, answer: 'simple:EINVAL' },
  {
    name: 'WRITE of 33 MiB',
    ask: { type: WRITE, length: 33 * MIB, payload: payload(33 * MIB) },
    answer: 'simple:EINVAL',
  },
  { name: 'FLUSH', ask: { type: FLUSH }, answer: 'simple:OK' },
  { name: 'FLUSH with a length', ask: { type: FLUSH, length: 512 }, answer: 'simple:EINVAL' },
  { name: 'FLUSH with an offset', ask: { type: FLUSH, offset: 512 }, answer: 'simple:EINVAL' },
  { name: 'TRIM', ask: { type: TRIM, length: 64 * KIB }, answer: 'simple:OK' },
  {
    name: 'TRIM on a read-only export',
    isReadOnly: true,
    ask: { type: TRIM, length: 64 * KIB },
    answer: 'simple:EPERM',
  },
  { name: 'TRIM of 4 GiB', ask: { type: TRIM, length: 0xffffffff }, answer: 'simple:EINVAL' },
  { name: 'WRITE_ZEROES', ask: { type: ZEROES, length: 64 * KIB }, answer: 'simple:OK' },
  { name: 'WRITE_ZEROES of the whole disk', ask: { type: ZEROES, length: SIZE }, answer: 'simple:OK' },
  {
    name: 'WRITE_ZEROES with NO_HOLE',
    ask: { type: ZEROES, flags: NO_HOLE, length: 64 * KIB },
    answer: 'simple:OK',
  },
  {
    name: 'WRITE_ZEROES past the end',
    ask: { type: ZEROES, offset: SIZE, length: 512 },
    answer: 'simple:ENOSPC',
  },
  {
    name: 'WRITE_ZEROES with FAST_ZERO',
    ask: { type: ZEROES, flags: FAST_ZERO, length: 512 },
    answer: 'simple:EINVAL',
  },
  {
    name: 'WRITE_ZEROES on a read-only export',
    isReadOnly: true,
    ask: { type: ZEROES, length: 512 },
    answer: 'simple:EPERM',
  },
  { name: 'CACHE', ask: { type: CACHE, length: 512 }, answer: 'simple:OK' },
  { name: 'CACHE past the end', ask: { type: CACHE, offset: SIZE, length: 512 }, answer: 'simple:EINVAL' },
  { name: 'BLOCK_STATUS without a context', ask: { type: STATUS, length: 512 }, answer: 'sr:EINVAL' },
  {
    name: 'BLOCK_STATUS without structured replies',
    structured: false,
    ask: { type: STATUS, length: 512 },
    answer: 'simple:EINVAL',
  },
  {
    name: 'BLOCK_STATUS',
    contexts: ALLOCATION,
    ask: { type: STATUS, length: 4 * MIB },
    answer: 'sr:STATUS3',
  },
  {
    name: 'BLOCK_STATUS of two contexts',
    contexts: TWO,
    ask: { type: STATUS, length: 20 * KIB },
    answer: 'sr:STATUS1+,sr:STATUS5',
  },
  {
    name: 'BLOCK_STATUS with REQ_ONE',
    contexts: TWO,
    ask: { type: STATUS, flags: REQ_ONE, length: 4 * MIB },
    answer: 'sr:STATUS1+,sr:STATUS1',
  },
  { name: 'BLOCK_STATUS of nothing', contexts: ALLOCATION, ask: { type: STATUS }, answer: 'sr:EINVAL' },
  {
    name: 'BLOCK_STATUS longer than the disk',
    contexts: ALLOCATION,
    ask: { type: STATUS, length: SIZE + 1 },
    answer: 'sr:EINVAL',
  },
  {
    name: 'BLOCK_STATUS of the last byte',
    contexts: ALLOCATION,
    ask: { type: STATUS, offset: SIZE - 1, length: 1 },
    answer: 'sr:STATUS1',
  },
  {
    name: 'BLOCK_STATUS at an odd byte',
    contexts: ALLOCATION,
    ask: { type: STATUS, flags: REQ_ONE, offset: 777, length: 1 },
    answer: 'sr:STATUS1',
  },
];

const ENDED: readonly Case[] = [
  { name: 'a wrong request magic', ask: { type: READ, length: 512, magic: 0x12345678 }, answer: 'CLOSED' },
  { name: 'an option in mid-transmission', ask: { type: READ, magic: 0x49484156 }, answer: 'CLOSED' },
  { name: 'WRITE of 4 GiB', ask: { type: WRITE, length: 0xffffffff }, answer: 'CLOSED' },
];

describe('transmission', () => {
  test.each(ANSWERED)('answers $name and stays in step', async ({ ask, answer, ...setup }) => {
    const client = await RawClient.open(createWorld(setup), setup);
    await client.say(request(ask));
    expect(client.replies(ask.type === READ ? ask.length : 0)).toBe(answer);
    const isStructured = setup.structured ?? true;
    await client.say(request({ type: READ, flags: isStructured ? DF : 0, offset: SIZE - 512, length: 512 }));
    expect(client.replies(512)).toBe(isStructured ? 'sr:DATA512' : 'simple:DATA512');
  });

  test.each(ENDED)('ends at $name', async ({ ask, answer }) => {
    const world = createWorld();
    const client = await RawClient.open(world);
    await client.say(request(ask));
    expect(client.replies()).toBe(answer);
    await world.settled();
    expect(world.directory.connections.size).toBe(0);
  });

  test('writes nothing of a payload that is cut off', async () => {
    const world = createWorld();
    const client = await RawClient.open(world);
    await client.say(request({ type: WRITE, length: 4096, payload: payload(4095) }));
    await client.reset();
    await world.settled();
    expect(world.log.filter((line) => line.includes('reply'))).toEqual([]);
    const disk = world.directory.find('disk', false) as MemoryDevice;
    expect(disk.bytes.subarray(0, 4096).every((byte) => byte === 1)).toBe(true);
  });

  test.each([
    {
      name: 'DISC',
      end: async (client: RawClient) => client.say(request({ type: DISC })),
      why: 'disconnect',
    },
    { name: 'closing its side', end: (client: RawClient) => client.endInput(), why: 'client gone' },
  ])('answers what was asked before $name', async ({ end, why }) => {
    for (const isAsync of [false, true]) {
      const world = createWorld({ isAsync });
      const client = await RawClient.open(world);
      const asks = Array.from({ length: 8 }, () => request({ type: READ, length: MIB }));
      await Promise.all([client.say(...asks), end(client)]);
      expect(client.replies()).toBe(`${'sr:DATA1048576,'.repeat(8)}CLOSED`);
      await world.settled();
      expect(world.log.at(-1)).toBe(`1 closed: ${why}`);
    }
  });

  test('waits for the disk before it closes after DISC', async () => {
    const world = createWorld();
    const disk = world.directory.find('disk', false) as MemoryDevice;
    disk.read = (_offset, length) => sleep(world.clock, 500).then(() => [Buffer.alloc(length)]);
    const client = await RawClient.open(world);
    await client.say(request({ type: READ, length: 512 }), request({ type: DISC }));
    expect(client.replies()).toBe('');
    await world.clock.advanceBy(500);
    expect(client.replies()).toBe('sr:DATA512,CLOSED');
  });

  test('reads a disk of more pieces than it names holes in', async () => {
    const disk = new MemoryDevice({ sizeBytes: MIB });
    for (let at = 0; at < MIB; at += 8192) disk.fill(at, 4096, 1);
    const world = new NbdWorld({ directory: new TestDirectory({ disk }) });
    const client = await RawClient.open(world);
    await client.say(request({ type: READ, length: MIB }));
    const chunks = client.replies().split(',');
    const bytes = chunks.map((chunk) => Number(/\d+/.exec(chunk)?.[0]));
    expect(bytes.reduce((sum, length) => sum + length, 0)).toBe(MIB);
    expect(chunks.at(-1)).toMatch(/^sr:DATA\d+$/);
  });

  test('answers nothing after DISC', async () => {
    const client = await RawClient.open(createWorld());
    await client.say(request({ type: DISC }), request({ type: READ, length: 512 }));
    await client.say(Buffer.alloc(MIB));
    expect(client.replies()).toBe('CLOSED');
  });

  test('answers three requests of the same cookie three times', async () => {
    const client = await RawClient.open(createWorld());
    await client.say(...Array.from({ length: 3 }, () => request({ type: READ, length: 4096 })));
    expect(client.replies()).toBe('sr:DATA4096,sr:DATA4096,sr:DATA4096');
  });

  test('echoes a cookie of any bytes', async () => {
    const client = await RawClient.open(createWorld(), { structured: false });
    const ask = request({ type: FLUSH });
    ask.write('ffeeddccbbaa9988', 8, 'hex');
    await client.say(ask);
    expect(client.take(16).toString('hex', 8)).toBe('ffeeddccbbaa9988');
  });

  test('stops taking requests while the client does not read', async () => {
    const world = createWorld({ isReadOnly: true });
    const client = await RawClient.open(world);
    client.stopReading();
    await client.say(
      ...Array.from({ length: 200 }, () => request({ type: READ, flags: DF, length: 32 * MIB })),
    );
    const taken = world.log.filter((line) => line.includes('request')).length;
    expect(taken).toBe(1);
    await client.reset();
    await world.settled();
  });

  test('takes as many small requests as fit and the rest when the client reads on', async () => {
    const world = createWorld({}, { limits: { maxQueuedBytes: 10 * 4096 } });
    const client = await RawClient.open(world);
    await client.say(...Array.from({ length: 500 }, () => request({ type: READ, length: 4096 })));
    expect(client.replies().split(',')).toHaveLength(500);
  });

  test('gives up a client that never takes the last reply', async () => {
    const world = createWorld({ isReadOnly: true });
    const client = await RawClient.open(world);
    client.stopReading();
    await client.say(request({ type: READ, flags: DF, length: MIB / 2 }), request({ type: DISC }));
    await world.clock.advanceBy(9_999);
    expect(world.log.join()).not.toContain('closed');
    await world.clock.advanceBy(1);
    expect(world.log.at(-1)).toBe('1 closed: disconnect');
  });

  test('survives a client that leaves while replies are queued', async () => {
    const world = createWorld();
    const client = await RawClient.open(world);
    client.stopReading();
    await client.say(...Array.from({ length: 50 }, () => request({ type: READ, length: MIB })));
    await client.reset();
    await world.settled();
    expect(world.directory.connections.size).toBe(0);
  });

  test('answers a million extents in pieces of the limit', async () => {
    const world = createWorld({}, { limits: { maxExtents: 3 } });
    const client = await RawClient.open(world, { contexts: ['qemu:dirty-bitmap:cp'] });
    await client.say(request({ type: STATUS, length: MIB }));
    expect(client.replies()).toBe('sr:STATUS3');
  });

  test('answers EIO when the disk fails, and goes on', async () => {
    const world = createWorld();
    const disk = world.directory.find('disk', false) as MemoryDevice;
    const client = await RawClient.open(world);
    disk.read = () => Promise.reject(new Error('worn out'));
    await client.say(request({ type: READ, length: 512 }));
    expect(client.replies()).toBe('sr:EIO');
    disk.blockStatus = () => {
      throw new Error('worn out');
    };
    await client.say(request({ type: READ, length: 512 }));
    expect(client.replies()).toBe('sr:EIO');
    disk.write = () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    await client.say(request({ type: WRITE, length: 512, payload: payload(512) }));
    expect(client.replies()).toBe('simple:ENOSPC');
  });

  test('flushes before it answers a request with FUA', async () => {
    const world = createWorld();
    const disk = world.directory.find('disk', false) as MemoryDevice;
    const client = await RawClient.open(world);
    await client.say(request({ type: WRITE, length: 512, payload: payload(512) }));
    expect(disk.flushes).toBe(0);
    await client.say(request({ type: WRITE, flags: FUA, length: 512, payload: payload(512) }));
    await client.say(request({ type: TRIM, flags: FUA, length: 4096 }));
    expect(disk.flushes).toBe(2);
  });
});
