import { getEventListeners } from 'node:events';
import { duplexPair } from 'node:stream';
import { expect, test } from 'vitest';
import { dropAfterBytes, silenceAfterBytes } from '../../../simulator/fault/nbd-faults.ts';
import { NbdConnectionLost, type NbdDial } from '../../../src/nbd/index.ts';
import { MemoryDevice } from '../../nbd/memory-device.ts';
import { NbdWorld } from '../../nbd/nbd-world.ts';
import { TestDirectory } from '../../nbd/test-directory.ts';

const MIB = 2 ** 20;

/** A world whose first connection never answers. */
function createSilentWorld(): NbdWorld {
  const disk = new MemoryDevice({ sizeBytes: 8 * MIB }).fill(0, 8 * MIB, 1);
  return new NbdWorld({
    directory: new TestDirectory({ disk }),
    filters: (connection) => (connection === 1 ? [silenceAfterBytes(0)] : []),
  });
}

test('an aborted request fails at once with the reason of the signal', async () => {
  const world = createSilentWorld();
  const client = await world.connect({ exportName: 'disk' });
  const controller = new AbortController();
  const reason = new Error('enough');
  world.clock.setTimer(world.clock.now() + 500, () => controller.abort(reason));
  const before = world.clock.now();
  await expect(world.run(client.read(0, 4 * MIB, controller.signal))).rejects.toBe(reason);
  expect(world.clock.now() - before).toBe(500);
});

test('an aborted signal keeps a request from being sent', async () => {
  const world = createSilentWorld();
  const client = await world.connect({ exportName: 'disk' });
  await expect(world.run(client.read(0, 512, AbortSignal.abort(new Error('no'))))).rejects.toThrow('no');
  expect(world.log.filter((line) => line.includes('request'))).toEqual([]);
});

test('requests that wait for their turn can be aborted, and leave it to others', async () => {
  const world = createSilentWorld();
  const client = await world.connect({
    exportName: 'disk',
    inFlight: 1,
    requestTimeoutMs: 1000,
    retryDelayMs: 1,
  });
  const controller = new AbortController();
  const first = client.read(0, 512);
  const second = client.read(512, 512, controller.signal);
  const third = client.read(1024, 512);
  controller.abort(new Error('enough'));
  await expect(world.run(second)).rejects.toThrow('enough');
  expect((await world.run(first)).length).toBe(512);
  expect((await world.run(third)).length).toBe(512);
});

test('a reply to an aborted request does not disturb the next', async () => {
  const disk = new MemoryDevice({ sizeBytes: MIB, isAsync: true }).fill(0, MIB, 1);
  const world = new NbdWorld({ directory: new TestDirectory({ disk }) });
  const client = await world.connect({ exportName: 'disk' });
  const controller = new AbortController();
  const first = client.read(0, 512, controller.signal).catch((error: unknown) => error);
  await new Promise<void>((resolve) => process.nextTick(resolve));
  controller.abort(new Error('enough'));
  expect((await world.run(client.read(512, 512))).equals(Buffer.alloc(512, 1))).toBe(true);
  expect(await first).toBeInstanceOf(Error);
  expect(client.reconnects).toBe(0);
});

test('closing ends requests under way and their waits', async () => {
  const world = createSilentWorld();
  const client = await world.connect({ exportName: 'disk' });
  const reading = world.run(client.read(0, 4 * MIB)).catch((error: unknown) => error);
  await client.close();
  expect(await reading).toBeInstanceOf(NbdConnectionLost);
  await world.settled();
  await expect(world.run(client.read(0, 512))).rejects.toThrow(NbdConnectionLost);
});

test('a closed client opens no connection any more, one that it never had neither', async () => {
  const disk = new MemoryDevice({ sizeBytes: MIB }).fill(0, MIB, 1);
  const world = new NbdWorld({ directory: new TestDirectory({ disk }) });
  const client = await world.connect({ exportName: 'disk', connections: 2 });
  await client.close();
  const reads = [client.read(0, 512), client.read(512, 512)];
  for (const { reason } of (await world.run(Promise.allSettled(reads))) as PromiseRejectedResult[])
    expect(reason).toBeInstanceOf(NbdConnectionLost);
  expect(world.connections).toBe(1);
});

test('a client leaves nothing behind on the signal that may end its opening', async () => {
  const disk = new MemoryDevice({ sizeBytes: MIB }).fill(0, MIB, 1);
  const filters = (connection: number) => (connection === 1 ? [dropAfterBytes(0)] : []);
  const world = new NbdWorld({ directory: new TestDirectory({ disk }), filters });
  const { signal } = new AbortController();
  const client = await world.connect({ exportName: 'disk', signal });
  await world.run(client.read(0, 512));
  expect(client.reconnects).toBe(1);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

/** Aborts after half a second of virtual time. */
function abortSoon(world: NbdWorld): { reason: Error; signal: AbortSignal; afterMs: () => number } {
  const controller = new AbortController();
  const reason = new Error('enough');
  const startedAtMs = world.clock.now();
  world.clock.setTimer(startedAtMs + 500, () => controller.abort(reason));
  return { reason, signal: controller.signal, afterMs: () => world.clock.now() - startedAtMs };
}

const neverDials: NbdDial = () => new Promise(() => undefined);
const neverGreets: NbdDial = () => Promise.resolve(duplexPair()[0]);

test.each([
  ['dialling', neverDials],
  ['the handshake', neverGreets],
])('an abort during %s ends opening at once with the reason of the signal', async (_, dial) => {
  const world = createSilentWorld();
  const { reason, signal, afterMs } = abortSoon(world);
  await expect(world.connect({ exportName: 'disk', dial, signal })).rejects.toBe(reason);
  expect(afterMs()).toBe(500);
});

test('an aborted signal keeps a client from dialling', async () => {
  const world = createSilentWorld();
  const signal = AbortSignal.abort(new Error('no'));
  await expect(world.connect({ exportName: 'disk', signal })).rejects.toThrow('no');
  expect(world.connections).toBe(0);
});

test('an abort during the wait before a reconnect ends the request and is not waited out', async () => {
  const disk = new MemoryDevice({ sizeBytes: MIB }).fill(0, MIB, 1);
  const filters = (connection: number) => (connection === 1 ? [dropAfterBytes(0)] : []);
  const world = new NbdWorld({ directory: new TestDirectory({ disk }), filters });
  const { reason, signal, afterMs } = abortSoon(world);
  const client = await world.connect({ exportName: 'disk', retryDelayMs: 10_000, signal });
  await expect(world.run(client.read(0, 512))).rejects.toBe(reason);
  expect(afterMs()).toBe(500);
  expect(world.connections).toBe(1);
});

test('an abort after opening leaves open connections to the requests and their own signals', async () => {
  const disk = new MemoryDevice({ sizeBytes: MIB }).fill(0, MIB, 1);
  const world = new NbdWorld({ directory: new TestDirectory({ disk }) });
  const controller = new AbortController();
  const client = await world.connect({ exportName: 'disk', signal: controller.signal });
  controller.abort(new Error('enough'));
  expect((await world.run(client.read(0, 512))).length).toBe(512);
});
