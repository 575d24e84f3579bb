import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../../simulator/fault/fault-api.ts';
import { openSession } from './nbd-session.ts';

const fired = (session: Awaited<ReturnType<typeof openSession>>): number[] =>
  session.hosted.faults.list().map((fault) => fault.fired);

describe('faults of the data plane', () => {
  it.each(['foreign-ca', 'expired', 'wrong-host'] as const)(
    'shows a certificate that a client must refuse (%s), and a good one afterwards',
    async (flaw) => {
      const session = await openSession();
      await using _ = session.simulator;
      const resource = await session.lock();
      session.hosted.faults.add({ kind: 'bad-certificate', flaw, on: 'nbd' });
      await expect(session.connectTls(resource)).rejects.toThrow();
      await (await session.connectTls(resource)).close();
      expect(fired(session)).toEqual([1]);
    },
  );

  it('drops the connection in the middle of a reply; a client that connects again gets every byte', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const whole = await session.connect(resource);
    const expected = await session.clock.run(whole.read(0, whole.info.sizeBytes));
    session.hosted.faults.add({
      kind: 'drop-after-bytes',
      bytes: 1_000_003,
      on: 'nbd',
      server: session.server.name,
    });
    const client = await session.connect(resource);
    const bytes = await session.clock.run(client.read(0, client.info.sizeBytes));
    expect(bytes.equals(expected)).toBe(true);
    expect(client.reconnects).toBe(1);
    expect(fired(session)).toEqual([1]);
  });

  it('saves a fault of the replies for the replies when the connection is secured first', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    session.hosted.faults.add({ kind: 'drop-after-bytes', bytes: 1_000_003, on: 'nbd' });
    const client = await session.connectTls(resource);
    await session.clock.run(client.read(0, client.info.sizeBytes));
    expect(client.reconnects).toBe(1);
  });

  it('goes silent, and a client notices by its timeout', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    session.hosted.faults.add({ kind: 'silence-after-bytes', bytes: 100, on: 'nbd' });
    const startMs = session.clock.now();
    const client = await session.connect(resource, { requestTimeoutMs: 30_000 });
    await session.clock.run(client.read(0, client.info.sizeBytes));
    expect(session.clock.now() - startMs).toBeGreaterThanOrEqual(30_000);
    expect(client.reconnects).toBe(1);
  });

  it('answers with garbage from a reply on, of which the journal knows no reply', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    session.hosted.faults.add({ kind: 'garbage-after-bytes', bytes: 100_000, on: 'nbd' });
    const client = await session.connect(resource, { retries: 0 });
    const before = session.hosted.world.journal.length;
    const size = client.info.sizeBytes;
    await expect(session.clock.run(client.read(0, size))).rejects.toThrow('wrong reply magic');
    const replies = session.hosted.world.journal.entries
      .slice(before)
      .filter((entry) => entry.type === 'nbd.reply');
    const said = replies.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(said).toBeGreaterThanOrEqual(100_000);
    expect(said).toBeLessThan(size);
    expect(fired(session)).toEqual([1]);
  });

  it('answers out of turn, and every byte is where it belongs', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const whole = await session.connect(resource);
    const expected = await session.clock.run(whole.read(0, whole.info.sizeBytes));
    const client = await session.connect(resource);
    session.hosted.faults.add({ kind: 'reorder-replies', on: 'nbd', times: 0 });
    const before = session.hosted.world.journal.length;
    const bytes = await session.clock.run(client.read(0, client.info.sizeBytes));
    expect(bytes.equals(expected)).toBe(true);
    expect(client.reconnects).toBe(0);
    const order = session.hosted.world.journal.entries
      .slice(before)
      .flatMap((entry) => (entry.type === 'nbd.reply' ? [entry.request] : []));
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
  });

  it('lets the reply go as soon as another one has overtaken it', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource);
    session.hosted.faults.add({ kind: 'reorder-replies', on: 'nbd' });
    const startMs = session.clock.now();
    const before = session.hosted.world.journal.length;
    await session.clock.run(
      Promise.all([client.read(0, 512), client.read(512, 512), client.read(1024, 512)]),
    );
    expect(session.clock.now()).toBe(startMs);
    const order = session.hosted.world.journal.entries
      .slice(before)
      .flatMap((entry) => (entry.type === 'nbd.reply' ? [entry.request] : []));
    expect(order).toHaveLength(3);
    expect(order[0]).toBeGreaterThan(Math.min(...order));
  });

  it('says nothing of a reply that went out as garbage', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    session.hosted.faults.add({ kind: 'garbage-after-bytes', bytes: 0, on: 'nbd' });
    const client = await session.connect(resource, { retries: 0 });
    await expect(session.clock.run(client.read(0, 512))).rejects.toThrow('wrong reply magic');
    const types = session.hosted.world.journal.entries.map(({ type }) => type);
    expect(types).toContain('nbd.request');
    expect(types).not.toContain('nbd.reply');
  });

  it('holds back a reply for a moment when there is no other to overtake it', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource);
    session.hosted.faults.add({ kind: 'reorder-replies', on: 'nbd' });
    const startMs = session.clock.now();
    await session.clock.run(client.read(0, 512));
    expect(session.clock.now() - startMs).toBe(20);
  });

  it('damages one bit of one read', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource);
    const expected = await session.clock.run(client.read(0, 2 ** 20));
    const hit = expected.findIndex((byte) => byte !== 0);
    session.hosted.faults.add({ kind: 'corrupt-payload', offset: hit, on: 'nbd', device: 'ide0' });
    const damaged = await session.clock.run(client.read(0, 2 ** 20));
    const differing = [...damaged.keys()].filter((at) => damaged[at] !== expected[at]);
    expect(differing).toEqual([hit]);
    expect((await session.clock.run(client.read(0, 2 ** 20))).equals(expected)).toBe(true);
  });

  it.each(['EPERM', 'ENOSPC', 'ESHUTDOWN'] as const)('lets a request fail with %s', async (errno) => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource, { retries: 0 });
    session.hosted.faults.add({ kind: 'errno', errno, on: 'nbd' });
    await expect(session.clock.run(client.read(0, 512))).rejects.toThrow(errno);
  });

  it('strikes only the connection, the backup resource and the owner that it names', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const { faults, world } = session.hosted;
    const first = await session.connect(resource, { retries: 0 });
    const second = await session.connect(resource, { retries: 0 });
    const numbers = world.journal.entries.flatMap((entry) =>
      entry.type === 'nbd.open' ? [entry.connection] : [],
    );
    const errno = { kind: 'errno', errno: 'EIO', on: 'nbd' } as const;
    faults.add({ ...errno, resource: 'another', id: 'a' });
    faults.add({ ...errno, actor: 'nobody', id: 'b' });
    faults.add({ ...errno, connection: numbers.at(-1) ?? 0, id: 'c' });
    await session.clock.run(first.read(0, 512));
    expect(fired(session)).toEqual([0, 0, 0]);
    await expect(session.clock.run(second.read(0, 512))).rejects.toThrow('EIO');
    expect(fired(session)).toEqual([0, 0, 1]);
    faults.add({ ...errno, resource: resource.id, actor: 'test', id: 'd' });
    await expect(session.clock.run(first.read(0, 512))).rejects.toThrow('EIO');
  });

  it.each<[FaultSpec, string]>([
    [{ kind: 'error', status: 500, message: 'disk broken', on: 'nbd' }, 'EIO'],
    [{ kind: 'expire-resource', on: 'nbd' }, ''],
  ])('carries out %j at a request', async (fault, message) => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource, { retries: 0 });
    session.hosted.faults.add(fault);
    await expect(session.clock.run(client.read(0, 512))).rejects.toThrow(message);
    expect(fired(session)).toEqual([1]);
  });

  it('delays a request in the time of the world', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource);
    session.hosted.faults.add({ kind: 'delay', ms: 7_000, when: 'before', on: 'nbd', device: 'ide0' });
    const startMs = session.clock.now();
    await session.clock.run(client.read(0, 512));
    expect(session.clock.now() - startMs).toBe(7_000);
  });

  it.each(['lose-request', 'lose-reply'] as const)('ends the connection at a request (%s)', async (kind) => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource);
    session.hosted.faults.add({ kind, on: 'nbd' });
    await session.clock.run(client.read(0, 512));
    expect(client.reconnects).toBe(1);
  });

  it('leaves other servers and devices alone', async () => {
    const session = await openSession();
    await using _ = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource, { retries: 0 });
    session.hosted.faults.add({ kind: 'error', status: 500, message: '', on: 'nbd', device: 'ide1' });
    session.hosted.faults.add({
      kind: 'error',
      status: 500,
      message: '',
      on: 'nbd',
      server: 'somebody else',
    });
    await session.clock.run(client.read(0, 512));
    expect(fired(session)).toEqual([0, 0]);
  });
});
