/** Bad input of every kind at one running `serve`: a clear refusal each, and the server goes on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { option, type RawRequest, request, STRUCTURED } from '../nbd/raw-client.ts';
import { BAD_CALLS } from './bad-calls.ts';
import { BadInputStage, MIB } from './bad-input-stage.ts';
import { BAD_OPTIONS, BAD_REQUESTS, BAD_RESTORE_REQUESTS, BREAKS, READ, WRITE } from './bad-nbd.ts';
import type { SocketClient } from './socket-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-bad-input-'));
let stage: BadInputStage;
let warmBytes: number;

beforeAll(async () => {
  stage = await BadInputStage.open(folder);
  for (let round = 0; round < 20; round++) await stage.probe();
  warmBytes = stage.residentBytes();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await stage.serve.stop();
});

/** Puts the stage's ids where the tables have their names. */
function fill<T>(value: T): T {
  const { web, snapshot, resource } = stage.ids;
  const filled = JSON.stringify(value)
    .replaceAll('SERVER', web)
    .replaceAll('SNAPSHOT', snapshot)
    .replaceAll('RESOURCE', resource);
  return JSON.parse(filled) as T;
}

describe('REST', () => {
  afterEach(() => stage.probe());

  it.each(Object.entries(BAD_CALLS))('refuses %s', async (_what, bad) => {
    const { method = 'GET', path, with: options, status, says } = fill(bad);
    const before = await stage.metric('backup_resources_running');
    const answer = await stage.call(method, path, options);
    const isV2 = path.startsWith('/janus/20240725/');
    expect(answer).toEqual({
      status,
      body: {
        ...(isV2 ? { errcode: String(status) } : { code: status }),
        message: expect.stringContaining(says),
        data: {},
      },
    });
    expect(answer.body.message).not.toMatch(/ {4}at |\/simulator\/|TypeError/);
    expect(await stage.metric('backup_resources_running')).toBe(before);
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['a header without an end', `GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`],
    ['a length that is none', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n'],
  ])('answers %s with 400 in an envelope', async (_what, bytes) => {
    expect(await sayOverTls(bytes)).toMatch(
      /^HTTP\/1\.1 400 .*\r\n\r\n\{"code":400,"message":".+","data":\{\}\}$/s,
    );
  });
});

function sayOverTls(bytes: string): Promise<string> {
  const { hostname, port } = new URL(stage.serve.ready.scp);
  return new Promise((resolve) => {
    let heard = '';
    const socket = connectTls({ host: hostname, port: Number(port), ca: stage.ca }, () =>
      socket.write(bytes),
    );
    socket.setEncoding('latin1').on('data', (chunk: string) => (heard += chunk));
    socket.once('error', () => resolve(heard)).once('close', () => resolve(heard));
  });
}

describe('NBD, handshake', () => {
  afterEach(() => stage.probe());

  it.each(BAD_OPTIONS)('%s gets an error, and the handshake goes on', async (_what, bad, reply) => {
    const client = await stage.greet();
    client.say(bad(stage));
    expect(await client.optionReply()).toBe(reply);
    client.say(STRUCTURED);
    expect(await client.optionReply()).toBe('ACK');
    client.destroy();
  });

  it.each(BREAKS)('%s ends the connection', async (_what, clientFlags, bad, why) => {
    const from = await stage.journalLength();
    const client = await stage.greet(clientFlags);
    client.say(bad);
    await client.closed();
    expect(await stage.endedBecause(from)).toBe(why);
    client.destroy();
  });

  it('a handshake that stops half-way is dropped', async () => {
    const from = await stage.journalLength();
    const half = await stage.greet();
    half.say(option(7, '', 100).subarray(0, 20));
    await half.closed();
    expect(await stage.endedBecause(from)).toBe('handshake timeout');
    half.destroy();
  });
});

const PROBES = 10;

/** A read that nothing is wrong with, odd in place and length. */
const GOOD = request({ type: READ, offset: 65_537, length: 4_097 });

async function expectRefusal(client: SocketClient, bad: RawRequest, reply: string): Promise<void> {
  client.say(request(bad));
  expect(await client.reply()).toBe(reply);
  client.say(GOOD);
  expect(await client.reply()).toMatch(/^(DATA|HOLE)/);
  client.destroy();
}

describe('NBD, transmission', () => {
  afterEach(() => stage.probe());

  it.each(BAD_REQUESTS)('%s gets its errno, and the connection goes on', async (_what, bad, reply) => {
    await expectRefusal(await stage.enter(), bad, reply);
  });

  it.each(BAD_RESTORE_REQUESTS)(
    '%s gets its errno, and the connection goes on',
    async (_what, bad, reply) => {
      await expectRefusal(await stage.enter({ kind: 'restore' }), bad, reply);
    },
  );

  it('an unaligned read is served', async () => {
    const client = await stage.enter({ isSimple: true });
    client.say(request({ type: READ, offset: 69_999, length: 7 }));
    expect((await client.take(23)).subarray(17).toString()).toBe('what t');
    client.destroy();
  });

  it.each([
    ['a wrong magic', request({ type: READ, length: 512, magic: 0xdeadbeef }), 'wrong request magic'],
    ['a write of 4 GiB', request({ type: WRITE, length: 0xffffffff }), 'write of 4294967295 bytes'],
  ])('%s ends the connection', async (_what, bad, why) => {
    const from = await stage.journalLength();
    const client = await stage.enter();
    client.say(bad);
    expect(await client.reply()).toBe('closed');
    expect(await stage.endedBecause(from)).toBe(why);
    client.destroy();
  });

  it('a client that asks for 6 GiB and never reads costs neither memory nor reads', async () => {
    const before = { bytes: stage.residentBytes(), requests: await stage.metric('nbd_requests_total') };
    const client = await stage.enter({ isSimple: true });
    client.socket.pause();
    const read = request({ type: READ, offset: 0, length: 32 * MIB });
    client.say(...Array.from({ length: 200 }, () => read));
    // A probe is two requests. The server has taken from the socket what it will take, once others have been served after it.
    for (let round = 0; round < PROBES; round++) await stage.probe();
    const taken = (await stage.metric('nbd_requests_total')) - before.requests - 2 * PROBES;
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThanOrEqual(2);
    expect(stage.residentBytes() - before.bytes).toBeLessThan(48 * MIB);
    client.destroy();
  });
});

describe('after all that', () => {
  it('nobody is connected, the memory is where it was, and SIGTERM ends it well', async () => {
    while ((await stage.metric('nbd_connections')) > 0)
      await new Promise<void>((resolve) => setImmediate(resolve));
    expect(await stage.metric('nbd_connections_total')).toBeGreaterThan(100);
    // The garbage of all these cases is not collected yet, so this bounds what a case may keep to a megabyte or so.
    expect(stage.residentBytes() - warmBytes).toBeLessThan(128 * MIB);
    expect(await stage.serve.stop()).toBe(0);
  });
});
