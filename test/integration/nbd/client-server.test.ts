import { createSecureContext } from 'node:tls';
import { expect, test } from 'vitest';
import { createClusterCa } from '../../../simulator/app/pki.ts';
import { dropAfterBytes, silenceAfterBytes } from '../../../simulator/fault/nbd-faults.ts';
import { NbdConnectionLost, NbdError, NbdRefused, NbdTlsError } from '../../../src/nbd/index.ts';
import { MemoryDevice } from '../../nbd/memory-device.ts';
import { NbdWorld, type NbdWorldOptions } from '../../nbd/nbd-world.ts';
import { TestDirectory } from '../../nbd/test-directory.ts';

const MIB = 2 ** 20;

function createWorld(device: MemoryDevice, options: Partial<NbdWorldOptions> = {}): NbdWorld {
  return new NbdWorld({ directory: new TestDirectory({ disk: device }), ...options });
}

test('reads what was written and closes cleanly', async () => {
  const world = createWorld(new MemoryDevice({ sizeBytes: 8 * MIB }));
  const client = await world.connect({ exportName: 'disk' });
  const data = Buffer.alloc(3 * MIB, 'backlot');
  await world.run(client.write(12345, data));
  expect((await world.run(client.read(12345, data.length))).equals(data)).toBe(true);
  expect((await world.run(client.read(0, 12345))).equals(Buffer.alloc(12345))).toBe(true);
  await world.run(client.close());
  await world.settled();
  expect(world.log.at(-1)).toBe('1 closed: disconnect');
  expect(world.directory.connections.size).toBe(0);
});
const tls = createClusterCa({ clusterId: 'c1' });
const identity = tls.hostIdentity('127.0.0.1');
const secureContext = () => createSecureContext({ cert: identity.pem, key: identity.keyPem });

test('serves a TLS-only export over TLS', async () => {
  const device = new MemoryDevice({ sizeBytes: 8 * MIB }).fill(0, 8 * MIB, 7);
  const world = new NbdWorld({ directory: new TestDirectory({ disk: device }, ['disk']), secureContext });
  await expect(world.connect({ exportName: 'disk' })).rejects.toThrow(NbdRefused);
  const client = await world.connect({ exportName: 'disk', tls: { ca: tls.pem, host: '127.0.0.1' } });
  const before = world.clock.now();
  expect((await world.run(client.read(0, 8 * MIB))).equals(Buffer.alloc(8 * MIB, 7))).toBe(true);
  expect(world.clock.now()).toBe(before);
  await world.run(client.close());
  await world.settled();
  expect(world.log.at(-1)).toBe('2 closed: disconnect');
});
test('drop', async () => {
  const device = new MemoryDevice({ sizeBytes: 8 * MIB }).fill(0, 8 * MIB, 7);
  const world = createWorld(device, {
    filters: (n) => (n === 1 ? [dropAfterBytes(MIB + 5)] : n === 2 ? [silenceAfterBytes(100)] : []),
  });
  const client = await world.connect({ exportName: 'disk' });
  expect((await world.run(client.read(0, 8 * MIB))).equals(Buffer.alloc(8 * MIB, 7))).toBe(true);
  expect(client.reconnects).toBe(2);
  await world.run(client.close());
  console.log(world.log.join('\n'));
  await world.settled();
  console.log(
    world.log.filter((l) => !/re(quest|ply)/.test(l)).join('\n'),
    world.clock.now() - Date.UTC(2026, 0, 1),
  );
});
