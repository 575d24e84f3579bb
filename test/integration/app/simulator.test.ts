import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import { DEFAULT_NBD_PORT } from '../../../src/contract/assumed.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { openSession } from './nbd-session.ts';

const signal = new AbortController().signal;
const publicKey = { method: 'GET', path: '/janus/public-key', headers: {} } as const;

describe('createSimulator', () => {
  it('serves the REST API without a socket', async () => {
    await using simulator = await createSimulator();
    const answer = await simulator.transport.send(publicKey);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 0, data: { public_key: expect.any(String) } });
  });

  it('has answers of the same text read once by all its clients', async () => {
    await using simulator = await createSimulator();
    const { body } = await simulator.transport.send(publicKey);
    const read = simulator.transport.parseJson?.(body);
    expect(read).toEqual(JSON.parse(body));
    expect(simulator.transport.parseJson?.(body)).toBe(read);
  });

  it('gives every world its own clock, journal and servers', async () => {
    await using simulator = await createSimulator();
    const one = await openSession({ seed: 'one' }, simulator);
    const two = await openSession({ seed: 'two' }, simulator);
    await one.lock();
    expect(two.hosted.world.journal.length).toBe(1);
    expect(two.clock.now()).toBe(Date.UTC(2026, 0, 1));
    expect(simulator.worlds()).toHaveLength(2);
    expect(one.server.id).not.toBe(two.server.id);
  });

  it('refuses two worlds with the same access keys, and takes the second when the first is gone', async () => {
    await using simulator = await createSimulator();
    const first = await openSession({}, simulator);
    await expect(openSession({}, simulator)).rejects.toThrow(RangeError);
    expect(simulator.worlds()).toHaveLength(1);
    simulator.removeWorld(first.hosted.world.id);
    await expect(openSession({}, simulator)).resolves.toBeDefined();
  });

  it('names a world after its seed, or as it is told', async () => {
    await using simulator = await createSimulator();
    const clock = new VirtualClock(0);
    const drawn = await simulator.createWorld({ seed: 'a', clock, inventory: 'tiny' });
    const told = await simulator.createWorld({ id: 'mine', seed: 'b', clock, inventory: 'tiny' });
    expect(drawn.world.id).toMatch(/^world-[0-9a-f]{8}$/);
    expect(told.world.id).toBe('mine');
  });

  it('cuts the connections of a world that is removed', async () => {
    const session = await openSession();
    await using simulator = session.simulator;
    const resource = await session.lock();
    const client = await session.connect(resource, { retries: 0 });
    simulator.removeWorld(session.hosted.world.id);
    await expect(session.clock.run(client.read(0, 512))).rejects.toThrow();
    await expect(simulator.dialNbd(session.hostIp(resource), DEFAULT_NBD_PORT, signal)).rejects.toMatchObject(
      {
        code: 'ECONNREFUSED',
      },
    );
  });
});

describe('the NBD service of a host', () => {
  it.each(['plain', 'TLS'])('gives the bytes of the snapshot (%s)', async (kind) => {
    const session = await openSession();
    await using _ = session.simulator;
    const { world } = session.hosted;
    await world.guest.write(session.server.id, 'ide0', 70_000, Buffer.from('written before the snapshot'));
    const resource = await session.lock();
    await world.guest.write(session.server.id, 'ide0', 70_000, Buffer.from('WRITTEN AFTER THE SNAPSHOT!'));
    const client = await (kind === 'TLS' ? session.connectTls(resource) : session.connect(resource));
    expect((await session.clock.run(client.read(70_000, 27))).toString()).toBe('written before the snapshot');
    expect(client.info).toMatchObject({ isReadOnly: true, sizeBytes: session.server.disks[0]?.sizeBytes });
    await client.close();
  });

  it('is refused where no host is, on other ports, and on a host that is down', async () => {
    const session = await openSession();
    await using simulator = session.simulator;
    const [host] = session.hosted.world.hosts;
    const refused = { code: 'ECONNREFUSED' };
    await expect(simulator.dialNbd('127.5.5.5', DEFAULT_NBD_PORT, signal)).rejects.toMatchObject(refused);
    await expect(simulator.dialNbd(host?.ip ?? '', 10_810, signal)).rejects.toMatchObject(refused);
    session.hosted.world.setHostOnline(host?.id ?? '', false);
    await expect(simulator.dialNbd(host?.ip ?? '', DEFAULT_NBD_PORT, signal)).rejects.toMatchObject(refused);
  });

  it('serves only what runs on that host', async () => {
    const session = await openSession();
    await using simulator = session.simulator;
    const resource = await session.lock();
    const other = session.hosted.world.hosts.find(({ id }) => id !== resource.hostId);
    const dial = (from: AbortSignal) => simulator.dialNbd(other?.ip ?? '', DEFAULT_NBD_PORT, from);
    await expect(session.connect(resource, { dial })).rejects.toThrow('ERR_UNKNOWN');
  });

  it('keeps the exports of worlds apart that have hosts of the same address', async () => {
    await using simulator = await createSimulator();
    const one = await openSession({ seed: 'one' }, simulator);
    const hosts = one.hosted.world.hosts;
    const { generateInventory } = await import('../../../simulator/inventory/generate-inventory.ts');
    const sameHosts = generateInventory('tiny', 'two');
    const inventory = {
      ...sameHosts,
      hosts: sameHosts.hosts.map((host, at) => ({ ...host, ip: hosts[at]?.ip ?? '' })),
    };
    const two = await openSession({ seed: 'two', inventory }, simulator);
    const [resourceOne, resourceTwo] = [await one.lock(), await two.lock()];
    await (await one.connect(resourceOne)).close();
    await (await two.connect(resourceTwo)).close();
    const connectionsOf = (session: typeof one) =>
      session.hosted.world.journal.entries.flatMap((entry) =>
        entry.type === 'nbd.open' || entry.type === 'nbd.close' ? [`${entry.type} ${entry.connection}`] : [],
      );
    const once = ['nbd.open 1', 'nbd.close 1'];
    expect([connectionsOf(one), connectionsOf(two)]).toEqual([once, once]);
  });
});

describe('a run in process', () => {
  async function journalOf(seed: string): Promise<{ hash: string; entries: number; bytes: string }> {
    const session = await openSession({ seed });
    await using _ = session.simulator;
    session.hosted.faults.add({ kind: 'drop-after-bytes', bytes: 300_000, on: 'nbd' });
    const resource = await session.lock();
    const client = await session.connectTls(resource, { connections: 2 });
    const bytes = await session.clock.run(client.read(0, client.info.sizeBytes));
    await client.close();
    await session.clock.advanceBy(3_600_000);
    const { journal } = session.hosted.world;
    return {
      hash: journal.hash(),
      entries: journal.length,
      bytes: createHash('sha256').update(bytes).digest('hex'),
    };
  }

  it('has the same journal and the same bytes for the same seed, and others for another', async () => {
    const [first, second, other] = [await journalOf('one'), await journalOf('one'), await journalOf('two')];
    expect(second).toEqual(first);
    expect(other.hash).not.toBe(first.hash);
    expect(other.bytes).not.toBe(first.bytes);
    expect(first.entries).toBeGreaterThan(50);
  });
});
