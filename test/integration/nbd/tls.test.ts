import { duplexPair } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { createClusterCa } from '../../../simulator/app/pki.ts';
import { listNbdExports, NbdRefused, NbdTlsError } from '../../../src/nbd/index.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { upgradeToTls } from '../../../src/nbd/client/upgrade-to-tls.ts';
import { MemoryDevice } from '../../nbd/memory-device.ts';
import { NbdWorld } from '../../nbd/nbd-world.ts';
import { ABORT, GO, option, RawClient, SET_META, STRUCTURED } from '../../nbd/raw-client.ts';
import { TestDirectory } from '../../nbd/test-directory.ts';
import { createMemoryPki } from '../../nbd/test-pki.ts';

const MIB = 2 ** 20;
const STARTTLS = option(5);
const pki = createMemoryPki();
const tls = { ca: pki.ca, host: '127.0.0.1' };

function createWorld(secureContext = pki.secureContext, startMs = Date.UTC(2026, 0, 1)): NbdWorld {
  const secret = new MemoryDevice({ sizeBytes: 8 * MIB }).fill(0, 8 * MIB, 7);
  const disk = new MemoryDevice({ sizeBytes: MIB });
  return new NbdWorld({ directory: new TestDirectory({ disk, secret }, ['secret']), secureContext, startMs });
}

test('a TLS-only export is served over TLS, without time passing', async () => {
  const world = createWorld();
  const before = world.clock.now();
  const client = await world.connect({ exportName: 'secret', tls, connections: 2 });
  expect((await world.run(client.read(0, 8 * MIB))).equals(Buffer.alloc(8 * MIB, 7))).toBe(true);
  await world.run(client.write(0, Buffer.alloc(4 * MIB, 8)));
  expect((await world.run(client.read(0, 4 * MIB))).equals(Buffer.alloc(4 * MIB, 8))).toBe(true);
  await world.run(client.close());
  await world.settled();
  expect(world.clock.now()).toBe(before);
  expect(world.log.filter((line) => line.includes('closed'))).toEqual([
    '1 closed: disconnect',
    '2 closed: disconnect',
  ]);
});

test('a TLS-only export is refused and hidden in the clear', async () => {
  const world = createWorld();
  const error = await world.connect({ exportName: 'secret' }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NbdRefused);
  expect(error).toMatchObject({ reply: 'ERR_TLS_REQD' });
  const list = (options: object) => world.run(listNbdExports({ dial: world.dial, ...options }, world.clock));
  const before = world.clock.now();
  expect((await list({})).map(({ name }) => name)).toEqual(['disk']);
  expect((await list({ tls })).map(({ name }) => name)).toEqual(['disk', 'secret']);
  await world.settled();
  expect(world.clock.now()).toBe(before);
});

test('EXPORT_NAME of a TLS-only export hangs up', async () => {
  const client = await RawClient.greet(createWorld());
  await client.say(option(1, 'secret'));
  expect(client.optionReplies()).toBe('CLOSED');
});

test.each([
  { flaw: 'foreign-ca', message: /authority|verify|signature/i },
  { flaw: 'expired', message: /not valid at this time/ },
  { flaw: 'wrong-host', message: /not for 127\.0\.0\.1/ },
] as const)('a certificate with the flaw $flaw is not trusted', async ({ flaw, message }) => {
  const authority = createClusterCa({ clusterId: 'flawed' });
  const identity = authority.hostIdentity('127.0.0.1', flaw);
  const world = createWorld(() => createSecureContext({ cert: identity.pem, key: identity.keyPem }));
  const work = world.connect({ exportName: 'secret', tls: { ca: authority.pem, host: '127.0.0.1' } });
  const error = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NbdTlsError);
  expect((error as Error).message).toMatch(message);
  await world.settled();
});

/** A world that lives at `nowMs` and shows a certificate of 2020. */
function createWorldOf2020(nowMs: number): { world: NbdWorld; ca: string } {
  const authority = createClusterCa({ clusterId: 'old' });
  const identity = authority.hostIdentity('127.0.0.1', 'expired');
  const context = createSecureContext({ cert: identity.pem, key: identity.keyPem });
  return { world: createWorld(() => context, nowMs), ca: authority.pem };
}

test.each([Date.UTC(2019, 11, 31), Date.UTC(2021, 0, 2)])(
  'a certificate of 2020 is refused at %d',
  async (nowMs) => {
    const { world, ca } = createWorldOf2020(nowMs);
    const work = world.connect({ exportName: 'secret', tls: { ca, host: '127.0.0.1' } });
    await expect(work).rejects.toThrow('not valid at this time');
  },
);

test('a certificate of 2020 is trusted in 2020, whatever the year outside', async () => {
  const { world, ca } = createWorldOf2020(Date.UTC(2020, 5, 1));
  const client = await world.connect({ exportName: 'secret', tls: { ca, host: '127.0.0.1' } });
  expect(await world.run(client.read(0, 1))).toEqual(Buffer.alloc(1, 7));
});

test('a date error does not hide that the authority is another one', async () => {
  const { world } = createWorldOf2020(Date.UTC(2020, 5, 1));
  const other = createClusterCa({ clusterId: 'old' });
  const work = world.connect({ exportName: 'secret', tls: { ca: other.pem, host: '127.0.0.1' } });
  await expect(work).rejects.toThrow(NbdTlsError);
});

test('the authority of another cluster is not trusted', async () => {
  const world = createWorld();
  const other = createMemoryPki();
  const work = world.connect({ exportName: 'secret', tls: { ca: other.ca, host: '127.0.0.1' } });
  await expect(work).rejects.toThrow(NbdTlsError);
});

test('bytes that come with STARTTLS in the clear end the connection', async () => {
  const world = createWorld();
  const client = await RawClient.greet(world);
  await client.say(STARTTLS, STRUCTURED);
  expect(client.optionReplies()).toBe('CLOSED');
  expect(world.log.at(-1)).toBe('1 closed: plain bytes after STARTTLS');
});

test('garbage instead of a TLS handshake ends the connection', async () => {
  const world = createWorld();
  const client = await RawClient.greet(world);
  await client.say(STARTTLS);
  expect(client.optionReplies()).toBe('ACK');
  await client.say(Buffer.alloc(500, 'garbage'));
  expect(client.isClosed).toBe(true);
  await world.settled();
  expect(world.log.at(-1)).toBe('1 closed: TLS handshake failed');
});

test('a TLS handshake that never comes ends with the handshake timeout', async () => {
  const world = createWorld();
  const client = await RawClient.greet(world);
  await client.say(STARTTLS);
  await world.clock.advanceBy(10_000);
  expect(client.isClosed).toBe(true);
  await world.settled();
  expect(world.log.at(-1)).toBe('1 closed: handshake timeout');
});

test('STARTTLS a second time is invalid, and what was agreed in the clear is forgotten', async () => {
  const world = createWorld();
  const client = await RawClient.greet(world);
  await client.say(STRUCTURED, SET_META('base:allocation'));
  expect(client.optionReplies()).toBe('ACK,META,ACK');
  await client.say(STARTTLS);
  expect(client.optionReplies()).toBe('ACK');
  const secured = await client.upgrade(pki.ca);
  await secured.say(STARTTLS);
  expect(secured.optionReplies()).toBe('ERR_INVALID');
  await secured.say(SET_META('base:allocation'));
  expect(secured.optionReplies()).toBe('ERR_INVALID');
  await secured.say(GO('secret'));
  expect(secured.optionReplies()).toBe('INFO,INFO,ACK');
  await secured.say(ABORT);
});

test('a handshake that is over at once is not missed', async () => {
  const [client, server] = duplexPair();
  const ignore = (): void => undefined;
  client.on('data', ignore).write('x');
  server.on('data', ignore).write('x');
  await new VirtualClock(0).drain();
  client.off('data', ignore);
  server.pause().off('data', ignore);
  const peer = new TLSSocket(server, { isServer: true, secureContext: pki.secureContext() });
  const secured = await upgradeToTls(client, tls, new VirtualClock(Date.UTC(2026, 0, 1)));
  expect([secured.encrypted, peer.encrypted]).toEqual([true, true]);
});
