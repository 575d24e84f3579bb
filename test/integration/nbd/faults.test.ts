import { describe, expect, test } from 'vitest';
import {
  createOutputFilters,
  delayReplies,
  dropAfterBytes,
  oneByteAtATime,
  silenceAfterBytes,
} from '../../../simulator/fault/nbd-faults.ts';
import type { OutputFilter } from '../../../simulator/nbd/reply-output.ts';
import { NbdConnectionLost } from '../../../src/nbd/index.ts';
import { MemoryDevice } from '../../nbd/memory-device.ts';
import { NbdWorld } from '../../nbd/nbd-world.ts';
import { TestDirectory } from '../../nbd/test-directory.ts';
import { createMemoryPki } from '../../nbd/test-pki.ts';

const KIB = 1024;
const MIB = 2 ** 20;
const pki = createMemoryPki();

/** A world whose n-th connection suffers the n-th list of filters. */
function createWorld(...filters: (readonly OutputFilter[])[]): NbdWorld {
  const disk = new MemoryDevice({ sizeBytes: 8 * MIB });
  for (let at = 0; at < 8 * MIB; at += 64 * KIB) disk.fill(at, 64 * KIB, (at / (64 * KIB)) % 251);
  return new NbdWorld({
    directory: new TestDirectory({ disk }),
    secureContext: pki.secureContext,
    filters: (connection) => filters[connection - 1] ?? [],
  });
}

const contentOf = (world: NbdWorld): Buffer => (world.directory.find('disk', false) as MemoryDevice).bytes;

describe.each([
  { how: 'plain', tls: undefined },
  { how: 'over TLS', tls: { ca: pki.ca, host: '127.0.0.1' } },
])('$how, the client', ({ tls }) => {
  const options = { exportName: 'disk', ...(tls && { tls }) };

  test.each([0, 1, 15, 28, 29, 64 * KIB, 256 * KIB + 27, MIB + 5])(
    'reads on after a reset at byte %d of a reply',
    async (bytes) => {
      const world = createWorld([dropAfterBytes(bytes)]);
      const client = await world.connect(options);
      const before = world.clock.now();
      expect((await world.run(client.read(0, 8 * MIB))).equals(contentOf(world))).toBe(true);
      expect(client.reconnects).toBe(1);
      expect(world.clock.now() - before).toBe(200);
      await world.run(client.close());
      await world.settled();
      expect(world.log.filter((line) => line.includes('closed'))).toEqual([
        `1 closed: fault: dropped after ${bytes} bytes`,
        '2 closed: disconnect',
      ]);
    },
  );

  test('writes again what may have been lost', async () => {
    const world = createWorld([dropAfterBytes(20)], [dropAfterBytes(0)]);
    const client = await world.connect(options);
    const data = Buffer.alloc(2 * MIB, 'new');
    await world.run(client.write(MIB, data));
    expect(
      contentOf(world)
        .subarray(MIB, 3 * MIB)
        .equals(data),
    ).toBe(true);
    expect(client.reconnects).toBe(2);
  });

  test('gives up a silent connection after the timeout', async () => {
    const world = createWorld([silenceAfterBytes(MIB)]);
    const client = await world.connect({ ...options, requestTimeoutMs: 7000 });
    const before = world.clock.now();
    expect((await world.run(client.read(0, 8 * MIB))).equals(contentOf(world))).toBe(true);
    expect(world.clock.now() - before).toBe(7200);
    await world.run(client.close());
    await world.settled();
  });

  test('reads replies that come one byte at a time', async () => {
    const world = createWorld([oneByteAtATime()]);
    const client = await world.connect(options);
    expect((await world.run(client.read(0, 3 * KIB))).equals(contentOf(world).subarray(0, 3 * KIB))).toBe(
      true,
    );
    expect(client.reconnects).toBe(0);
  });

  test('comes to a stop after the retries', async () => {
    const world = createWorld(...Array.from({ length: 10 }, () => [dropAfterBytes(0)]));
    const client = await world.connect({ ...options, retries: 3 });
    const before = world.clock.now();
    await expect(world.run(client.read(0, 512))).rejects.toThrow(NbdConnectionLost);
    expect(world.clock.now() - before).toBe(200 + 400 + 800);
  });
});

test('replies that are delayed come later, in order', async () => {
  const world = createWorld();
  const slow = new NbdWorld({
    directory: world.directory,
    filters: () => [delayReplies(100, slow.clock)],
  });
  const client = await slow.connect({ exportName: 'disk' });
  const before = slow.clock.now();
  expect((await slow.run(client.read(0, 8 * MIB))).equals(contentOf(world))).toBe(true);
  expect(slow.clock.now() - before).toBeGreaterThanOrEqual(100);
  await slow.run(client.close());
  await slow.settled();
});

test('filters stack: a drop still counts bytes that go one at a time', async () => {
  const world = createWorld([dropAfterBytes(100), oneByteAtATime()]);
  const client = await world.connect({ exportName: 'disk' });
  expect((await world.run(client.read(0, 4 * KIB))).equals(contentOf(world).subarray(0, 4 * KIB))).toBe(true);
  expect(client.reconnects).toBe(1);
});

test('planned faults become filters, others are passed over', () => {
  const filters = createOutputFilters([
    { kind: 'drop-after-bytes', bytes: 1 },
    { kind: 'lose-reply' },
    { kind: 'silence-after-bytes', bytes: 1 },
    { kind: 'one-byte-at-a-time' },
  ]);
  expect(filters).toHaveLength(3);
});

test('a connection that its owner cuts ends at once, and is repeated elsewhere', async () => {
  const world = createWorld();
  const client = await world.connect({ exportName: 'disk' });
  for (const connection of world.directory.connections) connection.cut('lock time over');
  expect((await world.run(client.read(0, 512))).length).toBe(512);
  expect(world.log).toContain('1 closed: lock time over');
  expect(client.reconnects).toBe(1);
});

test('the wait before a reconnect is short again after a success', async () => {
  const world = createWorld([dropAfterBytes(MIB)], [dropAfterBytes(MIB)], [dropAfterBytes(MIB)]);
  const client = await world.connect({ exportName: 'disk' });
  const before = world.clock.now();
  expect((await world.run(client.read(0, 8 * MIB))).equals(contentOf(world))).toBe(true);
  expect(client.reconnects).toBe(3);
  expect(world.clock.now() - before).toBe(3 * 200);
});

test('the rest of a read is not asked for when a part of it has failed', async () => {
  const world = createWorld();
  const disk = world.directory.find('disk', false) as MemoryDevice;
  disk.read = () => Promise.reject(new Error('worn out'));
  const client = await world.connect({ exportName: 'disk', inFlight: 4 });
  await expect(world.run(client.read(0, 8 * MIB))).rejects.toMatchObject({ code: 'EIO' });
  await world.run(client.close());
  await world.settled();
  expect(world.log.filter((line) => line.includes('request')).length).toBeLessThanOrEqual(5);
});
