/** Client and server over real sockets, each way in which they may be joined. */
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listenNbd, type NbdListener } from '../../../simulator/nbd/listen-nbd.ts';
import { defaultNbdLimits } from '../../../simulator/nbd/nbd-limits.ts';
import { silentObserver } from '../../../simulator/nbd/nbd-observer.ts';
import {
  connectNbd,
  type NbdClientOptions,
  type NbdDial,
  NbdConnectionLost,
} from '../../../src/nbd/index.ts';
import { dialTcp, dialUnix } from '../../../src/runtime/nbd-dial.ts';
import { createWallClock } from '../../../src/runtime/wall-clock.ts';
import { MemoryDevice } from '../../nbd/memory-device.ts';
import { makeFolder } from '../../nbd/peer-process.ts';
import { TestDirectory } from '../../nbd/test-directory.ts';
import { createMemoryPki } from '../../nbd/test-pki.ts';

const MIB = 2 ** 20;
const SIZE = 32 * MIB;
const folder = makeFolder();
const pki = createMemoryPki();
const clock = createWallClock();
const disk = new MemoryDevice({ sizeBytes: SIZE });
for (let at = 0; at < SIZE; at += 4096) disk.fill(at, 4096, (at / 4096) % 251);
const directory = new TestDirectory({ disk });
const closings: string[] = [];
const observer = { ...silentObserver, closed: (_id: number, why: string) => closings.push(why) };

const listen = (address: { host: string; port: number } | { path: string }): Promise<NbdListener> =>
  listenNbd({
    address,
    directory,
    observer,
    clock,
    limits: defaultNbdLimits,
    secureContext: pki.secureContext,
  });

/** A dial without the static read buffer, as any other stream would be. */
const dialByEvents =
  (port: number): NbdDial =>
  () =>
    new Promise((resolve, reject) => {
      const socket = net.connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(socket));
      socket.once('error', reject);
    });

let tcp: NbdListener;
let unix: NbdListener;

beforeAll(async () => {
  tcp = await listen({ host: '127.0.0.1', port: 0 });
  unix = await listen({ path: folder.path('nbd.sock') });
});

afterAll(async () => {
  await Promise.all([tcp.close(), unix.close()]);
  folder.remove();
});

const tls = { ca: pki.ca, host: '127.0.0.1' };
const WAYS: readonly { way: string; options: () => Omit<NbdClientOptions, 'exportName'> }[] = [
  { way: 'TCP', options: () => ({ dial: dialTcp('127.0.0.1', tcp.port) }) },
  { way: 'TCP, read by events', options: () => ({ dial: dialByEvents(tcp.port) }) },
  { way: 'a unix socket', options: () => ({ dial: dialUnix(folder.path('nbd.sock')) }) },
  { way: 'TLS', options: () => ({ dial: dialTcp('127.0.0.1', tcp.port), tls }) },
  { way: 'TLS, read by events', options: () => ({ dial: dialByEvents(tcp.port), tls }) },
  { way: 'TLS on a unix socket', options: () => ({ dial: dialUnix(folder.path('nbd.sock')), tls }) },
];

describe.each(WAYS)('over $way', ({ options }) => {
  test('a disk is read and written, and the connections close at once', async () => {
    const client = await connectNbd({ exportName: 'disk', connections: 3, ...options() }, clock);
    expect((await client.read(0, SIZE)).equals(disk.bytes)).toBe(true);
    const data = Buffer.alloc(5 * MIB, Math.random().toString());
    await client.write(777, data);
    expect((await client.read(777, data.length)).equals(data)).toBe(true);
    const startMs = Date.now();
    closings.length = 0;
    await client.close();
    while (directory.connections.size > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(Date.now() - startMs).toBeLessThan(900);
    expect(closings).toEqual(['disconnect', 'disconnect', 'disconnect']);
  });

  test('a read goes on after the server cut the connection', async () => {
    await using client = await connectNbd({ exportName: 'disk', retryDelayMs: 1, ...options() }, clock);
    const reading = client.read(0, SIZE);
    for (const connection of directory.connections) connection.cut('test');
    expect((await reading).equals(disk.bytes)).toBe(true);
    expect(client.reconnects).toBe(1);
  });
});

test('a server that stops cuts its clients, who then find nobody', async () => {
  const own = await listen({ host: '127.0.0.1', port: 0 });
  const dial = dialTcp('127.0.0.1', own.port);
  await using client = await connectNbd({ dial, exportName: 'disk', retries: 2, retryDelayMs: 1 }, clock);
  await own.close();
  await expect(client.read(0, 512)).rejects.toThrow(NbdConnectionLost);
});

test('nobody listens', async () => {
  const own = await listen({ host: '127.0.0.1', port: 0 });
  await own.close();
  const work = connectNbd({ dial: dialTcp('127.0.0.1', own.port), exportName: 'disk' }, clock);
  await expect(work).rejects.toThrow(/ECONNREFUSED/);
});

test('an aborted dial is given up', async () => {
  await expect(dialTcp('127.0.0.1', tcp.port)(AbortSignal.abort(new Error('no')))).rejects.toThrow('no');
});
